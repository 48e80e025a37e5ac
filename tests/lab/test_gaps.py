"""What a requirement lacks, and names in the code that mean nothing: each is found, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from shipped_contracts import shipped_contract

from conformance.lab.gaps import Gap, requirement_gaps
from conformance.lab.names_in_code import KnownNames, known_names, meaningless_in_folder, meaningless_names


@pytest.fixture(scope="module")
def known() -> KnownNames:
    return known_names()


def found(written: str, folder: Path, known: KnownNames) -> list[Gap]:
    """What is wrong with the names in a module."""
    (folder / "module.py").write_text(written)
    return list(meaningless_in_folder(folder, known))


@pytest.mark.slow
def test_no_name_in_the_code_means_nothing() -> None:
    assert [str(gap) for gap in meaningless_names()] == []


def test_a_new_requirement_lacks_everything() -> None:
    contract = shipped_contract("openai")
    row = contract.requirement("transport.bodiless")
    assert row is not None
    new = replace(row, id="transport.made-up", digest="0" * 64)
    gaps = requirement_gaps(replace(contract, requirements=(*contract.requirements, new)), "openai")
    assert {gap.subject for gap in gaps} == {"transport.made-up"}
    assert [gap.missing for gap in gaps] == [
        "no test judges it",
        "nothing says why it matters and how to keep it",
        "no fault breaks it",
        "not reviewed as it stands (new, never reviewed)",
    ]
    assert all(re.search(r"  \S+:\d+  ", str(gap)) for gap in gaps)
    assert 'marked @requirement("transport.made-up", probes)' in gaps[0].remedy


def test_a_requirement_that_no_probe_of_the_profile_can_decide_is_named() -> None:
    contract = shipped_contract("loop-health")
    row = shipped_contract("openai").requirement("completion.logprobs")
    assert row is not None
    gaps = requirement_gaps(replace(contract, requirements=(*contract.requirements, row)), "loop-health")
    named = "(`completion/logprobs`, `completion/logprobs/alone`, `completion/logprobs-of-choices`)"
    assert any(named in gap.missing for gap in gaps)


@pytest.mark.parametrize(
    ("written", "missing"),
    [
        ('NAME = "completion.servd"', "is the id of no requirement"),
        ('NAMES = ("stream.dome*",)', "is the id of no requirement"),
        (
            '@requirement("stream.ends", "stream/plian")\ndef test() -> None: ...',
            "matches no probe of any profile and tier",
        ),
        ('PATTERN = "request.n.*/enfroced/*"', "matches no probe of any profile and tier"),
        ('PATTERN = "generated/random/*"', "matches no probe of any profile and tier"),
    ],
)
def test_a_name_that_means_nothing_is_found_where_it_stands(
    tmp_path: Path, known: KnownNames, written: str, missing: str
) -> None:
    (gap,) = found(f'"""A module about completion.nothing."""\n\n{written}\n', tmp_path, known)
    assert (gap.where.file, gap.where.line, gap.missing) == (f"{tmp_path.name}/module.py", 3, missing)


@pytest.mark.parametrize(
    "name",
    [
        "completion.served",
        "stream.*",
        "completion.set",
        "stream.chunk",
        "completion/plain",
        "completion/again",
        "request.*/enforced/*",
        "generated/mutated/*",
        "access/sibling-",
        "application/json",
        "a/b",
    ],
)
def test_names_that_mean_something_are_left_alone(tmp_path: Path, known: KnownNames, name: str) -> None:
    assert found(f"NAME = {name!r}\n", tmp_path, known) == []
