"""Sends answers to the client: JSON bodies and event streams; ends all work when the client hangs up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from conformance.reference.answer import EventData

T = TypeVar("T")

_EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",  # a proxy in front must not collect events
}


def encode_json(value: Any) -> bytes:
    """Compact JSON in UTF-8, without escapes that JSON does not require."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def encode_event(event: EventData) -> bytes:
    """One event of a stream with its blank line (WHATWG HTML, section 9.2.6). Compact JSON has no line break."""
    data = event.encode() if isinstance(event, str) else encode_json(event)
    return b"data: " + data + b"\n\n"


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that is one JSON text. No cache may keep it, because it was made for one caller."""
    fields = {"Cache-Control": "no-store", **(headers or {})}
    return Response(encode_json(value), status_code=status, headers=fields, media_type="application/json")


@dataclass(frozen=True, slots=True)
class EventStream:
    """An ASGI response that sends each event as soon as it exists, and stops the work when the client hangs up."""

    events: AsyncGenerator[bytes, None]
    delay: float = 0.0
    """Seconds between two events."""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_EVENT_STREAM), hash=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        del scope
        try:
            await until_hung_up(receive, self._send_all(send))
        except ClientDisconnect:
            return  # nobody is left to receive it

    async def _send_all(self, send: Send) -> None:
        async with aclosing(self.events) as events:
            fields = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
            await send({"type": "http.response.start", "status": 200, "headers": fields})
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
                # Even without a delay, because the server writes to its sockets only when it gets its turn.
                await asyncio.sleep(self.delay)
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def until_hung_up(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """Await `work`, but cancel it when the client hangs up. The request's body must have been read.

    Raises:
        ClientDisconnect: the client hung up first.
    """
    task = asyncio.create_task(work)
    watcher = asyncio.create_task(_hang_up(receive))
    try:
        await asyncio.wait({task, watcher}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise ClientDisconnect
    finally:
        task.cancel()
        watcher.cancel()
        await asyncio.gather(task, watcher, return_exceptions=True)


async def _hang_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
