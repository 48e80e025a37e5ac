"""Judges the evidence of an unpacked bundle again, and compares the result with its record."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.bundle.challenge import Carried, carried, check_challenge
from conformance.bundle.completeness import check_finished, check_plan, every_probe
from conformance.bundle.errors import BundleError
from conformance.bundle.manifest import file_digest
from conformance.bundle.packing import CONTRACT, EVIDENCE, REQUIREMENTS
from conformance.bundle.peers import peer_sentences
from conformance.bundle.planned_requests import PlannedRequests
from conformance.bundle.possible_times import check_times
from conformance.bundle.reports_again import changed_report
from conformance.bundle.scope import LeftOut, left_out
from conformance.compare.record_differences import record_differences
from conformance.contract import requirement_set, shipped_profiles
from conformance.contract.profile import with_operation
from conformance.evidence import Evidence, EvidenceError
from conformance.evidence.bounds import FOREIGN
from conformance.probes import Challenge
from conformance.probes.generated import MOST
from conformance.quoting import one_line
from conformance.report import Results, results_document
from conformance.running.finish import FinishedRun, finish
from conformance.running.opening import open_run
from conformance.running.planned_again import PlannedAgain, planned_again
from conformance.running.pytest_session import Ended, collect, judge
from conformance.running.retry_findings import retried
from conformance.running.run import Run, RunSettings
from conformance.running.suite_run import SuiteRun
from conformance.strict_json import JsonError, load
from conformance.terminal.exits import UsageFailure, as_usage_failures

_CANNOT_JUDGE = "its evidence cannot be judged again"


@dataclass(frozen=True, slots=True)
class Planned:
    """What the requests of a bundle show beside the outcomes: whom they reached, and how they answer a challenge."""

    connections: tuple[str, ...]
    """In sentences."""
    carried: Carried | None
    """None where the bundle is not held to a challenge."""


def check_plan_again(results: Results, folder: Path, challenge: Challenge | None = None) -> Planned:
    """Check that the evidence in a folder is of the whole plan that its contract and tier demand, request by request.

    Where its run was made for a challenge, the requests follow from that, too; it must be `challenge` where one is
    given.

    Raises:
        BundleError: the contract is a different one; or a probe, an exchange or a request is not what follows; or the
            run was not made for the challenge.
    """
    with opened(results, folder) as run:
        assert run.recorded is not None
        if challenge is not None:
            check_challenge(challenge, run.recorded)
        planning, again, needs = check_planned(run)
        connections = tuple(peer_sentences(run.recorded.exchanges))
        return Planned(connections, None if challenge is None else carried(planning, again, needs))


def judge_again(results: Results, folder: Path) -> tuple[tuple[LeftOut, ...], Evidence]:
    """Judge the evidence in a folder by the contract that is installed here, or, for a user's own, by the bundle's.

    Gives what was not judged, and the evidence. That the evidence is whole is for `check_plan_again`.

    Raises:
        BundleError: the contract is a different one; or an outcome, anything else in the record, or a report differs.
    """
    with opened(results, folder) as run:
        _compare(results, folder, run)
        assert run.recorded is not None
        return left_out(results, run.recorded), run.recorded


@contextlib.contextmanager
def opened(results: Results, folder: Path, *, newest: str | None = None) -> Iterator[Run]:
    """The run over the evidence of a bundle, which says to be of the run of the results, and may be.

    `newest` is the release that is scored by in place of the recorded one; with it, another state of the suite may have
    made the bundle.

    Raises:
        BundleError: the evidence is broken or of another run, or the contract is a different one.
    """
    release = results.release.version if results.release else None
    settings = RunSettings(
        profile=profile_of(results, folder),
        replay=(folder / EVIDENCE).parent,
        strict=results.strict,
        require_all=results.require_all,
        release=newest or release,
        bounds=FOREIGN,
    )
    try:
        with as_usage_failures(), open_run(settings, {}) as run:
            if newest is None:
                _check_contract(results, folder, requirement_set(run.contract), run.contract.profile.sha256)
            assert run.recorded is not None
            check_finished(results, run.recorded)
            check_times(results, run.recorded.exchanges)
            yield run
    except UsageFailure as failure:
        said = one_line(str(failure).replace(f"{folder}/", ""), 500)
        what = "the evidence is broken" if isinstance(failure.__cause__, EvidenceError) else _CANNOT_JUDGE
        raise BundleError(f"{what}: {said}") from failure


def profile_of(results: Results, folder: Path) -> str:
    """The profile that a bundle is judged by: the name of a shipped one, or the path of the document in the bundle.

    Raises:
        BundleError: the document in the bundle is not the one that was judged by.
    """
    written = requirements_in(folder)
    document = folder / CONTRACT / str(written["document"])
    if not document.is_file() or file_digest(document) != results.profile.sha256:
        raise BundleError(
            f"{CONTRACT}/{written['document']!s:.80} is not the document that results.json names by its digest."
        )
    name, operation = results.profile.name, written.get("operation")
    return name if name in shipped_profiles() else with_operation(str(document), operation and str(operation))


def requirements_in(folder: Path) -> Mapping[str, Any]:
    """What the bundle says that its contract required.

    Raises:
        BundleError: it is not there, or cannot be used.
    """
    try:
        written = load((folder / REQUIREMENTS).read_bytes())
    except JsonError as error:
        raise BundleError(f"{REQUIREMENTS} is not JSON that can be used ({error}).") from error
    if not isinstance(written, Mapping) or not isinstance(written.get("document"), str):
        raise BundleError(f"{REQUIREMENTS} does not name the contract's document.")
    if "/" in written["document"] or written["document"].startswith("."):
        raise BundleError(f"{REQUIREMENTS} names a document outside the bundle.")
    return written


def judged(results: Results, run: Run) -> tuple[SuiteRun, FinishedRun]:
    """The evidence of a bundle, judged as its run was: with the waivers of then, on that day.

    Raises:
        BundleError: the suite broke on it.
    """
    day = datetime.datetime.fromisoformat(results.started).date()
    suite_run, ended = judge(replace(run, waivers=results.waivers, today=day))
    shown = retried(suite_run)
    _check_unbroken([*suite_run.broken, *shown.broken], ended)
    return suite_run, finish(suite_run, interrupted=ended.interrupted, write=False, tries=shown.tries)


def _compare(results: Results, folder: Path, run: Run) -> None:
    suite_run, again = judged(results, run)
    difference = next(record_differences(results_document(results), results_document(again.results)), None)
    if difference is not None:
        raise BundleError(difference)
    changed = changed_report(suite_run, results, folder)
    if changed is not None:
        raise BundleError(f"{changed} is not the report that results and evidence make; it was changed.")


def check_planned(run: Run) -> tuple[Run, PlannedAgain, Sequence[str]]:
    """Check the plan and each request; gives the plan, the run as it was planned, and what its tests need.

    Raises:
        BundleError: one is not what follows.
    """
    recorded = run.recorded
    assert recorded is not None
    generated = recorded.header.get("generated")
    if generated is not None and (type(generated) is not int or not 0 <= generated <= MOST):
        raise BundleError("the evidence's first line does not say how many requests were to be generated at most.")
    run = replace(run, settings=replace(run.settings, generated=generated))
    collected, ended = collect(run)
    _check_unbroken(collected.broken, ended)
    again = planned_again(run, collected.needs)
    check_plan(run, again)
    probes = every_probe(run, again)
    PlannedRequests(run.contract, again.target).check(recorded.exchanges, probes, again.asked)
    return run, again, collected.needs


def _check_unbroken(broken: Sequence[str], ended: Ended) -> None:
    if broken or ended.failed:
        message = broken[0] if broken else ended.printed.strip().splitlines()[-1]
        if "MemoryError" in message:
            raise MemoryError
        raise BundleError(f"{_CANNOT_JUDGE}: the suite broke on it ({one_line(message, 300)}).")


def _check_contract(results: Results, folder: Path, required: Mapping[str, Any], sha256: str) -> None:
    if sha256 != results.profile.sha256:
        raise BundleError(
            f"the document of {results.profile.name} that is installed here is a different one (sha256 {sha256}), so"
            " nothing was judged again; verify it with the installation that made it."
        )
    written = requirements_in(folder).get("requirements")
    if written != required:
        raise BundleError(
            f"{REQUIREMENTS} does not list what this installation requires of {results.profile.name}: the set was"
            " changed, or another state of the suite made the bundle."
        )
