"""The server's HTTP/1.1 protocol: its own answers to what is not HTTP or too slow, and bounds on its connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from conformance.reference.settings import ConnectionBounds
from conformance.reference.strict_requests import StrictConnection

_MOST_HEAD = 16 * 1024
"""Bytes of a head that has no end yet; one that came at once may be longer."""


def bounded_protocol(not_http: bytes, too_slow: bytes, bounds: ConnectionBounds) -> type[H11Protocol]:
    """The server's protocol with these bounds; `not_http` and `too_slow` are the bodies (JSON) of a 400 and a 408.

    This makes a class because the server takes a protocol by its class and offers no other way.
    """

    class Protocol(_BoundedProtocol):
        not_http_body = not_http
        too_slow_body = too_slow
        connection_bounds = bounds

    return Protocol


class _BoundedProtocol(H11Protocol):
    not_http_body: bytes
    too_slow_body: bytes
    connection_bounds: ConnectionBounds

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn = StrictConnection(_MOST_HEAD)
        self._reading: tuple[object, asyncio.TimerHandle] | None = None
        """What is being read, and when that takes too long: a head, or a body; None while nothing is."""
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        super().connection_made(transport)
        if len(self.connections) > self.connection_bounds.most:
            self.transport.abort()
            return
        self._read(h11.IDLE, self.connection_bounds.head_timeout, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._read_nothing()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(self.connection_bounds.write_timeout, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def send_400_response(self, msg: str) -> None:
        del msg
        self._end(400, b"Bad Request", self.not_http_body)

    def _watch(self) -> None:
        """Set the time for what is being read now; more bytes of the same prolong nothing."""
        if self.transport.is_closing():
            self._read_nothing()
        elif self.conn.their_state is h11.SEND_BODY:
            # The application has a time for the bodies that it reads; this is also for those that it does not.
            self._read(h11.SEND_BODY, self.connection_bounds.body_timeout, self.transport.abort)
        elif self.conn.their_state is not h11.IDLE:
            self._read_nothing()
        elif self._reading is None or self._reading[0] is not h11.IDLE:
            self._read_nothing()
            if self.conn.trailing_data[0]:  # otherwise the connection is idle, for which the server has a time
                self._read(h11.IDLE, self.connection_bounds.head_timeout, self._head_is_late)

    def _read(self, what: object, seconds: float, late: Callable[[], None]) -> None:
        if self._reading is not None and self._reading[0] is what:
            return
        self._read_nothing()
        self._reading = what, self.loop.call_later(seconds, late)

    def _read_nothing(self) -> None:
        if self._reading is not None:
            self._reading[1].cancel()
            self._reading = None

    def _head_is_late(self) -> None:
        if self.conn.trailing_data[0]:
            self._end(408, b"Request Timeout", self.too_slow_body)
        else:
            self.transport.close()

    def _end(self, status: int, reason: bytes, body: bytes) -> None:
        """Answer with an error where no answer has begun, and close the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            self._write(h11.Response(status_code=status, headers=_fields(body), reason=reason))
            self._write(h11.Data(data=body))
            self._write(h11.EndOfMessage())
        self.transport.close()

    def _write(self, event: Any) -> None:
        self.transport.write(self.conn.send(event))


def _fields(body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
