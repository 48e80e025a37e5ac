"""Tries findings again, and tells in how many tries a requirement was broken.

This is off unless it is asked for: a further try costs as much as the first, and can take back nothing that was found.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from conformance.report.quantities import counted, listed
from conformance.report.results import RequirementResult, Results, Tries
from conformance.running.judging_run import JudgingRun
from conformance.running.pytest_session import run_pytest
from conformance.running.retries import of_round, tried_again
from conformance.suite.expect import Judgement
from conformance.suite.outcome import BROKEN, Outcome
from conformance.wire import Unreachable

if TYPE_CHECKING:
    from conformance.running.session import Session
    from conformance.running.suite_run import SuiteRun

_DECIDED = BROKEN | {Outcome.PASSED}


def try_again(run: SuiteRun) -> None:
    """Send the requests of the run's findings again, as often as its settings say, and keep what comes.

    Raises:
        OSError: the evidence cannot be written.
    """
    session, observations = run.session, run.observations
    if session.recorded is not None or session.interrupted or observations is None or run.unreachable is not None:
        return
    names = tried_again(_open(run).values())
    rounds = range(1, session.settings.retry_findings + 1) if names else ()
    with contextlib.suppress(Unreachable):  # a target that went away ends the rounds, not the run
        for number in rounds:
            if not session.observe_again(observations, names, number):
                return


def tries_of(run: SuiteRun) -> dict[str, tuple[Tries, tuple[str, ...]]]:
    """For each broken requirement whose findings were tried again: how often, and by which exchanges.

    It depends on the recorded exchanges alone. A round counts for a requirement where it sent every probe that the
    findings rest on (else an old finding would be counted anew), and where it decides the requirement.
    """
    session, observations = run.session, run.observations
    if observations is None or not session.rounds:
        return {}
    findings = _open(run)
    broken, judged = Counter(findings.keys()), Counter(findings.keys())
    shown: dict[str, list[str]] = {row_id: [] for row_id in findings}
    for number in sorted({exchange.round for exchange in session.rounds}):
        sent = {exchange.probe for exchange in session.rounds if exchange.round == number}
        again = [row_id for row_id, judgement in findings.items() if tried_again([judgement]) <= sent]
        seen = observations.with_exchanges(of_round((*observations.exchanges, *session.rounds), number))
        own = {exchange.id for exchange in session.rounds if exchange.round == number}
        for row_id, judgement in _judged(run, again, JudgingRun(_only(run, again), seen)).items():
            judged[row_id] += judgement.outcome in _DECIDED
            broken[row_id] += judgement.outcome in BROKEN
            shown[row_id] += [one for one in judgement.exchanges if one in own]
    return {
        row_id: (Tries(broken[row_id], judged[row_id]), tuple(shown[row_id]))
        for row_id in findings
        if judged[row_id] > 1
    }


def with_tries(results: Results, tries: Mapping[str, tuple[Tries, tuple[str, ...]]]) -> Results:
    """The record with the tries in it; what is flaky is named among the reasons, and stays broken."""
    rows = tuple(_with_tries(row, *tries[row.id]) if row.id in tries else row for row in results.requirements)
    flaky = [row.id for row in rows if row.tries is not None and row.tries.flaky]
    told = f"{counted(len(flaky), 'flaky requirement')}, broken in some tries only, which is no pass: {listed(flaky)}."
    return replace(results, requirements=rows, reasons=(*results.reasons, *([told] if flaky else ())))


def _with_tries(row: RequirementResult, tries: Tries, exchanges: tuple[str, ...]) -> RequirementResult:
    said = f"{'flaky: ' if tries.flaky else ''}broken in {tries.broken} of {tries.of} tries"
    return replace(row, tries=tries, messages=(*row.messages, said), exchanges=(*row.exchanges, *exchanges))


def _open(run: SuiteRun) -> dict[str, Judgement]:
    """What is broken and not waived, by requirement."""
    judged = (run.waived(judgement) for judgement in run.judgements.values())
    return {one.requirement.id: one for one in judged if one.outcome in BROKEN}


def _only(run: SuiteRun, ids: list[str]) -> Session:
    session = run.session
    return replace(session, settings=replace(session.settings, only=tuple(ids)))


def _judged(run: SuiteRun, ids: list[str], judging: JudgingRun) -> Mapping[str, Judgement]:
    if not ids:
        return {}
    ended = run_pytest(judging, [])
    run.broken += judging.broken
    if ended.failed and not judging.broken:
        run.broken.append(f"a further round could not be judged: {ended.printed.strip()[-300:]}")
    return judging.judgements
