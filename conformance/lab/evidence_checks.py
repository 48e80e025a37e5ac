"""Checks the evidence of a lab's run against its record: judges it again, and runs the commands of its findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.compare.record_differences import record_differences
from conformance.evidence import read_evidence
from conformance.lab.observing import ObservedTarget
from conformance.lab.reproducing import not_reproduced
from conformance.lab.targets import contract_of
from conformance.report import results_document
from conformance.running.finish import finish
from conformance.running.opening import replayed
from conformance.running.run import RunSettings
from conformance.running.sending import observe

if TYPE_CHECKING:
    from conformance.running.suite_run import SuiteRun

Judge = Callable[[ObservedTarget], Any]


@dataclass(frozen=True, slots=True)
class EvidenceChecks:
    """How the evidence of each run is checked."""

    judged_again: bool = False
    """Whether judging it again must give the same record, except for times."""
    reproduced: bool = False
    """Whether the command of each finding must send the bytes of its request."""


NO_CHECKS = EvidenceChecks()


def failed_checks(suite_run: SuiteRun, judge: Judge, one: ObservedTarget, checks: EvidenceChecks) -> tuple[str, ...]:
    """The checks that fail, a sentence each.

    `suite_run` has just judged this target; `judge` makes it judge another one.
    """
    if not checks.judged_again and not checks.reproduced:
        return ()
    record = _record(suite_run)
    failed = [*_of_commands(record, one)] if checks.reproduced else []
    if checks.judged_again:
        judge(_from_evidence(one))
        differences = record_differences(record, _record(suite_run))
        failed += [f"judged again: {difference}" for difference in differences]
    return tuple(failed)


def _record(suite_run: SuiteRun) -> dict[str, Any]:
    """The record of the run, as its results.json would have it."""
    results = finish(suite_run, interrupted=False, write=False, selected_by_pytest=True).results
    cleaned: dict[str, Any] = suite_run.run.redactor.value(results_document(results))
    return cleaned


def _from_evidence(one: ObservedTarget) -> ObservedTarget:
    """The target as its evidence has it."""
    settings = RunSettings(one.target.profile, replay=_folder(one))
    run = replayed(settings, contract_of(one.target.profile), environ={})
    return ObservedTarget(one.target, run, observe(run, ()), 0.0)


def _of_commands(record: dict[str, Any], one: ObservedTarget) -> Iterator[str]:
    found = {finding["exchange"] for row in record["requirements"] for finding in row.get("findings", ())} - {None}
    exchanges = [exchange for exchange in read_evidence(one.run.evidence_directory).exchanges if exchange.id in found]
    credential = contract_of(one.target.profile).operation.credential
    header = "Authorization" if credential is None else credential.header
    yield from not_reproduced(exchanges, header, _folder(one))


def _folder(one: ObservedTarget) -> Path:
    return one.run.evidence_directory.parent
