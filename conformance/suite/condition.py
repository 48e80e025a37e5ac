"""Whether an exchange can be judged at all, and if not, whose doing that is."""

from __future__ import annotations

from conformance.probes import Intent, Probe
from conformance.suite.expect import CannotTell, DoesNotApply, NotSent, NotTestable
from conformance.wire.exchange import EndKind, Exchange

REFUSED_FOR_LOAD = (429, 503)
_NEVER_CONNECTED = (EndKind.UNREACHABLE, EndKind.CONNECT_TIMEOUT)
_TOO_SLOW = (EndKind.FIRST_BYTE_TIMEOUT, EndKind.DEADLINE, EndKind.IDLE_TIMEOUT)

Obstacle = NotTestable | CannotTell | DoesNotApply | NotSent


def obstacle(probe: Probe, exchange: Exchange | None, *, target_answers: bool) -> Obstacle | None:
    """Why an exchange has no answer to judge, or None when it has one.

    `target_answers` tells whether any request of the run was answered: a target that answers others but closes the
    connection on this one is at fault; a target that answers nobody may just be away.
    """
    if exchange is None:
        return NotSent(f"{probe.name} was not sent")
    where = f"{exchange.id}: {probe.about}"
    if exchange.answer is not None:
        if exchange.answer.status in REFUSED_FOR_LOAD:
            return CannotTell(f"{where}: the target refused for load ({exchange.answer.status})")
        return None
    kind, detail = exchange.ending.kind, exchange.ending.detail
    ended = f"{kind.value}{f', {detail}' if detail else ''}, after {exchange.ending.at:.1f} s"
    if kind in _NEVER_CONNECTED or not target_answers:
        return CannotTell(f"{where}: no answer ({ended})")
    if kind in _TOO_SLOW and probe.intent is Intent.SERVED:
        return CannotTell(f"{where}: no answer in time ({ended})")
    return NotTestable(f"{where}: no answer ({ended})")


def declared_unsupported(status: int, body: bytes) -> bool:
    """Whether a refusal says, in so many words, that the target does not support what was asked for."""
    text = body[:4096].decode("utf-8", "replace").lower()
    return status in {400, 422, 501} and ("not support" in text or "unsupported" in text)


def worst(obstacles: list[Obstacle]) -> Obstacle:
    """The gravest: what the target broke, what it was too busy for, what it does not support, what was not sent."""
    order = (NotTestable, CannotTell, DoesNotApply, NotSent)
    return min(obstacles, key=lambda one: order.index(type(one)))
