"""Faults of robustness: how a deployment copes with odd uploads, hostile requests, and clients that hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.requests import ClientDisconnect, Request

from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, Crash, fault_action
from conformance.reference.faults.on_answers import with_increments
from conformance.reference.faults.on_wire import with_writes
from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext, current
from conformance.reference.settings import Settings


@fault_action("body.crash")
def crash_of_body(hooks: Hooks, text: str, times: int = 1) -> Hooks:
    """Crashes on a body in which a text occurs at least `times` times."""
    usual = hooks.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        if body.count(text.encode()) >= times:
            raise Crash
        return usual(body, max_depth)

    return replace(hooks, stages=replace(hooks.stages, parse_object=parse_object))


@fault_action("body.hang")
def hang_over_body(hooks: Hooks, text: str) -> Hooks:
    """Never answers a request whose body contains a text."""
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        body = await usual(request, settings)
        if text.encode() in body:
            await asyncio.sleep(3600)
        return body

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body))


@fault_action("body.first-piece-only")
def first_piece_only(hooks: Hooks, *, at_once: bool = False) -> Hooks:
    """Takes the first piece of a body as the whole, once all of it has arrived, or `at_once`."""

    async def read_body(request: Request, settings: Settings) -> bytes:
        parts = []
        async for part in request.stream():
            parts += [part] if part else []
            if parts and at_once and "content-length" in current.get().headers:
                break
        return parts[0] if parts and "content-length" in current.get().headers else b"".join(parts)

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body), needs_context=True)


@fault_action("fields.refuse")
def refuse_fields(
    hooks: Hooks, name: str = "", more_than: int = 0, how: str = "crash", *, beyond_ascii: bool = False
) -> Hooks:
    """Crashes on some request headers (`crash`), refuses them with 431 (`refuse`), or never answers (`hang`).

    With `crash-late` it reads the body first.

    They are those with a field of this name, with more fields than `more_than`, or with an octet outside ASCII.
    """
    if how not in {"crash", "crash-late", "refuse", "hang"}:
        raise ActionError(f"`how: {how}` is unknown; use one of crash, crash-late, refuse, hang")
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        fields = request.scope["headers"]
        odd = (
            (name and any(field == name.encode() for field, _ in fields))
            or (more_than and len(fields) > more_than)
            or (beyond_ascii and not all(value.isascii() for _, value in fields))
        )
        if odd and how == "hang":
            await asyncio.sleep(3600)
        if odd and how == "crash-late":
            await usual(request, settings)
        if odd and how.startswith("crash"):
            raise Crash
        if odd:
            raise Refusal(431, "header_too_large", "The header of the request is too large.")
        return await usual(request, settings)

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body))


@fault_action("upgrade.accept")
def accept_upgrade(hooks: Hooks) -> Hooks:
    """Goes on in HTTP/2 where the client offers it (h2c): with its settings, and with the end of the connection."""

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if context.headers.get("upgrade") != "h2c":
            return (write.data,)
        return (_SWITCHED, Ending.CLOSE) if write.kind is WriteKind.HEAD else ()

    return with_writes(hooks, rewrite)


@fault_action("header.echo")
def echo_in_header(hooks: Hooks, field: str = "", header: str = "") -> Hooks:
    """Copies a field of the body, or an unescaped header field of the request, into the head of the answer."""
    if bool(field) == bool(header):
        raise ActionError("give either `field`, of the body, or `header`, of the request")

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        value = context.body.get(field) if field else _unescaped(context.headers.get(header))
        if write.kind is not WriteKind.HEAD or not isinstance(value, str) or not value.isascii():
            return (write.data,)
        return (write.data.removesuffix(b"\r\n") + f"x-echoed: {value}\r\n\r\n".encode(),)

    return with_writes(hooks, rewrite)


def _unescaped(value: str | None) -> str | None:
    return None if value is None else value.replace("%0d", "\r").replace("%0a", "\n").replace("%20", " ")


@fault_action("body.large")
def refuse_large(hooks: Hooks, size: int, how: str = "reset") -> Hooks:
    """Resets the connection of a body larger than `size` bytes (`reset`), or answers with an HTML page (`page`)."""
    if how not in {"reset", "page"}:
        raise ActionError(f"`how: {how}` is unknown; use one of reset, page")

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if len(context.raw) <= size:
            return (write.data,)
        if how == "page" and write.kind is WriteKind.HEAD:
            return (_TOO_LARGE, Ending.CLOSE)
        return (Ending.RESET,)

    return with_writes(hooks, rewrite)


_LONG = 100
"""The limit of tokens above which a text counts as long."""
_PAGE = b"<html><h1>413 Request Entity Too Large</h1></html>"
_SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x0a"
    b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"
)
"""The settings of HTTP/2, of which one byte is a line feed, and GOAWAY (RFC 9113 sections 6.5 and 6.8)."""
_TOO_LARGE = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_PAGE), _PAGE)
)


@fault_action("engine.gone-after")
def gone_after(hooks: Hooks, text: str, times: int = 1) -> Hooks:
    """Goes down on a body in which a text occurs at least `times` times: from then on, it resets every connection."""

    def rewrite(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        kept = context.state.kept
        kept["gone"] = kept.get("gone") or bytes(context.raw).count(text.encode()) >= times
        return (Ending.RESET,) if kept["gone"] and write.kind is WriteKind.HEAD else (write.data,)

    return with_writes(hooks, rewrite)


@fault_action("answer.empty")
def empty_answer(hooks: Hooks, reason: str = "stop") -> Hooks:
    """Answers without any text, as if the model had stopped at once."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        async with aclosing(made):
            async for increment in made:
                if isinstance(increment, Finish):
                    yield replace(increment, reason=reason)
                elif not isinstance(increment, Text):
                    yield increment

    return with_increments(hooks, increments)


