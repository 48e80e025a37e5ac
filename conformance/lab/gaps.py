"""Names what the requirements of a contract still lack: a test, a probe, a fault, words for people, a review.

A requirement of a shipped profile is complete when a test judges it, a probe can decide it, a fault breaks it, a
stranger can read why it matters and how to keep it, and it was reviewed as it stands. Of a user's document, only the
rows that it adds are looked at: each needs a test and a probe, and the review where there is one.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pytest

from conformance.contract import (
    Contract,
    Level,
    Requirement,
    WrittenAt,
    document_path,
    review_path,
    shipped_profiles,
    stale,
    written_places,
)
from conformance.contract.catalogue import shipped_rows
from conformance.contract.model import Tier
from conformance.probes import check_request, plan
from conformance.probes.completions import smallest
from conformance.probes.generated import GENERATED, KINDS
from conformance.probes.preflight import OPTIONAL_FIELDS, again
from conformance.probes.request_body import RequestBody
from conformance.reference.faults import keywords_without_fault
from conformance.report.explained import Explained, explained
from conformance.running.opening import collecting
from conformance.running.pytest_session import run_pytest
from conformance.running.suite_run import SuiteRun
from conformance.suite.marks import DECLARED
from conformance.suite.selection import requirement_of
from conformance.targets import Target

_ANY_VALUE = "00000000-0000-4000-8000-000000000000"
_WORDS = "give its row `why` (what clients lose) and `fix` (what to do about it)"
_FAULT = "add a row with `breaks: [ID]` to conformance/reference/faults/rows"
_TEST = 'write one in conformance/suite/test_SECTION.py, marked @requirement("ID", probes)'
_REVIEW = "read its source, then run chat-conformance requirements PROFILE --reviewed"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing: whose it is, where that was written, what is missing, and what to do."""

    subject: str
    """The id of a requirement, or a name in the code that means nothing."""
    where: WrittenAt
    missing: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject}  {self.where.file}:{self.where.line}  {self.missing}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class SuiteTest:
    """A test of the suite as it was collected for one contract.

    `named` is the id in its marker, None where the marker is about many requirements; `judges` the requirement of the
    contract that it judges, None where the contract does not have it.
    """

    name: str
    where: WrittenAt
    named: str | None
    judges: Requirement | None
    patterns: tuple[str, ...]
    """Names and globs of the probes that it looks at, `{id}` for the requirement's id."""


def requirement_gaps(contract: Contract, profile: str) -> tuple[Gap, ...]:
    """What the requirements of a contract still lack; `profile` is the user's name for it.

    Raises:
        ContractError: a file of the contract, of its review or of the faults cannot be used.
        ProbeError: as `probe_names`.
        RuntimeError: the suite cannot be collected.
    """
    places = written_places(contract)
    nowhere = WrittenAt(document_path(contract).as_posix(), 1)
    names = probe_names(contract)
    tests: dict[str, list[SuiteTest]] = {}
    for test in suite_tests(contract, profile):
        if test.judges is not None:
            tests.setdefault(test.judges.id, []).append(test)
    shipped = profile in shipped_profiles()
    catalogue = {row.id for row in shipped_rows()}
    unseen = {name for name, _ in keywords_without_fault(contract)}
    gaps: list[Gap] = []
    for row in contract.requirements:
        if not shipped and (row.keyword is not None or row.id in catalogue):
            continue
        lacks = [*_judging(row, tests.get(row.id, ()), names)]
        if shipped:
            needs_fault = row.level is not Level.MAY and row.id not in unseen
            lacks += _about(explained(row, contract), needs_fault=needs_fault)
        gaps += [Gap(row.id, places.get(row.id, nowhere), missing, remedy) for missing, remedy in lacks]
    return (*gaps, *_unreviewed(contract, profile, places))


