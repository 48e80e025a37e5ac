"""What is to be said of waivers that do nothing: those whose last day has passed, and those that nothing needs."""

from __future__ import annotations

import datetime
import fnmatch
from collections.abc import Iterable

from conformance.report import RequirementResult, Results
from conformance.suite.outcome import Outcome
from conformance.target import Waiver

_BROKEN = (Outcome.FAILED, Outcome.WARNING)
_OPEN = (Outcome.INCONCLUSIVE, Outcome.UNTESTED)


def expired_reasons(results: Results, today: datetime.date) -> tuple[str, ...]:
    """A sentence for each waiver that would accept a violation of the run, had its last day not passed."""
    return tuple(
        f"The waiver of {waiver.requirement} ({waiver.owner}) expired on {waiver.expires} and accepts nothing any more."
        for waiver in results.waivers
        if waiver.expired(today) and any(row.outcome in _BROKEN for row in _of(waiver, results.requirements))
    )


def idle_waivers(results: Results, today: datetime.date) -> tuple[str, ...]:
    """A sentence for each waiver that no violation of the run needs; none where the run left that open."""
    return tuple(
        f"The waiver of {waiver.requirement} ({waiver.owner}{_until(waiver, today)}) matches no violation; remove it."
        for waiver in results.waivers
        if _idle(waiver, results.requirements)
    )


def _idle(waiver: Waiver, rows: Iterable[RequirementResult]) -> bool:
    outcomes = {row.outcome for row in _of(waiver, rows)}
    return bool(outcomes) and outcomes.isdisjoint((*_BROKEN, *_OPEN, Outcome.WAIVED))


def _of(waiver: Waiver, rows: Iterable[RequirementResult]) -> list[RequirementResult]:
    return [row for row in rows if fnmatch.fnmatchcase(row.id, waiver.requirement)]


def _until(waiver: Waiver, today: datetime.date) -> str:
    return f", expired on {waiver.expires}" if waiver.expired(today) else ""
