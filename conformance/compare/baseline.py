"""Compares the findings of a run with those of an earlier one: known, new, and fixed."""

from __future__ import annotations

from dataclasses import replace

from conformance.compare.identity import FindingIdentity, identities, newly_broken
from conformance.compare.runs import CompareError
from conformance.contract.model import Level
from conformance.report.results import AgainstBaseline, RequirementResult, Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, UNDECIDED, Outcome

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

    Only a requirement that the run decided can be fixed. A MUST that neither run decided is named: what the baseline
    could not show either is nothing that this run changed.
    """
    before = {row.id: row for row in baseline.requirements}
    broken = [row for row in results.requirements if row.outcome in BROKEN_OR_WAIVED]
    new = [row.id for row in broken if newly_broken(identities(row), _identities_of(before.get(row.id)))]
    now = {row.id: row for row in results.requirements if row.outcome in _DECIDED}
    return AgainstBaseline(
        started=baseline.started,
        base_url=baseline.target.base_url,
        known=tuple(row.id for row in broken if row.id not in new),
        new=tuple(new),
        fixed=tuple(row.id for row in baseline.requirements if row.id in now and _gone(row, now[row.id])),
        undecided=tuple(row.id for row in results.requirements if _undecided_in_both(row, before.get(row.id))),
    )


def without_known(results: Results, compared: AgainstBaseline) -> tuple[RequirementResult, ...]:
    """The requirements of a run with what the baseline has, too, accepted as if it were waived.

    That is what was broken there in no other way, and what was not decided there either.
    """
    known, undecided = set(compared.known), set(compared.undecided)
    return tuple(
        replace(row, outcome=Outcome.WAIVED)
        if (row.id in known and row.outcome in BROKEN_OR_WAIVED) or (row.id in undecided and row.outcome in UNDECIDED)
        else row
        for row in results.requirements
    )


def _identities_of(before: RequirementResult | None) -> frozenset[FindingIdentity]:
    return frozenset() if before is None else identities(before)


def _undecided_in_both(now: RequirementResult, before: RequirementResult | None) -> bool:
    binding = now.level is Level.MUST and now.scored
    return binding and now.outcome in UNDECIDED and before is not None and before.outcome in UNDECIDED


def _gone(before: RequirementResult, now: RequirementResult) -> bool:
    return bool(identities(before) - identities(now))
