"""Answers what is not HTTP at all in the platform's own error format, where the server would answer with plain text."""

from __future__ import annotations

from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_answering(body: bytes) -> type[H11Protocol]:
    """The server's HTTP/1.1 protocol, with `body` (JSON) for a request that cannot be parsed.

    A subclass, since the server takes a protocol by its class and has no other place for this.
    """

    class Protocol(H11Protocol):
        def send_400_response(self, msg: str) -> None:
            del msg
            if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                self._write(h11.Response(status_code=400, headers=_fields(body), reason=b"Bad Request"))
                self._write(h11.Data(data=body))
                self._write(h11.EndOfMessage())
            self.transport.close()

        def _write(self, event: Any) -> None:
            self.transport.write(self.conn.send(event))

    return Protocol


def _fields(body: bytes) -> list[tuple[bytes, bytes]]:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
