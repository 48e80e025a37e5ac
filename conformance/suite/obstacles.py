"""Whether an exchange can be judged at all, and if not, who is responsible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.probes import Intent, Probe
from conformance.probes.model import LIMIT_FIELDS, REFUSED_FOR_LOAD
from conformance.probes.script import HALF_CLOSE
from conformance.suite.expect import SERVED, STREAM_SERVED, CannotTell, DoesNotApply, NotSent, NotTestable
from conformance.suite.limits import limit_of_its_own
from conformance.suite.refusals import (
    refused_fields,
    refused_together,
    refuses_automatic_choice,
    refuses_streaming,
)
from conformance.targets.capabilities import STREAMING
from conformance.wire.exchange import BodyKept, EndKind, Exchange

AUTOMATIC = "automatic tool choice"
LONG = 10.0
"""Seconds after which an error may come from the target's own time limit."""
_NEVER_CONNECTED = (EndKind.UNREACHABLE, EndKind.CONNECT_TIMEOUT)
TOO_SLOW = (EndKind.FIRST_BYTE_TIMEOUT, EndKind.DEADLINE, EndKind.IDLE_TIMEOUT)

Obstacle = NotTestable | CannotTell | DoesNotApply | NotSent


def obstacle(
    probe: Probe, exchange: Exchange | None, *, target_answers: bool, target_is_slow: bool = False
) -> Obstacle | None:
    """Why an exchange has no answer to judge, or None when it has one.

    `target_answers` says whether any request of the run was answered: a target that answers others but closes the
    connection on this one is at fault; one that answers nobody may just be down. `target_is_slow` says whether plain
    requests timed out too: then a missing answer to a bad request decides nothing.
    """
    if exchange is None:
        return NotSent(f"{probe.name} was not sent")
    where = f"{exchange.id}: {probe.about}"
    if exchange.answer is not None:
        if exchange.answer.status in REFUSED_FOR_LOAD:
            return CannotTell(f"{where}: the target refused for load ({exchange.answer.status})")
        if exchange.ending.by_run_limit:
            return CannotTell(f"{where}: the answer was not read to its end: {exchange.ending.detail}")
        if exchange.body_kept is BodyKept.WITHHELD:
            return CannotTell(f"{where}: a part of the answer could not be searched for secrets, and was withheld")
        return None
    is_slow = probe.intent is Intent.SERVED or target_is_slow
    return _silence(probe, exchange, where, target_answers=target_answers, is_slow=is_slow)


def _silence(probe: Probe, exchange: Exchange, where: str, *, target_answers: bool, is_slow: bool) -> Obstacle:
    """Who is responsible for a missing answer."""
    kind, detail = exchange.ending.kind, exchange.ending.detail
    if kind is EndKind.HUNG_UP:
        return DoesNotApply(f"{where}: the client hung up before an answer came, as planned")
    if kind is EndKind.CLOSED and HALF_CLOSE in exchange.request.steps:
        return DoesNotApply(f"{where}: the target closed the connection, as it may")
    ended = f"{kind.value}{f', {detail}' if detail else ''}, after {exchange.ending.at:.1f} s"
    if kind in _NEVER_CONNECTED or not target_answers:
        return CannotTell(f"{where}: no answer ({ended})")
    if kind in TOO_SLOW and is_slow:
        return CannotTell(f"{where}: no answer in time ({ended}); raise --timeout for a slow target")
    because = STREAM_SERVED if probe.asks_for_stream else SERVED
    return NotTestable(f"{where}: no answer ({ended})", exchange.id, because=because)


def given_up(sent: Any, status: int, seconds: float) -> str | None:
    """Why an error of the server says nothing about a request without a token limit, or None if it does.

    The model decides how long such an answer gets, and a gateway in front of it may cut a long one off with an error
    of its own time limit. A target that fails at once has no such excuse.
    """
    if status < 500 or seconds < LONG or not isinstance(sent, Mapping) or any(name in sent for name in LIMIT_FIELDS):
        return None
    return f"the target gave up a completion without a token limit after {seconds:.0f} s ({status})"


def declined(sent: Any, status: int, body: bytes) -> DoesNotApply | None:
    """What a refusal says that the target lacks: an optional field by its name, streams, or more than its limits."""
    if refuses_automatic_choice(sent, status, body):
        return DoesNotApply(f"the target says that it takes no automatic choice of tools ({status})", lacks=AUTOMATIC)
    lacks = next(iter(refused_fields(sent, status, body)), None)
    if lacks is None and refuses_streaming(sent, status, body):
        lacks = STREAMING
    if lacks is not None:
        return DoesNotApply(f"the target says that it does not support `{lacks}` ({status})", lacks=lacks)
    together = refused_together(sent, status, body)
    if together:
        named = " and ".join(f"`{name}`" for name in together)
        return DoesNotApply(f"the target takes {named} one at a time ({status})")
    beyond = limit_of_its_own(sent, status, body)
    if beyond is not None:
        return DoesNotApply(f"the target says that it takes {beyond} ({status})")
    return None


def worst(obstacles: list[Obstacle]) -> Obstacle:
    """The gravest obstacle; in order: broken by the target, refused for load, not supported, not sent."""
    order = (NotTestable, CannotTell, DoesNotApply, NotSent)
    return min(obstacles, key=lambda one: order.index(type(one)))
