"""Compares the findings of a run with those of an earlier one: known, new, and fixed."""

from __future__ import annotations

from dataclasses import replace

from conformance.compare.identity import all_identities, identities
from conformance.compare.runs import CompareError
from conformance.report.results import AgainstBaseline, RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, Outcome

_DECIDED = BROKEN_OR_WAIVED | {Outcome.PASSED, Outcome.SKIPPED}


def check_baseline(baseline: Results, profile: str) -> None:
    """Refuse a baseline of another profile.

    Raises:
        CompareError: it is of another profile.
    """
    if baseline.profile.name != profile:
        raise CompareError(
            f"the baseline is a run of the profile {baseline.profile.name}, not {profile}; give one of this profile."
        )


def against(results: Results, baseline: Results) -> AgainstBaseline:
    """Which findings of a run are known from a baseline, which are new, and which are gone.

    Only a requirement that the run decided can be fixed.
    """
    before = all_identities(baseline.requirements)
    broken = [row for row in results.requirements if row.outcome in BROKEN_OR_WAIVED]
    new = [row.id for row in broken if not identities(row) <= before]
    now = {row.id: row for row in results.requirements if row.outcome in _DECIDED}
    return AgainstBaseline(
        started=baseline.started,
        base_url=baseline.target.base_url,
        known=tuple(row.id for row in broken if row.id not in new),
        new=tuple(new),
        fixed=tuple(row.id for row in baseline.requirements if row.id in now and _gone(row, now[row.id])),
    )


def without_known(results: Results, compared: AgainstBaseline) -> tuple[RequirementResult, ...]:
    """The requirements of a run with what is known from the baseline accepted as if it were waived."""
    known = set(compared.known)
    return tuple(
        replace(row, outcome=Outcome.WAIVED) if row.id in known and row.outcome in BROKEN_OR_WAIVED else row
        for row in results.requirements
    )


def _gone(before: RequirementResult, now: RequirementResult) -> bool:
    return bool(identities(before) - identities(now))
