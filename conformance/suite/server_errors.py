"""Judges errors of the server to valid requests: what was together in the request, and what of it is served alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from conformance.probes import Intent
from conformance.probes.completions import SMALLEST
from conformance.probes.model import LIMIT_FIELDS
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import declined, given_up
from conformance.suite.refusals import says_unsupported

NO_SERVER_ERROR = "request.no-server-error"
"""The requirement that an error of the server breaks."""
_NOT_IMPLEMENTED = 501


def judge_no_server_error(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    """Expect no answer to a request that may be served to be an error of the server.

    One that says what the target lacks is none, nor is one after which a gateway gave up a completion without a limit.
    """
    for one in answers:
        if one.probe.intent is Intent.REFUSED:
            continue
        excuse = _excuse(one)
        if excuse is not None:
            expect.note(excuse)
            continue
        broke = one.answer.status >= 500
        expect(
            not broke,
            one.id,
            expected=f"a completion, or a refusal as the client's mistake, for {one.probe.about}",
            actual="; ".join((*_combined(one, observations), status_of(one))) if broke else status_of(one),
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


def _combined(one: Answered, observations: Observations) -> Iterator[str]:
    """Which of the fields of a request bring the error alone; if none is known to, which it has together."""
    found = [observations.outcome_of(part) for part in one.probe.instead]
    alone = [part for part in found if isinstance(part, Answered)]
    broken = [part for part in alone if part.answer.status >= 500]
    if broken:
        first = broken[0]
        yield f"{first.probe.about} alone brings status {first.answer.status}, too ({first.id})"
        return
    served = sum(observations.served(part) for part in alone)
    if served:
        count = len(one.probe.instead)
        yield (
            f"each of its {count} parts is served alone" if served == count else f"{served} of {count} are served alone"
        )
    names = _beside_the_smallest(one.sent, observations)
    if len(names) > 1:
        yield f"it has {', '.join(f'`{name}`' for name in names)}"


def _beside_the_smallest(sent: Any, observations: Observations) -> list[str]:
    """The fields that the smallest valid request has not, or with another value; but for its limit, and one message."""
    smallest = observations.exchange_of(SMALLEST)
    if smallest is None or smallest.answer is None or not isinstance(sent, Mapping):
        return []
    plain = Answered(observations.probes[SMALLEST], smallest, smallest.answer).sent
    known = plain if isinstance(plain, Mapping) else {}
    other = [name for name, value in sent.items() if name not in known or known[name] != value]
    messages = sent.get("messages")
    alike = {*LIMIT_FIELDS, *(("messages",) if isinstance(messages, list) and len(messages) == 1 else ())}
    return [name for name in other if name not in alike]
