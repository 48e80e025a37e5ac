"""Judges requests that were drawn at random: only what no other request of the run shows is held against a target.

A field that is refused wherever it stands, or a keyword that is never enforced, is told by the requirement that it
belongs to. What is left is what no fixed request has: odd values, and values that break one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from conformance.probes import Intent, Probe
from conformance.probes.completions import SMALLEST
from conformance.probes.drawn import INVALID, VALID, base_of, requirement_of
from conformance.probes.generated import GENERATED
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.narrowing import DRAWN, failure_of, fields_beside
from conformance.probes.shrinking import SHRUNK
from conformance.quoting import quoted
from conformance.suite.answer_judging import CLIENT_ERRORS
from conformance.suite.expect import Expect, NotTestable
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import Obstacle, declined
from conformance.suite.request_judging import is_refusal


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An exchange that shows the same as a drawn request, and why the finding belongs there."""

    exchange: str
    why: str


Explanation = Callable[[Answered], Elsewhere | None]
"""Says where a bad answer to a drawn request is told; None where only this request shows it."""


def judge_drawn_valid(observations: Observations, expect: Expect) -> Elsewhere | None:
    """Expect each valid request to be served, unless a simpler one fares the same; gives one that does."""
    others = list(_not_served(observations))

    def explained(found: Answered) -> Elsewhere | None:
        return _with_less(found, others, observations)

    return _judge(VALID, "a completion", _is_success, explained, observations, expect)


def _with_less(
    found: Answered, others: Sequence[tuple[Answered, frozenset[str]]], observations: Observations
) -> Elsewhere | None:
    """A simpler valid request that is answered in the same way."""
    failure, names = failure_of(Intent.SERVED, found.answer.status), _fields(found, observations)
    for one, has in others:
        if has <= names and failure_of(Intent.SERVED, one.answer.status) is failure:
            return Elsewhere(one.id, f"{one.id} fares the same with less in it")
    return None


def judge_drawn_invalid(observations: Observations, expect: Expect) -> Elsewhere | None:
    """Expect each invalid request to be refused, unless its violation alone is not refused; gives one that is not."""
    others = list(_not_served(observations))

    def explained(found: Answered) -> Elsewhere | None:
        base = observations.answers(observations.matching([base_of(found.probe.name)]))[0]
        if base and not _is_success(base[0]):
            return Elsewhere(base[0].id, f"{base[0].id}, the valid request that it was made from, is not served")
        row = requirement_of(found.probe.name)
        for one in observations.answers(observations.matching([f"{row}/enforced/*"]))[0]:
            if not _is_refused(one, observations):
                return Elsewhere(one.id, f"{one.id} shows the same for {row}")
        return _with_less(found, others, observations) if found.answer.status >= 500 else None

    return _judge(INVALID, "a refusal", lambda one: _is_refused(one, observations), explained, observations, expect)


def _judge(
    prefix: str,
    due: str,
    is_kept: Callable[[Answered], bool],
    explained: Explanation,
    observations: Observations,
    expect: Expect,
) -> Elsewhere | None:
    probes = [probe for probe in observations.matching([f"{prefix}*"]) if SHRUNK not in probe.name]
    answered, obstacles = observations.answers(probes)
    _note_silence(obstacles, due, observations, expect)
    told: list[Elsewhere] = []
    for found in answered:
        if is_kept(found):
            expect.looked_at(found.id)
            continue
        lacking = declined(found.sent, found.answer.status, found.answer.body)
        if lacking is not None and found.probe.intent is Intent.SERVED:
            expect.note(lacking)
            continue
        elsewhere = explained(found)
        if elsewhere is None:
            _report(found, due, is_kept, observations, expect)
        else:
            told.append(elsewhere)
            expect.notes.append(f"{found.id} decides nothing ({found.answer.status}): {elsewhere.why}")
    return told[0] if told else None


def _is_success(found: Answered) -> bool:
    """Whether the status is a success: what the body then has to be, others judge for every answer."""
    return 200 <= found.answer.status < 300


def _is_refused(found: Answered, observations: Observations) -> bool:
    """Whether the client is told of a mistake: with which status, others judge."""
    return found.answer.status in CLIENT_ERRORS or is_refusal(found, observations)


def _note_silence(obstacles: Sequence[Obstacle], due: str, observations: Observations, expect: Expect) -> None:
    """Report requests that got no answer, where all that are not drawn did."""
    silent = [one for one in obstacles if isinstance(one, NotTestable)]
    if silent:
        others = [probe for probe in observations.probes.values() if not probe.name.startswith(DRAWN)]
        if not any(isinstance(one, NotTestable) for one in observations.answers(others)[1]):
            expect.missing_answers(f"{due} for a request that was drawn at random", silent)
            silent = []
    for one in (*silent, *(one for one in obstacles if not isinstance(one, NotTestable))):
        expect.note(one)


def _report(
    found: Answered, due: str, is_kept: Callable[[Answered], bool], observations: Observations, expect: Expect
) -> None:
    """Report a finding by the request with the fewest fields that shows it."""
    smallest = narrowest(found, observations)
    if is_kept(smallest):
        smallest = found
    body = smallest.exchange.request.body.decode("utf-8", "replace")
    origin = f"{found.id} ({found.probe.about})"
    wording = f"{due} for {found.probe.about}" if smallest is found else f"{due} for {quoted(body)}, from {origin}"
    names = sorted(_fields(smallest, observations))
    beside = f"with {' and '.join(f'`{name}`' for name in names)}: " if smallest is not found and names else ""
    expect(False, smallest.id, expected=wording, actual=beside + status_of(smallest))


def narrowest(found: Answered, observations: Observations) -> Answered:
    """Of a request and those with fewer of its fields, the one with the fewest that failed in the same way.

    What another request was brought down to counts as well, where this one has all of it.
    """
    failure, names = failure_of(found.probe.intent, found.answer.status), _fields(found, observations)
    pattern = f"{found.probe.name}{SHRUNK}*" if found.probe.intent is Intent.REFUSED else f"*{SHRUNK}*"
    alike = [
        one
        for one in observations.answers(observations.matching([pattern]))[0]
        if (one.probe.intent is Intent.REFUSED) is (found.probe.intent is Intent.REFUSED)
        and failure_of(one.probe.intent, one.answer.status) is failure
        and _fields(one, observations) <= names
    ]
    return min([found, *alike], key=lambda one: len(_fields(one, observations)))


def _fields(found: Answered, observations: Observations) -> frozenset[str]:
    """The fields of a request beyond the smallest one, but for its limit."""
    return frozenset(fields_beside(found.sent, smallest_sent(observations))) - {*LIMIT_FIELDS}


def smallest_sent(observations: Observations) -> object:
    """The body of the smallest valid request; an empty one where it was not answered."""
    exchange = observations.exchange_of(SMALLEST)
    if exchange is None or exchange.answer is None:
        return {}
    return Answered(observations.probes[SMALLEST], exchange, exchange.answer).sent


def _not_served(observations: Observations) -> Iterator[tuple[Answered, frozenset[str]]]:
    """The other valid requests that were not served, each with its fields."""
    planned: Sequence[Probe] = [
        probe
        for probe in observations.probes.values()
        # By name, which a recorded plan has, too.
        if probe.intent is not Intent.REFUSED and not probe.name.startswith((DRAWN, GENERATED))
    ]
    for one in observations.answers(planned)[0]:
        failure = failure_of(one.probe.intent, one.answer.status)
        if failure is not None and isinstance(one.sent, dict):
            yield one, _fields(one, observations)
