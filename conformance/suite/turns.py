"""Judges requests that follow others on one connection: whether each gets the answer there that it gets elsewhere."""

from __future__ import annotations

from conformance.probes.in_turn import HEAD_IN_TURN, TWINS
from conformance.suite.broken_answers import in_words
from conformance.suite.expect import Expect
from conformance.suite.observations import Observations
from conformance.suite.obstacles import TOO_SLOW
from conformance.wire import EndKind, Exchange

_MALFORMED_REQUEST = 400
"""What servers answer to a request that they cannot read, such as one that begins within the body of another."""
_QUICKER = 3
"""How much quicker the same request has to be answered by itself before silence is more than slowness."""


def judge_turns(observations: Observations, expect: Expect) -> None:
    """Expect what came before on a connection to be in no request's way; a connection may be closed at any time."""
    last: dict[int | None, Exchange] = {}
    for exchange in observations.exchanges:
        before, last[exchange.connection] = last.get(exchange.connection), exchange
        if before is None or exchange.connection is None or not _is_in_turn(exchange):
            continue
        seen = _out_of_step(exchange, observations)
        expected = f"an answer as on a connection of its own, behind {before.id} ({before.request.method})"
        if seen is not None:
            expect(False, exchange.id, expected=expected, actual=seen)
        elif exchange.answer is not None:
            expect.looked_at(exchange.id)


def _is_in_turn(exchange: Exchange) -> bool:
    return exchange.probe in TWINS or exchange.probe == HEAD_IN_TURN


def _out_of_step(exchange: Exchange, observations: Observations) -> str | None:
    """What shows that a connection was not where the next request begins, in words; None where nothing does."""
    twin = observations.exchange_of(TWINS.get(exchange.probe, ""))
    if exchange.answer is None:
        if exchange.ending.kind is EndKind.MALFORMED:
            return in_words(exchange)
        return f"none, where {twin.id} has one" if twin is not None and _hangs(exchange, twin) else None
    status = exchange.answer.status
    if twin is None or twin.answer is None or status != _MALFORMED_REQUEST:
        return None
    due = twin.answer.status
    return f"status {status}, where {twin.id} got {due}" if due != status and due < 500 else None


def _hangs(exchange: Exchange, twin: Exchange) -> bool:
    """Whether the same request was answered by itself, in much less time than this one was waited for."""
    is_quick = twin.answer is not None and _QUICKER * twin.ending.at < exchange.ending.at
    return is_quick and exchange.ending.kind in TOO_SLOW