@fault_action("load.works-for-nobody")
def works_for_nobody(hooks: Hooks, seconds: float, tokens: int = 0) -> Hooks:
    """Keeps working for a client that has hung up and wanted more than `tokens` tokens, and serves nobody else."""
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        kept = current.get().state.kept
        now = asyncio.get_running_loop().time()
        await asyncio.sleep(max(kept.get("busy-until", 0.0) - now, 0.0))
        return await usual(request, settings)

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        kept = current.get().state.kept
        finished = False
        try:
            async with aclosing(made):
                async for increment in made:
                    yield increment
            finished = True
        finally:
            if not finished and (request.token_limit or 0) > tokens:
                now = asyncio.get_running_loop().time()
                kept["busy-until"] = max(kept.get("busy-until", 0.0), now) + seconds

    faulty = with_increments(replace(hooks, stages=replace(hooks.stages, read_body=read_body)), increments)
    return replace(faulty, needs_context=True)


@fault_action("uploads.keep-slots")
def slots_of_uploads(hooks: Hooks, slots: int) -> Hooks:
    """Never gives back the slot of a request that broke off, and answers nobody when all slots are gone."""
    usual = hooks.stages.read_body

    async def read_body(request: Request, settings: Settings) -> bytes:
        kept = current.get().state.kept
        if kept.get("slots-lost", 0) >= slots:
            await asyncio.sleep(3600)
        try:
            return await usual(request, settings)
        except ClientDisconnect:
            kept["slots-lost"] = kept.get("slots-lost", 0) + 1
            raise

    return replace(hooks, stages=replace(hooks.stages, read_body=read_body), needs_context=True)


@fault_action("time.behind-head")
def nothing_behind_head(hooks: Hooks) -> Hooks:
    """Sends the header of an answer, and then nothing for an hour."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            yield message
            if message["type"] == "http.response.start":
                await asyncio.sleep(3600)

    return replace(hooks, messages=(*hooks.messages, faulty))


@fault_action("load.stream-alone")
def stream_alone(hooks: Hooks, seconds: float) -> Hooks:
    """Streams slowly, and answers nobody else before the end of the stream."""

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        lock = context.state.kept.setdefault("alone", asyncio.Lock())
        async with lock:
            async for message in messages:
                yield message
                if message.get("body") and _is_long_stream(context):
                    await asyncio.sleep(seconds)

    return replace(hooks, messages=(*hooks.messages, faulty))


def _is_long_stream(context: RequestContext) -> bool:
    """Whether a request asks for a long text as a stream; calls and documents are short, whatever their limit."""
    is_text = not {"tools", "response_format"} & context.body.keys()
    return context.streams and is_text and context.body.get("max_tokens", 0) > _LONG
