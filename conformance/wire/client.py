"""Sends one request and records what came back: every byte, and how it ended."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import httpcore
import httpx

from conformance.probes.model import Probe
from conformance.targets.model import Limits
from conformance.wire.budget import MemoryBudget
from conformance.wire.errors import RequestError
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, SentRequest
from conformance.wire.receiving import FAILURES, Body, End, Head, ending_of_failure
from conformance.wire.request import sent_request
from conformance.wire.tap import RawRead, Tap, current_tap, head_of


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt: the exchange, whether any byte of an answer came, and its first bytes as they came from the wire."""

    exchange: Exchange
    answered: bool
    raw: tuple[RawRead, ...] = ()


def sent_of(
    probe: Probe, attempt: int, started: str, request: SentRequest, answer: Answer | None, end: End, tap: Tap
) -> Sent:
    """The record of one attempt."""
    exchange = Exchange(
        id=f"{probe.name}#{attempt}",
        probe=probe.name,
        attempt=attempt,
        started=started,
        request=request,
        answer=answer,
        ending=Ending(end[0], at=round(tap.now, 6), detail=end[1]),
        connection=tap.connection,
        head=head_of(tap.raw),
        tls=tap.tls,
        peer=tap.peer,
    )
    return Sent(exchange, answered=tap.received > 0, raw=tuple(tap.raw))


def wall_clock() -> str:
    """Now, in ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Client:
    """Sends requests over one transport within the limits."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        limits: Limits,
        clock: Callable[[], float] = time.monotonic,
        memory: MemoryBudget | None = None,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._clock = clock
        self._memory = memory or MemoryBudget(limits)

    async def send(self, probe: Probe, request: httpx.Request, attempt: int = 1) -> Sent:
        """Send a probe's request once; a failure is recorded in the exchange and not raised.

        Raises:
            RequestError: the request is not one that HTTP/1.1 allows to send.
        """
        started = wall_clock()
        tap = Tap(self._limits, self._clock, self._memory)
        token = current_tap.set(tap)
        try:
            answer, end = await self._receive(probe, request, tap)
        finally:
            current_tap.reset(token)
        return sent_of(probe, attempt, started, sent_request(request), answer, end, tap)

    async def _receive(self, probe: Probe, request: httpx.Request, tap: Tap) -> tuple[Answer | None, End]:
        body = Body(self._limits, self._memory, probe.disconnect_after)
        head: Head | None = None
        try:
            response = await self._transport.handle_async_request(request)
            try:
                tap.awaiting_head = False
                if tap.reads == 0:
                    return None, stale(tap.connection)
                head = _head(response, tap)
                body.begin(head)
                end = head.too_large(self._limits) or await _read(response, body, tap)
            finally:
                await response.aclose()
        except httpcore.LocalProtocolError:
            # The library's message quotes the header field, which may be the credential: it is left out.
            raise RequestError(
                f"The request of probe {probe.name!r} is not valid HTTP/1.1; check its headers."
            ) from None
        except FAILURES as error:
            end = ending_of_failure(error, tap)
        return (None if head is None else head.answer(body.reads())), end


def _head(response: httpx.Response, tap: Tap) -> Head:
    return Head(
        status=response.status_code,
        reason=response.extensions.get("reason_phrase", b"").decode("latin-1"),
        http_version=response.extensions.get("http_version", b"HTTP/1.1").decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw),
        at=round(tap.read_at, 6),
    )


async def _read(response: httpx.Response, body: Body, tap: Tap) -> End:
    end = body.hang_up()
    if end is not None:
        return end
    # httpx types its generator as an iterator, but only a generator can be closed in time.
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as raw:
        async for data in raw:
            end = body.add(data, number=tap.reads, at=tap.read_at)
            if end is not None:
                # Closed before the iterators are left, so that nothing remains for whatever closes them later.
                await response.aclose()
                return end
    return body.complete()


def stale(connection: int | None) -> End:
    """The end of an exchange whose answer would begin with bytes that came before its request was sent."""
    return (
        EndKind.MALFORMED,
        f"connection {connection} held bytes beyond the end of the answer before, where this answer should begin",
    )
