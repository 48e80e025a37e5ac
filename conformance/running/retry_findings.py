"""Tries findings again, and counts in how many tries a requirement was broken.

This is off unless it is asked for: a further try costs as much as the first, and can take back nothing that was found.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from conformance.report.results import Tries
from conformance.running.observed import Observed
from conformance.running.pytest_session import run_pytest
from conformance.running.retries import of_round, tried_again
from conformance.running.sending import send_again
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import Judgement
from conformance.suite.observations import Observations
from conformance.suite.outcome import BROKEN, Outcome
from conformance.wire import Unreachable

_DECIDED = BROKEN | {Outcome.PASSED}


@dataclass(frozen=True, slots=True)
class Retried:
    """What trying findings again showed."""

    tries: Mapping[str, tuple[Tries, tuple[str, ...]]] = field(default_factory=dict)
    """For each broken requirement that was tried again: how often, and by which exchanges."""
    broken: tuple[str, ...] = ()
    """Defects of the suite that judging the tries met."""


def retry_findings(suite_run: SuiteRun) -> None:
    """Send the requests of the run's findings again, as often as its settings say, and keep what comes.

    Raises:
        OSError: the evidence cannot be written.
    """
    run, observed = suite_run.run, suite_run.observed
    if run.recorded is not None or observed is None or observed.interrupted or suite_run.unreachable is not None:
        return
    names = tried_again(_open(suite_run).values())
    rounds = range(1, run.settings.retry_findings + 1) if names else ()
    with contextlib.suppress(Unreachable):  # a target that went away ends the rounds, not the run
        for number in rounds:
            suite_run.observed = observed = send_again(run, observed, names, number)
            if observed.interrupted:
                return


def retried(suite_run: SuiteRun) -> Retried:
    """What the recorded tries of a run show; it depends on the recorded exchanges alone.

    A round counts for a requirement where it sent every probe that the findings rest on (else an old finding would be
    counted anew), and where it decides the requirement.
    """
    observed = suite_run.observed
    if observed is None or not observed.retries:
        return Retried()
    findings = _open(suite_run)
    broken, judged = Counter(findings.keys()), Counter(findings.keys())
    shown: dict[str, list[str]] = {row_id: [] for row_id in findings}
    defects: list[str] = []
    for number in sorted({exchange.round for exchange in observed.retries}):
        sent = {exchange.probe for exchange in observed.retries if exchange.round == number}
        again = [row_id for row_id, judgement in findings.items() if tried_again([judgement]) <= sent]
        seen = observed.observations.with_exchanges(of_round(observed.exchanges, number))
        own = {exchange.id for exchange in observed.retries if exchange.round == number}
        judgements, met = _judged(suite_run, again, seen)
        defects += met
        for row_id, judgement in judgements.items():
            judged[row_id] += judgement.outcome in _DECIDED
            broken[row_id] += judgement.outcome in BROKEN
            shown[row_id] += [one for one in judgement.exchanges if one in own]
    tries = {
        row_id: (Tries(broken[row_id], judged[row_id]), tuple(shown[row_id]))
        for row_id in findings
        if judged[row_id] > 1
    }
    return Retried(tries, tuple(defects))


def _open(suite_run: SuiteRun) -> dict[str, Judgement]:
    """What is broken and not waived, by requirement."""
    judged = (suite_run.waived(judgement) for judgement in suite_run.judgements.values())
    return {one.requirement.id: one for one in judged if one.outcome in BROKEN}


def _judged(suite_run: SuiteRun, ids: list[str], seen: Observations) -> tuple[Mapping[str, Judgement], list[str]]:
    """The judgements of these requirements over these exchanges, and the defects of the suite that came up."""
    if not ids:
        return {}, []
    run = suite_run.run
    judging = SuiteRun(replace(run, settings=replace(run.settings, only=tuple(ids))), lambda _: Observed(seen))
    ended = run_pytest(judging, [])
    if ended.failed and not judging.broken:
        return judging.judgements, [f"a further round could not be judged: {ended.printed.strip()[-300:]}"]
    return judging.judgements, judging.broken
