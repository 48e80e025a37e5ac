"""Wraps the deployment's application for its faults: keeps the context of each request, and changes its answers."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import aclosing
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.reference.hooks import Hooks, Messages
from conformance.reference.request_context import DeploymentState, RequestContext, current


class FaultyApp:
    """An ASGI application whose answers pass through the hooks, and whose requests are known to its faults."""

    def __init__(self, app: ASGIApp, hooks: Hooks) -> None:
        self._app = app
        self._hooks = hooks.messages
        self._reads_first = hooks.reads_first
        self._state = DeploymentState()
        self._connections: dict[Any, int] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = self._context(scope)
        token = current.set(context)
        try:
            await self._answer(context, scope, receive, send)
        finally:
            self._state.running -= 1
            current.reset(token)

    def _context(self, scope: Scope) -> RequestContext:
        state = self._state
        state.requests += 1
        client = scope.get("client")
        nth = self._connections[client] = self._connections.get(client, 0) + 1
        context = RequestContext(
            state=state,
            method=scope["method"],
            path=scope["path"],
            query=scope.get("query_string", b"").decode("latin-1"),
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            on_connection=nth,
            number=state.requests,
            concurrent=state.running,
            errors_before=state.errors,
        )
        state.running += 1
        return context

    async def _answer(self, context: RequestContext, scope: Scope, receive: Receive, send: Send) -> None:
        async def record_body() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not context.occurrence:
                context.raw += message.get("body", b"")
                if not message.get("more_body"):
                    context.complete()
            return message

        recording: Receive = await _read_first(record_body) if self._reads_first else record_body
        if not self._hooks:
            await self._app(scope, recording, _recording_status(context, send))
            return
        await self._answer_through_hooks(context, scope, recording, send)

    async def _answer_through_hooks(self, context: RequestContext, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application beside the hooks of its messages, never more than one message ahead of them."""
        produced: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)

        async def collect(message: Message) -> None:
            await produced.put(message)

        async def run() -> None:
            try:
                await self._app(scope, receive, _recording_status(context, collect))
            finally:
                await produced.put(None)

        async def unchanged() -> Messages:
            while (message := await produced.get()) is not None:
                yield message

        working = asyncio.create_task(run())
        messages: Messages = unchanged()
        for hook in self._hooks:
            messages = hook(context, messages)
        try:
            async with aclosing(messages) as all_messages:  # type: ignore[type-var] # all of them are generators
                async for message in all_messages:
                    await send(message)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await working


async def _read_first(receive: Receive) -> Receive:
    """Read a request to its end, and return what gives its messages again, and then those that follow."""
    read: list[Message] = []
    while not read or (read[-1]["type"] == "http.request" and read[-1].get("more_body")):
        read.append(await receive())

    async def give_again() -> Message:
        return read.pop(0) if read else await receive()

    return give_again


def _recording_status(context: RequestContext, send: Send) -> Send:
    async def record(message: Message) -> None:
        if message["type"] == "http.response.start":
            context.status = message["status"]
            context.state.errors += message["status"] >= 400
        await send(message)

    return record
