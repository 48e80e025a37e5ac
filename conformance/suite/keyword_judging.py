"""How a requirement that was derived from one schema keyword is judged: over answers, and over requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from conformance.contract.model import Keyword, Requirement
from conformance.probes import Intent, Probe
from conformance.reading import keyword_key
from conformance.suite.condition import declared_unsupported, worst
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotSent, NotTestable
from conformance.suite.observations import Answered, Observations
from conformance.suite.readers import Readers
from conformance.suite.showing import status_of

REFUSALS = (400, 404, 413, 415, 422)
"""Statuses that refuse a request for what it asks; which of them is due, other requirements say."""
REFUSALS_OF_PATH = (400, 401, 403, 404, 422)
"""A malformed path parameter may also be refused as a resource that nobody may see."""


def judge_instances(row: Requirement, instances: Iterable[tuple[str, Any]], readers: Readers, expect: Expect) -> None:
    """Judge JSON values (by the id of their exchange) by one keyword of their schema.

    Raises:
        NotTestable: what holds the place that the keyword speaks of is missing or of the wrong type, against a MUST.
        DoesNotApply: no value has the place, and none must have it.
    """
    keyword = row.keyword
    assert keyword is not None
    judge = readers.schema(keyword.location)
    key = keyword_key(keyword)
    in_the_way: list[str] = []
    for exchange, instance in instances:
        if key not in judge.reached(instance):
            in_the_way += [
                f"{exchange}: {one.actual} at {one.instance_path or 'the root'}"
                for one in judge.deviations(instance)
                if hides(one.pointer, one.name, keyword.pointer) and readers.binds(keyword.location, one.key)
            ]
            continue
        broken = [one for one in judge.deviations(instance) if one.key == key]
        if not broken:
            expect.looked_at(exchange)
        for one in broken:
            place = f"{one.instance_path}: " if one.instance_path else ""
            expect(False, exchange, expected=f"{place}{one.expected}", actual=one.actual)
    if not expect.judged:
        if in_the_way:
            raise NotTestable(in_the_way[0])
        raise DoesNotApply(f"no answer has the place that `{keyword.name}` at {keyword.pointer} speaks of")


def hides(pointer: str, name: str | None, place: str) -> bool:
    """Whether a broken keyword keeps a value from a place (a pointer): a missing member, or a wrong type, above it."""
    parent = pointer.rsplit("/", 1)[0]
    if name is not None:
        return place.startswith(f"{parent}/properties/{name}/")
    return pointer.endswith("/type") and place.startswith(f"{parent}/") and place != pointer


def judge_request_keyword(row: Requirement, observations: Observations, expect: Expect) -> None:
    """Judge whether a keyword of the request is honoured at its edge and enforced just outside of it.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: nothing can be said, and why.
    """
    probes = observations.matching([f"{row.id}/*"], parts=True)
    if row.keyword is not None and row.keyword.location.startswith("path.") and row.keyword.name == "type":
        raise DoesNotApply("a segment of a URL's path is always a string")
    if not probes:
        raise NotSent("this run's tier has no value that decides this keyword")
    _require_baseline(observations)
    refused = [probe for probe in probes if probe.intent is Intent.REFUSED]
    _judge_enforcement(row, refused, observations, expect)
    served = [probe for probe in probes if probe.intent is Intent.SERVED]
    _judge_honouring(served, observations, expect)
    if not expect.judged:
        answered, obstacles = observations.answers(observations.covered_by(probe) for probe in probes)
        raise worst(obstacles) if obstacles and not answered else CannotTell("no answer decides this keyword")


def _require_baseline(observations: Observations) -> None:
    """A refusal only means something where the same request without the mistake is served."""
    baseline = observations.matching(["completion/plain"])
    for _ in observations.usable(baseline, observations.completion):
        return


def _judge_enforcement(row: Requirement, probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    assert isinstance(row.keyword, Keyword)
    refusals = REFUSALS_OF_PATH if row.keyword.location.startswith("path.") else REFUSALS
    answered, obstacles = observations.answers(probes)
    for one in answered:
        expect(
            one.answer.status in refusals,
            one.id,
            expected=f"a refusal (400) of {one.probe.about}",
            actual=status_of(one),
        )
    expect.answers("an answer that refuses the request", obstacles)


def _judge_honouring(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for probe in probes:
        found = observations.outcome_of(observations.covered_by(probe))
        if not isinstance(found, Answered):
            expect.notes.append(str(found))
        elif observations.served(found):
            expect.looked_at(found.id)
        elif declared_unsupported(found.sent, found.answer.status, found.answer.body):
            expect.notes.append(f"{found.id}: the target says that it does not support this ({found.answer.status})")
        else:
            expect(
                False,
                found.id,
                expected=f"a completion for {probe.about}",
                actual=status_of(found),
            )
