"""Names what blocks the requirements that could not be seen: the requirement that is broken on the same exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import takewhile

from conformance.contract.model import Level, Section
from conformance.suite.expect import SERVED, Judgement
from conformance.suite.outcome import BROKEN_OR_WAIVED, Outcome

_NOT_JUDGED = "{} blocks this, which the run did not judge"
_NOTHING_SERVED = "the smallest valid request was not served, so nothing else can be seen"
_UNKNOWN = "nothing that this run judges is broken there"


def with_blockers(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements, each blocked one with the requirement that blocks it; a pure function of all of them together.

    What is broken on an exchange that was in the way blocks it: what is nearest in the same schema first, a MUST before
    a SHOULD, then what is broken on most exchanges. Where nothing is, the usual cause (`Judgement.blocked_by`) does if
    it is broken, or if the run was not to judge it. Otherwise nothing is known to block the requirement, and it is
    inconclusive.
    """
    every = list(judgements)
    outcomes = {one.requirement.id: one.outcome for one in every}
    broken = sorted((one for one in every if one.outcome in BROKEN_OR_WAIVED), key=_weight)
    return [_blocked(one, broken, outcomes) if one.outcome is Outcome.BLOCKED else one for one in every]


def blocked_by_setup(judgements: Iterable[Judgement]) -> list[Judgement]:
    """The judgements of a run whose smallest valid request was never served: that finding blocks all the rest.

    What its answers break as HTTP messages stands beside it, and a broken MUST among these is what blocks the rest.
    """
    every = list(judgements)
    broken = [one for one in every if one.requirement.section is Section.TRANSPORT and one.outcome in BROKEN_OR_WAIVED]
    musts = [one.requirement.id for one in broken if one.requirement.level is Level.MUST]
    kept, cause = {SERVED, *(one.requirement.id for one in broken)}, next(iter(musts), SERVED)
    return [
        one
        if one.requirement.id in kept
        else Judgement(one.requirement, Outcome.BLOCKED, (_NOTHING_SERVED,), blocked_by=cause)
        for one in every
    ]


def _blocked(one: Judgement, broken: Sequence[Judgement], outcomes: Mapping[str, Outcome]) -> Judgement:
    exchanges = set(one.exchanges)
    there = [other for other in broken if any(finding.exchange in exchanges for finding in other.findings)]
    if there:
        nearest = min(there, key=lambda other: -_shared(one.requirement.id, other.requirement.id))
        return replace(one, blocked_by=nearest.requirement.id)
    usual = one.blocked_by
    if usual is not None and outcomes.get(usual) in BROKEN_OR_WAIVED:
        return one
    if usual is not None and usual != one.requirement.id and usual not in outcomes:
        return replace(one, messages=(*one.messages, _NOT_JUDGED.format(usual)))
    messages = (*one.messages, _UNKNOWN)
    return replace(one, outcome=Outcome.INCONCLUSIVE, messages=messages, blocked_by=None)


def _shared(one: str, other: str) -> int:
    """How many parts two ids begin with in common; the section alone says nothing."""
    pairs = zip(one.split("."), other.split("."), strict=False)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    return common if common > 1 else 0


def _weight(one: Judgement) -> tuple[bool, int]:
    """What blocks first: a MUST, then what is broken on most exchanges."""
    return one.requirement.level is not Level.MUST, -len({finding.exchange for finding in one.findings})
