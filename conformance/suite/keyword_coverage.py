"""Which keywords of the request a run decided: whether each is honoured, and whether it is enforced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.contract import Contract
from conformance.contract.model import Level, Requirement, Tier
from conformance.probes.missing_probes import AspectName, tiers_of_keywords, why_without_probe
from conformance.probes.request_body import RequestBody
from conformance.suite.expect import CANNOT_JUDGE, CannotTell, DoesNotApply, NotSent, NotTestable
from conformance.suite.observations import Observations
from conformance.suite.outcome import AspectOutcome, KeywordCoverage, Outcome
from conformance.suite.request_judging import NOT_SENT, Aspect, judge_keyword, require_baseline
from conformance.targets import Target

_OUTCOMES: Mapping[type[BaseException], Outcome] = {
    NotTestable: Outcome.BLOCKED,
    CannotTell: Outcome.INCONCLUSIVE,
    DoesNotApply: Outcome.SKIPPED,
    NotSent: Outcome.UNTESTED,
}


def keyword_coverage(
    contract: Contract, target: Target, observations: Observations | None, selected: Mapping[str, object]
) -> tuple[KeywordCoverage, ...]:
    """Every keyword of the request's body and path, in the contract's order. A pure function of what was observed.

    `selected` has the ids of the requirements that the run judged.
    """
    rows = [row for row in contract.requirements if row.keyword is not None and is_of_request(row)]
    if not rows:
        return ()
    tiers = tiers_of_keywords(RequestBody(contract, target))
    stopped = _baseline(observations)
    return tuple(_covered(row, observations, stopped, tiers, is_selected=row.id in selected) for row in rows)


def is_of_request(row: Requirement) -> bool:
    """Whether a requirement was derived from a schema of the request."""
    return row.keyword is not None and row.keyword.place is not None


def _baseline(observations: Observations | None) -> AspectOutcome | None:
    """Why no keyword can be judged, or None where they can: the smallest valid request was not served."""
    if observations is None:
        return AspectOutcome(Outcome.UNTESTED, "Nothing was sent.")
    try:
        require_baseline(observations)
    except CANNOT_JUDGE as error:
        return AspectOutcome(_OUTCOMES[type(error)], str(error))
    return None


def _covered(
    row: Requirement,
    observations: Observations | None,
    stopped: AspectOutcome | None,
    tiers: Mapping[tuple[str, str], Tier],
    *,
    is_selected: bool,
) -> KeywordCoverage:
    keyword = row.keyword
    assert keyword is not None
    judged = None if observations is None or stopped is not None else judge_keyword(row, observations)

    def aspect(name: AspectName, found: Aspect | None) -> AspectOutcome:
        tier = tiers.get((row.id, name))
        if tier is None:
            return AspectOutcome(Outcome.SKIPPED, why_without_probe(row, name))
        if stopped is not None:
            return _at_level(stopped, row)
        assert found is not None
        if found.outcome is not Outcome.UNTESTED or found.reason != NOT_SENT:
            return _at_level(AspectOutcome(found.outcome, found.reason, found.exchanges), row)
        return AspectOutcome(Outcome.UNTESTED, _not_sent(tier, is_selected=is_selected))

    return KeywordCoverage(
        requirement=row.id,
        location=keyword.location,
        pointer=keyword.pointer,
        keyword=keyword.name,
        honoured=aspect("honoured", judged.honoured if judged else None),
        enforced=aspect("enforced", judged.enforced if judged else None),
    )


def _not_sent(tier: Tier, *, is_selected: bool) -> str:
    if tier is Tier.EXHAUSTIVE:
        return "Only the exhaustive tier has a request that decides it."
    return (
        "This run's tier has no request that decides it."
        if is_selected
        else "The run was restricted to other requirements."
    )


def _at_level(covered: AspectOutcome, row: Requirement) -> AspectOutcome:
    broken = covered.outcome is Outcome.FAILED and row.level is not Level.MUST
    return replace(covered, outcome=Outcome.WARNING) if broken else covered
