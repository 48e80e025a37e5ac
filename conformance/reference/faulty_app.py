"""Bends a running deployment: an ASGI application around it, and a transport below its HTTP library."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from conformance.reference.hooks import Act, BendPart, Messages, Part, PartKind, Seams
from conformance.reference.request_context import Asked, Memory, current

_LAST_CHUNK = b"0\r\n\r\n"


class BentApp:
    """An application whose answers are bent, and whose requests are known to its faults."""

    def __init__(self, app: ASGIApp, seams: Seams) -> None:
        self._app = app
        self._bends = seams.messages
        self._reads_first = seams.reads_first
        self._memory = Memory()
        self._connections: dict[Any, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = self._asked(scope)
        token = current.set(asked)
        try:
            await self._answer(asked, scope, receive, send)
        finally:
            self._memory.under_way -= 1
            current.reset(token)

    def _asked(self, scope: Scope) -> Asked:
        memory = self._memory
        memory.requests += 1
        client = scope.get("client")
        nth = self._connections[client] = self._connections.get(client, 0) + 1
        asked = Asked(
            memory=memory,
            method=scope["method"],
            path=scope["path"],
            query=scope.get("query_string", b"").decode("latin-1"),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            on_connection=nth,
            number=memory.requests,
            beside=memory.under_way,
            errors_before=memory.errors,
        )
        memory.under_way += 1
        return asked

    async def _answer(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_noting() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not asked.seen:
                asked.raw += message.get("body", b"")
                if not message.get("more_body"):
                    asked.complete()
            return message

        noting: Receive = await _read_first(receive_noting) if self._reads_first else receive_noting
        if not self._bends:
            await self._app(scope, noting, _noting(asked, send))
            return
        await self._answer_bent(asked, scope, noting, send)

    async def _answer_bent(self, asked: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        """Runs the application beside the bends of its messages, never further ahead than one message."""
        made: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)

        async def collect(message: Message) -> None:
            await made.put(message)

        async def run() -> None:
            try:
                await self._app(scope, receive, _noting(asked, collect))
            finally:
                await made.put(None)

        async def messages() -> Messages:
            while (message := await made.get()) is not None:
                yield message

        working = asyncio.create_task(run())
        bent: Messages = messages()
        for bend in self._bends:
            bent = bend(asked, bent)
        try:
            async with aclosing(bent) as all_of_them:  # type: ignore[type-var] # all of them are generators
                async for message in all_of_them:
                    await send(message)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await working


async def _read_first(receive: Receive) -> Receive:
    """Reads a request to its end, and gives what hands it on from there."""
    read: list[Message] = []
    while not read or (read[-1]["type"] == "http.request" and read[-1].get("more_body")):
        read.append(await receive())

    async def hand_on() -> Message:
        return read.pop(0) if read else await receive()

    return hand_on


def _noting(asked: Asked, send: Send) -> Send:
    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            asked.status = message["status"]
            asked.memory.errors += message["status"] >= 400
        await send(message)

    return noting


def bent_protocol(protocol: type[H11Protocol], seams: Seams) -> type[H11Protocol]:
    """The protocol as it reads with these seams, on a transport on which every write of an answer is bent."""

    class Bent(protocol):  # type: ignore[valid-type, misc] # a class made from a class
        def connection_made(self, transport: asyncio.Transport) -> None:
            super().connection_made(_BentTransport(transport, seams.parts))

    made: type[H11Protocol] = Bent
    for bend in seams.protocols:
        made = bend(made)
    return made


class _BentTransport(asyncio.Transport):
    """A transport that knows the parts of an HTTP answer by the order in which the HTTP library writes them."""

    def __init__(self, transport: asyncio.Transport, bends: tuple[BendPart, ...]) -> None:
        super().__init__()
        self._transport = transport
        self._bends = bends
        self._asked: Asked | None = None
        self._chunked = False
        self._ended = False
        self._pieces = 0
        self._hangs = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write as the bends have it; what is no answer to a request is written as it is."""
        asked = current.get(None)
        if asked is None or bytes(data[:12]) == b"HTTP/1.1 100":
            self._transport.write(data)
            return
        part = self._part(asked, bytes(data))
        if part is not None:
            for step in self._bent(asked, part):
                self._perform(step)

    def _part(self, asked: Asked, data: bytes) -> Part | None:
        """What a write is; None for an empty one that ends nothing."""
        if asked is not self._asked:
            self._asked, self._pieces, self._ended, self._hangs = asked, 0, False, False
            self._chunked = b"\r\ntransfer-encoding: chunked" in data.lower()
            return Part(PartKind.HEAD, data, b"", 0)
        if data == (_LAST_CHUNK if self._chunked else b""):
            ended, self._ended = self._ended, True
            return None if ended else Part(PartKind.END, data, b"", self._pieces)
        if not data:
            return None
        payload = data.partition(b"\r\n")[2].removesuffix(b"\r\n") if self._chunked else data
        self._pieces += 1
        return Part(PartKind.BODY, data, payload, self._pieces - 1)

    def _bent(self, asked: Asked, part: Part) -> Iterable[bytes | Act]:
        """What is written for a part; each bend sees what the one before it makes of it."""
        steps: list[bytes | Act] = [part.data]
        for bend in self._bends:
            parts = [one if isinstance(one, Act) else replace(part, data=one) for one in steps]
            steps = [step for one in parts for step in ((one,) if isinstance(one, Act) else bend(asked, one))]
        return steps

    def _perform(self, step: bytes | Act) -> None:
        if self._hangs or self._transport.is_closing():
            return
        if isinstance(step, bytes):
            self._transport.write(step)
        elif step is Act.HANG:
            self._hangs = True
        elif step is Act.CLOSE:
            self._transport.close()
        else:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing sends a reset
            self._transport.abort()

    def close(self) -> None:
        """Close, unless the answer hangs."""
        if not self._hangs:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._transport.is_closing()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the transport knows of its socket."""
        return self._transport.get_extra_info(name, default)

    def pause_reading(self) -> None:
        """Read no further for now."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()
