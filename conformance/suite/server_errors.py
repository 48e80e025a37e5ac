"""Judges errors of the server to valid requests: what was together in the request, and what of it is served alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.probes import Intent, Probe
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.narrowing import Failure, failure_of, fields_beside
from conformance.probes.shrinking import SHRUNK
from conformance.suite.drawn_judging import narrowest, smallest_sent
from conformance.suite.expect import DoesNotApply, Expect, NotTestable
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import declined, given_up, worst
from conformance.suite.refusals import says_unsupported

NO_SERVER_ERROR = "request.no-server-error"
"""The requirement that an error of the server breaks."""
_NOT_IMPLEMENTED = 501


def judge_no_server_error(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    """Expect no answer to a request that may be served to be an error of the server.

    One that says what the target lacks is none, nor is one after which a gateway gave up a completion without a limit.
    """
    for one in answers:
        if one.probe.intent is Intent.REFUSED or SHRUNK in one.probe.name:
            continue  # a smaller one shows what matters in another request, which the finding is about
        excuse = _excuse(one)
        if excuse is not None:
            expect.note(excuse)
            continue
        broke = one.answer.status >= 500
        shown = narrowest(one, observations) if broke else one
        expect(
            not broke,
            shown.id,
            expected=f"a completion, or a refusal as the client's mistake, for {one.probe.about}",
            actual="; ".join((*_combined(one, shown, observations), status_of(shown))) if broke else status_of(one),
        )


def _excuse(one: Answered) -> Exception | None:
    """Why an error of the server is not held against the target."""
    status, body = one.answer.status, one.answer.body
    if status < 500:
        return None
    why = given_up(one.sent, status, one.answer.headers_at)
    if why is not None:
        return DoesNotApply(f"{one.id}: {why}")
    lacking = declined(one.sent, status, body)
    if lacking is not None:
        return DoesNotApply(f"{one.id}: {lacking}", lacks=lacking.lacks)
    if status == _NOT_IMPLEMENTED and says_unsupported(body):
        return DoesNotApply(f"{one.id}: the target says that it does not support this ({status})")
    return None


def judge_together(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect what is served apart to be served together, unless a refusal says that it cannot be.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.answers([one for one in probes if SHRUNK not in one.name])
    for obstacle in obstacles:
        expect.note(obstacle)
    for one in answered:
        failure = failure_of(one.probe.intent, one.answer.status)
        if failure is not Failure.REFUSED:
            if failure is None:
                expect.looked_at(one.id)
            continue  # an error of the server is told by another requirement
        parts = list(map(observations.outcome_of, one.probe.instead))
        apart = [part for part in parts if isinstance(part, Answered) and observations.served(part)]
        if len(apart) < len(parts):
            expect.notes.append(f"{one.id}: a part of it is not served by itself, as its own requirement tells")
            continue
        shown = narrowest(one, observations)
        lacking = declined(shown.sent, shown.answer.status, shown.answer.body)
        if lacking is not None:
            expect.note(DoesNotApply(f"{shown.id}: {lacking}", lacks=lacking.lacks))
            continue
        if "messages" in _beside_the_smallest(shown.sent, observations):
            expect.notes.append(
                f"{shown.id}: its conversation may be what is refused, of which another requirement tells"
            )
            continue
        actual = "; ".join((*_together(one, shown, observations), status_of(shown)))
        expect(False, shown.id, expected=f"a completion for {one.probe.about}, as for each apart", actual=actual)
    if not expect.judged and expect.lacking is None:
        raise worst(obstacles) if obstacles else NotTestable("no combined request was served, nor each of its parts")


def _combined(one: Answered, shown: Answered, observations: Observations) -> Iterator[str]:
    """Which of the fields of a request bring the error alone; if none is known to, which bring it together."""
    found = [observations.outcome_of(part) for part in one.probe.instead]
    alone = [part for part in found if isinstance(part, Answered)]
    broken = [part for part in alone if part.answer.status >= 500]
    if broken:
        first = broken[0]
        yield f"{first.probe.about} alone brings status {first.answer.status}, too ({first.id})"
        return
    served = sum(observations.served(part) for part in alone)
    count = len(one.probe.instead)
    if served and count == 1:
        yield f"{alone[0].probe.about} is served ({alone[0].id})"
    elif served:
        yield (
            f"each of its {count} parts is served alone" if served == count else f"{served} of {count} are served alone"
        )
    yield from _together(one, shown, observations)


def _together(one: Answered, shown: Answered, observations: Observations) -> Iterator[str]:
    """Which fields a request has together, or of those that it has, which alone bring the answer."""
    names = _beside_the_smallest(shown.sent, observations)
    quoted = [f"`{name}`" for name in names]
    if shown is not one and names:
        bring = f"{quoted[0]} alone brings" if len(quoted) == 1 else f"{' and '.join(quoted)} together bring"
        yield f"{bring} it, without the rest of {one.id}"
    elif len(names) > 1:
        yield f"it has {', '.join(quoted)}"


def _beside_the_smallest(sent: Any, observations: Observations) -> list[str]:
    """The fields that the smallest valid request has not, or with another value; but for its limit, and one message."""
    messages = sent.get("messages") if isinstance(sent, Mapping) else None
    alike = {*LIMIT_FIELDS, *(("messages",) if isinstance(messages, list) and len(messages) == 1 else ())}
    return [name for name in fields_beside(sent, smallest_sent(observations)) if name not in alike]
