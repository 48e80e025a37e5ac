"""Sends one request and records what came back, byte for byte and to the end, whatever the end is."""

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
from conformance.target.model import Limits
from conformance.wire.errors import RequestError
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Headers, Read
from conformance.wire.request import sent_request
from conformance.wire.tap import RawRead, StoppedError, Tap, current_tap

DETAIL_LENGTH = 300
"""Where a reason is cut that quotes the target. It is cut at its very end, where a cut key is still recognised."""

_FAILURES = (
    StoppedError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One attempt: the exchange, whether any byte of an answer came, and the first bytes before the HTTP parser."""

    exchange: Exchange
    answered: bool
    raw: tuple[RawRead, ...] = ()


class Client:
    """Sends requests over one transport within the limits."""

    def __init__(
        self, transport: httpx.AsyncBaseTransport, limits: Limits, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._clock = clock

    async def send(self, probe: Probe, request: httpx.Request, attempt: int = 1) -> Sent:
        """Send a probe's request once; how it failed is part of the exchange, not an exception.

        Raises:
            RequestError: the request is not one that HTTP/1.1 allows to send.
        """
        started = datetime.now(UTC).isoformat(timespec="milliseconds")
        tap = Tap(self._limits, self._clock)
        token = current_tap.set(tap)
        try:
            answer, (kind, detail) = await self._receive(probe, request, tap)
        finally:
            current_tap.reset(token)
        exchange = Exchange(
            id=f"{probe.name}#{attempt}",
            probe=probe.name,
            attempt=attempt,
            started=started,
            request=sent_request(request),
            answer=answer,
            ending=Ending(kind, at=round(tap.now, 6), detail=detail),
            connection=tap.connection,
        )
        return Sent(exchange, answered=tap.received > 0, raw=tuple(tap.raw))

    async def _receive(
        self, probe: Probe, request: httpx.Request, tap: Tap
    ) -> tuple[Answer | None, tuple[EndKind, str]]:
        body = _Body(self._limits, probe.disconnect_after)
        head: _Head | None = None
        try:
            response = await self._transport.handle_async_request(request)
            try:
                tap.awaiting_head = False
                if tap.reads == 0:
                    return None, _stale(tap)
                head = _head(response, tap)
                end = _header_limit(head, self._limits) or await _read(response, body, tap)
            finally:
                await response.aclose()
        except httpcore.LocalProtocolError:
            # The library's message quotes the header field, which may be the credential: it is left out.
            raise RequestError(
                f"The request of probe {probe.name!r} is not valid HTTP/1.1; check its headers."
            ) from None
        except _FAILURES as error:
            end = _failure(error, tap)
        return (None if head is None else head.answer(body.reads())), end


@dataclass(frozen=True, slots=True)
class _Head:
    status: int
    reason: str
    http_version: str
    headers: Headers
    at: float

    def answer(self, reads: tuple[Read, ...]) -> Answer:
        return Answer(self.status, self.reason, self.http_version, self.headers, self.at, reads)


def _head(response: httpx.Response, tap: Tap) -> _Head:
    return _Head(
        status=response.status_code,
        reason=response.extensions.get("reason_phrase", b"").decode("latin-1"),
        http_version=response.extensions.get("http_version", b"HTTP/1.1").decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw),
        at=round(tap.read_at, 6),
    )


class _Body:
    """Collects the body, one `Read` for each read of the connection, within the limits.

    The HTTP parser gives every chunk of a chunked body by itself; those of one read belong together.
    """

    def __init__(self, limits: Limits, disconnect_after: int | None) -> None:
        self._limits = limits
        self._disconnect_after = disconnect_after
        self._reads: list[Read] = []
        self._pending: list[bytes] = []
        self._pending_at = 0.0
        self._number = -1
        self._size = 0
        self._count = 0

    def add(self, data: bytes, *, number: int, at: float) -> tuple[EndKind, str] | None:
        """Take bytes of the connection's read `number`; what is returned ends the exchange."""
        if number != self._number:
            self._flush()
            self._number = number
            self._pending_at = at
            self._count += 1
        room = self._limits.max_body - self._size
        self._pending.append(data[:room])
        self._size += len(data)
        if len(data) > room:
            return EndKind.TOO_LARGE, f"the body is larger than {self._limits.max_body} bytes"
        if self._count > self._limits.max_events:
            return EndKind.TOO_LARGE, f"the body came in more than {self._limits.max_events} reads"
        return self.hang_up()

    def hang_up(self) -> tuple[EndKind, str] | None:
        """The end that the probe asked for, where the body is as long as it wanted."""
        if self._disconnect_after is None or self._size < self._disconnect_after:
            return None
        return EndKind.HUNG_UP, f"the client hung up after {self._size} bytes of the body"

    def reads(self) -> tuple[Read, ...]:
        """All reads so far."""
        self._flush()
        return tuple(self._reads)

    def _flush(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        if data:
            self._reads.append(Read(at=round(self._pending_at, 6), data=data))


async def _read(response: httpx.Response, body: _Body, tap: Tap) -> tuple[EndKind, str]:
    end = body.hang_up()
    if end is not None:
        return end
    # httpx calls its generator an iterator; only a generator can be closed in time.
    async with aclosing(cast(AsyncGenerator[bytes, None], response.aiter_raw())) as raw:
        async for data in raw:
            end = body.add(data, number=tap.reads, at=tap.read_at)
            if end is not None:
                # Before the iterators are given up: what closes them later must find nothing left to do.
                await response.aclose()
                return end
    return EndKind.COMPLETE, ""


def _header_limit(head: _Head, limits: Limits) -> tuple[EndKind, str] | None:
    size = sum(len(name) + len(value) + 4 for name, value in head.headers)
    if size <= limits.max_headers:
        return None
    return EndKind.TOO_LARGE, f"the header is larger than {limits.max_headers} bytes"


def _stale(tap: Tap) -> tuple[EndKind, str]:
    """The parser had an answer before anything was read: it is not the answer to this request."""
    return (
        EndKind.MALFORMED,
        f"connection {tap.connection} held bytes beyond the end of the answer before, where this answer should begin",
    )


def _failure(error: Exception, tap: Tap) -> tuple[EndKind, str]:
    """What a failure below means. The order matters: what was seen on the connection itself comes first."""
    if tap.stopped is not None:
        return tap.stopped
    if not isinstance(error, httpcore.RemoteProtocolError):
        kind = EndKind.UNREACHABLE if isinstance(error, httpcore.ProxyError) else EndKind.RESET
        return kind, str(error)[:DETAIL_LENGTH]
    # httpcore wraps the parser's exception; 431 is the parser's hint that its buffer is full.
    hint = getattr(error.args[0], "error_status_hint", None) if error.args else None
    if hint == httpx.codes.REQUEST_HEADER_FIELDS_TOO_LARGE:
        part = "the header" if tap.awaiting_head else "a chunk's header or the trailer"
        return EndKind.TOO_LARGE, f"{part} is larger than the HTTP parser takes"
    if not tap.peer_closed:
        return EndKind.MALFORMED, str(error)[:DETAIL_LENGTH]
    if tap.received == 0:
        return EndKind.CLOSED, "the peer closed the connection without an answer"
    part = "header" if tap.awaiting_head else "body"
    return EndKind.TRUNCATED, f"the peer closed the connection before the {part} was complete"
