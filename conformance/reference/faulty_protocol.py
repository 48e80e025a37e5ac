"""The server's HTTP/1.1 protocol with faults: how it reads requests, and the transport that they write through."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from conformance.reference.hooks import Ending, Hooks, Write, WriteHook, WriteKind
from conformance.reference.request_context import RequestContext, current

_LAST_CHUNK = b"0\r\n\r\n"


def faulty_protocol(protocol: type[H11Protocol], hooks: Hooks) -> type[H11Protocol]:
    """The protocol with these hooks: how it reads requests, and every write of an answer."""

    class Faulty(protocol):  # type: ignore[valid-type, misc] # a class made from a class
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(_FaultyTransport(transport, hooks.writes))

    wrapped: type[H11Protocol] = Faulty
    for hook in hooks.protocols:
        wrapped = hook(wrapped)
    return wrapped


class _FaultyTransport(asyncio.Transport):
    """A transport that recognises the parts of an answer by the order in which the HTTP library writes them."""

    def __init__(self, transport: asyncio.Transport, hooks: tuple[WriteHook, ...]) -> None:
        super().__init__()
        self._transport = transport
        self._hooks = hooks
        self._context: RequestContext | None = None
        self._chunked = False
        self._ended = False
        self._pieces = 0
        self._hangs = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write what the hooks make of the data; what does not answer a request is written unchanged."""
        context = current.get(None)
        if context is None or bytes(data[:12]) == b"HTTP/1.1 100":
            self._transport.write(data)
            return
        write = self._recognised(context, bytes(data))
        if write is not None:
            for output in self._through_hooks(context, write):
                self._perform(output)

    def _recognised(self, context: RequestContext, data: bytes) -> Write | None:
        """What a write contains; None for an empty one that ends nothing."""
        if context is not self._context:
            self._context, self._pieces, self._ended, self._hangs = context, 0, False, False
            self._chunked = b"\r\ntransfer-encoding: chunked" in data.lower()
            return Write(WriteKind.HEAD, data, b"", 0)
        if data == (_LAST_CHUNK if self._chunked else b""):
            ended, self._ended = self._ended, True
            return None if ended else Write(WriteKind.END, data, b"", self._pieces)
        if not data:
            return None
        payload = data.partition(b"\r\n")[2].removesuffix(b"\r\n") if self._chunked else data
        self._pieces += 1
        return Write(WriteKind.BODY, data, payload, self._pieces - 1)

    def _through_hooks(self, context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        """What is done for a write; each hook sees the output of the one before it."""
        outputs: list[bytes | Ending] = [write.data]
        for hook in self._hooks:
            writes = [one if isinstance(one, Ending) else replace(write, data=one) for one in outputs]
            outputs = [
                output for one in writes for output in ((one,) if isinstance(one, Ending) else hook(context, one))
            ]
        return outputs

    def _perform(self, output: bytes | Ending) -> None:
        if self._hangs or self._transport.is_closing():
            return
        if isinstance(output, bytes):
            self._transport.write(output)
        elif output is Ending.HANG:
            self._hangs = True
        elif output is Ending.CLOSE:
            self._transport.close()
        else:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing sends a reset
            self._transport.abort()

    def close(self) -> None:
        """Close the connection, unless the answer hangs."""
        if not self._hangs:
            self._transport.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows about its socket."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Stop reading for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()
