"""Faults of survival: what a deployment does with odd uploads and hostile requests, and with clients that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import Request

from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import Crash, DeedError, deed
from conformance.reference.faults.on_answers import with_steps
from conformance.reference.faults.on_wire import with_parts
from conformance.reference.generation import Finish, Step, Text
from conformance.reference.hooks import Act, Messages, Part, PartKind, Seams
from conformance.reference.request import CompletionRequest
from conformance.reference.request_context import Asked, current
from conformance.reference.settings import Settings


@deed("body.crash")
def crash_of_body(seams: Seams, text: str, times: int = 1) -> Seams:
    """Stumbles over a body that has some text in it so many times, whatever else it is."""
    usual = seams.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        if body.count(text.encode()) >= times:
            raise Crash
        return usual(body, max_depth)

    return replace(seams, stages=replace(seams.stages, parse_object=parse_object))


@deed("body.hang")
def hang_over_body(seams: Seams, text: str) -> Seams:
    """Never answers a request whose body has some text in it."""
    usual = seams.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        if text.encode() in body:
            await asyncio.sleep(3600)
        return body

    return replace(seams, stages=replace(seams.stages, read_body=read_body))


@deed("body.first-piece-only")
def first_piece_only(seams: Seams, *, at_once: bool = False) -> Seams:
    """Takes the first piece of a body for the whole, once all of it has arrived, or `at_once`."""

    async def read_body(request: Request, settings: Settings) -> bytes:
        parts = []
        async for part in request.stream():
            parts += [part] if part else []
            if parts and at_once and "content-length" in current.get().headers:
                break
        return parts[0] if parts and "content-length" in current.get().headers else b"".join(parts)

    return replace(seams, stages=replace(seams.stages, read_body=read_body), knows_requests=True)


@deed("fields.refuse")
def refuse_fields(
    seams: Seams, name: str = "", more_than: int = 0, how: str = "crash", *, beyond_ascii: bool = False
) -> Seams:
    """Stumbles over (`crash`), refuses with 431 (`refuse`) or never answers (`hang`) some header.

    That is one with a field of this name, with more fields than so many, or with an octet beyond ASCII.
    """
    if how not in {"crash", "refuse", "hang"}:
        raise DeedError(f"`how: {how}` is unknown; there are crash, refuse, hang")
    usual = seams.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        fields = request.scope["headers"]
        odd = (
            (name and any(field == name.encode() for field, _ in fields))
            or (more_than and len(fields) > more_than)
            or (beyond_ascii and not all(value.isascii() for _, value in fields))
        )
        if odd and how == "hang":
            await asyncio.sleep(3600)
        if odd and how == "crash":
            raise Crash
        if odd:
            raise Refusal(431, "header_too_large", "The header of the request is too large.")
        return await usual(request, settings)

    return replace(seams, stages=replace(seams.stages, read_body=read_body))


@deed("header.echo")
def echo_in_header(seams: Seams, field: str = "", header: str = "") -> Seams:
    """Writes a field of the body, or a header field of the request with its escapes undone, into the head as it is."""
    if bool(field) == bool(header):
        raise DeedError("give either `field`, of the body, or `header`, of the request")

    def bend(asked: Asked, part: Part) -> Iterable[bytes | Act]:
        value = asked.body.get(field) if field else _unescaped(asked.headers.get(header))
        if part.kind is not PartKind.HEAD or not isinstance(value, str) or not value.isascii():
            return (part.data,)
        return (part.data.removesuffix(b"\r\n") + f"x-echoed: {value}\r\n\r\n".encode(),)

    return with_parts(seams, bend)


def _unescaped(value: str | None) -> str | None:
    return None if value is None else value.replace("%0d", "\r").replace("%0a", "\n").replace("%20", " ")


@deed("body.large")
def refuse_large(seams: Seams, size: int, how: str = "reset") -> Seams:
    """Resets the connection of a body over a size (`reset`), or answers it with a page of HTML (`page`)."""
    if how not in {"reset", "page"}:
        raise DeedError(f"`how: {how}` is unknown; there are reset, page")

    def bend(asked: Asked, part: Part) -> Iterable[bytes | Act]:
        if len(asked.raw) <= size:
            return (part.data,)
        if how == "page" and part.kind is PartKind.HEAD:
            return (_TOO_LARGE, Act.CLOSE)
        return (Act.RESET,)

    return with_parts(seams, bend)


_PAGE = b"<html><h1>413 Request Entity Too Large</h1></html>"
_TOO_LARGE = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_PAGE), _PAGE)
)


@deed("engine.gone-after")
def gone_after(seams: Seams, text: str, times: int = 1) -> Seams:
    """Goes down with a body that has some text in it so many times: from then on, every connection is reset."""

    def bend(asked: Asked, part: Part) -> Iterable[bytes | Act]:
        kept = asked.memory.kept
        kept["gone"] = kept.get("gone") or bytes(asked.raw).count(text.encode()) >= times
        return (Act.RESET,) if kept["gone"] and part.kind is PartKind.HEAD else (part.data,)

    return with_parts(seams, bend)


@deed("answer.empty")
def empty_answer(seams: Seams, reason: str = "stop") -> Seams:
    """Answers without any text, as if the model had stopped at once."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        async with aclosing(made):
            async for step in made:
                if isinstance(step, Finish):
                    yield replace(step, reason=reason)
                elif not isinstance(step, Text):
                    yield step

    return with_steps(seams, steps)


@deed("load.works-for-nobody")
def works_for_nobody(seams: Seams, seconds: float, tokens: int = 0) -> Seams:
    """Goes on for a client that has left and asked for more than so many tokens, while nobody else is answered."""
    usual = seams.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        kept = current.get().memory.kept
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(kept.get("busy-until", 0.0) - now, 0.0))
        return await usual(request, settings)

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        kept = current.get().memory.kept
        finished = False
        try:
            async with aclosing(made):
                async for step in made:
                    yield step
            finished = True
        finally:
            if not finished and (request.token_limit or 0) > tokens:
                now = asyncio.get_running_loop().time()
                kept["busy-until"] = max(kept.get("busy-until", 0.0), now) + seconds

    bent = with_steps(replace(seams, stages=replace(seams.stages, read_body=read_body)), steps)
    return replace(bent, knows_requests=True)


@deed("load.stream-alone")
def stream_alone(seams: Seams, seconds: float) -> Seams:
    """Takes its time for a stream, and answers nobody else before its end."""

    async def bent(asked: Asked, messages: Messages) -> Messages:
        lock = asked.memory.kept.setdefault("alone", asyncio.Lock())
        async with lock:
            async for message in messages:
                yield message
                if asked.streams and message.get("body") and asked.body.get("max_tokens", 0) > 100:
                    await asyncio.sleep(seconds)

    return replace(seams, messages=(*seams.messages, bent))
