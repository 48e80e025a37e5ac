"""A history keeps every line, fits its schema, and is spoilt by no crash."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from comparable_runs import requirement, run_of
from watch_samples import FIRST, entry, row

from conformance.report.results import Fingerprint, Preflight, Tries
from conformance.shipped import specs_directory
from conformance.suite.outcome import Outcome
from conformance.targets import TargetError
from conformance.watch.change_test import Trials
from conformance.watch.entry import Choice, entry_of, line_of
from conformance.watch.history import FILE_NAME, append, read_history


def test_what_is_added_is_read_back_in_order(tmp_path: Path) -> None:
    lines = [entry(0), entry(1, {"a.b": row(3, 1, 5, 4)}, choice=Choice("standard", ("a.b",), 2, 4, 9, 99, "why"))]
    for one in lines:
        append(tmp_path, one)
    assert read_history(tmp_path) == tuple(lines)


def test_a_line_fits_the_published_schema() -> None:
    schema = json.loads((specs_directory() / "watch-history.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(line_of(entry(0, {"a.b": row(3, 1, 5, 4)}, told=("x",)))), schema)


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_the_beginning_of_a_line_that_a_crash_left_does_not_count_and_is_taken_away(tmp_path: Path, kept: int) -> None:
    append(tmp_path, entry(0))
    with (tmp_path / FILE_NAME).open("ab") as stream:
        stream.write(line_of(entry(1)).encode()[:kept])
    assert read_history(tmp_path) == (entry(0),)
    append(tmp_path, entry(2))
    assert read_history(tmp_path) == (entry(0), entry(2))


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "this is not a line of a history"),
        (line_of(entry(1)).replace('"conformant"', '"fine"'), "/verdict"),
        (line_of(entry(1)).replace('"2026-11-02"', '"2026-11-31"'), "/day"),
        (line_of(entry(1)).replace("runs/", "../"), "/run"),
    ],
)
def test_a_line_that_is_none_of_ours_is_named_with_its_number(tmp_path: Path, line: str, problem: str) -> None:
    append(tmp_path, entry(0))
    with (tmp_path / FILE_NAME).open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(TargetError) as caught:
        read_history(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / FILE_NAME}:2: ")
    assert problem in str(caught.value)


def test_a_line_has_what_the_record_says_of_the_deployment_and_of_each_requirement() -> None:
    broken = requirement("stream.a", Outcome.FAILED, ("x#1", "one"), ("x#1", "two"), ("y#1", "one"))
    broken = replace(broken, exchanges=("x#1", "y#1", "z#1", "x#2", "y#2"), tries=Tries(2, 2))
    rows = [
        broken,
        requirement("stream.b", exchanges=("x#1", "z#1")),
        requirement("stream.c", Outcome.BLOCKED, blocked_by="stream.a"),
        requirement("stream.d", Outcome.UNTESTED),
        requirement("stream.e", Outcome.FAILED),
    ]
    traits = Fingerprint({"model": "m", "system_fingerprint": "a"}, {"model": "m", "system_fingerprint": "b"})
    run = run_of(*rows, fingerprint=traits, preflight=Preflight(limit_field="max_tokens", refused=("stop",)))
    found = entry_of(run, FIRST, "runs/x", Choice("standard"), "f" * 64)
    assert found.facts["system_fingerprint"] == "a, then b"
    assert found.facts["field that limits tokens"] == "max_tokens"
    assert found.facts["refused fields"] == "stop"
    assert {name: one.trials for name, one in found.rows.items()} == {
        "stream.a": Trials(3, 2, 1, 1),
        "stream.b": Trials(2),
        "stream.c": None,
        "stream.e": Trials(1, 1),
    }