def _judging(row: Requirement, tests: Sequence[SuiteTest], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    if not tests:
        yield "no test judges it", _TEST.replace("ID", row.id).replace("SECTION", row.section)
        return
    written = dict.fromkeys(chain.from_iterable(test.patterns for test in tests))
    patterns = [pattern.replace("{id}", row.id) for pattern in written]
    if not any(fnmatch.filter(names, pattern) for pattern in patterns):
        shown = ", ".join(f"`{pattern}`" for pattern in patterns) or "none"
        yield f"no probe of the profile is one that its test looks at ({shown})", "correct the marker, or add the probe"


def _about(known: Explained, *, needs_fault: bool) -> Iterator[tuple[str, str]]:
    if not known.why or not known.fix:
        yield "nothing says why it matters and how to keep it", _WORDS
    if needs_fault and not known.faults:
        yield "no fault breaks it", _FAULT.replace("ID", known.requirement.id)


def _unreviewed(contract: Contract, profile: str, places: Mapping[str, WrittenAt]) -> Iterator[Gap]:
    record = review_path(contract)
    if profile not in shipped_profiles() and not record.exists():
        return
    for one in stale(contract):
        where = places.get(one.id, WrittenAt(record.as_posix(), 1))
        yield Gap(one.id, where, f"not reviewed as it stands ({one.why})", _REVIEW.replace("PROFILE", profile))


def suite_tests(contract: Contract, profile: str) -> tuple[SuiteTest, ...]:
    """Every test of the suite, of any tier, as it is for a contract; also those that judge nothing of it.

    Raises:
        RuntimeError: the suite cannot be collected.
    """
    items = _Items()
    suite_run = SuiteRun(collecting(contract, profile, Tier.LOAD))
    ended = run_pytest(suite_run, ["--collect-only"], items)
    if suite_run.broken or ended.failed:
        raise RuntimeError(f"the suite cannot be collected: {suite_run.broken or ended.printed}")
    return tuple(_suite_test(item, contract) for item in items.collected)


class _Items:
    """The hook that notes every test, before any is left out."""

    def __init__(self) -> None:
        self.collected: list[pytest.Item] = []

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        self.collected.append(item)


def _suite_test(item: pytest.Item, contract: Contract) -> SuiteTest:
    single, many = item.get_closest_marker("requirement"), item.get_closest_marker("keywords")
    marker = single or many
    file, line, _ = item.location
    return SuiteTest(
        name=item.name.partition("[")[0],
        where=WrittenAt(f"conformance/{file}", (line or 0) + 1),
        named=single.args[0] if single is not None and single.args[0] != DECLARED else None,
        judges=requirement_of(item, contract),
        patterns=tuple(marker.kwargs["probes"]) if marker is not None else (),
    )


def probe_names(contract: Contract) -> tuple[str, ...]:
    """The name of every probe that can be planned for a contract in any tier, with every value configured.

    Of generated probes, there is one name of each kind; of those of the preflight that are only made after an answer,
    the first tries.

    Raises:
        ProbeError: the contract does not allow the request that all probes start from.
    """
    target = configured_target(contract)
    check_request(contract, target)
    planned = (plan(contract, target, ["*"], tier, generated=0) for tier in (Tier.EXHAUSTIVE, Tier.LOAD))
    names = dict.fromkeys(probe.name for one in planned for probe in one.every_probe())
    first = smallest(RequestBody(contract, target))
    tries = (*(again(first, number).name for number in (1, 2)), OPTIONAL_FIELDS)
    return (*names, *(f"{GENERATED}{kind}/0" for kind in KINDS), *tries)


def configured_target(contract: Contract) -> Target:
    """A target with every value that a probe may need; nothing is sent to it."""
    return Target(
        "http://localhost",
        api_key="a-key",
        model=_model(contract),
        parameters={one.name: one.default or one.demo or _ANY_VALUE for one in contract.parameters},
        other_api_key="another-key",
        other_parameters={one.name: _ANY_VALUE for one in contract.tenancy},
    )


def _model(contract: Contract) -> str | None:
    """A model that the contract allows, where an operator has to name one."""
    if "{model}" not in contract.template.values():
        return None
    schema = contract.operation.properties.get("model")
    listed = schema.get("enum") if isinstance(schema, Mapping) else None
    return next((one for one in listed or () if isinstance(one, str)), "a-model")
