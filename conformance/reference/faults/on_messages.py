"""Faults of the HTTP message: status, header fields, the body as a whole, its coding, and the time it takes."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any

from starlette.types import Message

from conformance.reference.faults.actions import fault_action
from conformance.reference.hooks import Hooks, MessageHook, Messages, only_when
from conformance.reference.request_context import RequestContext, current

HeaderFields = list[tuple[bytes, bytes]]
_TOO_LARGE = "<html><body>413 Request Entity Too Large</body></html>"


def with_messages(hooks: Hooks, hook: MessageHook) -> Hooks:
    """Changes the ASGI messages of an answer."""
    return replace(hooks, messages=(*hooks.messages, hook))


def with_start(hooks: Hooks, change: Callable[[int, HeaderFields, RequestContext], tuple[int, HeaderFields]]) -> Hooks:
    """Changes the status and the header fields."""

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.start":
                status, fields = change(message["status"], list(message.get("headers", ())), context)
                yield {**message, "status": status, "headers": fields}
            else:
                yield message

    return with_messages(hooks, faulty)


def with_body(hooks: Hooks, change: Callable[[bytes, RequestContext], bytes], status: int | None = None) -> Hooks:
    """Changes the whole body, which is gathered before it is sent, and its Content-Length."""

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        start, body = await _gathered(messages)
        if start is None:
            return
        made = change(body, context)
        fields = without(start.get("headers", ()), "content-length")
        fields.append((b"content-length", str(len(made)).encode()))
        yield {**start, "status": status or start["status"], "headers": fields}
        yield {"type": "http.response.body", "body": made}

    return with_messages(hooks, faulty)


async def _gathered(messages: Messages) -> tuple[Message | None, bytes]:
    start, body = None, bytearray()
    async for message in messages:
        if message["type"] == "http.response.start":
            start = message
        else:
            body += message.get("body", b"")
    return start, bytes(body)


def without(fields: Iterable[tuple[bytes, bytes]], *names: str) -> HeaderFields:
    """The header fields, except those with these names."""
    return [(name, value) for name, value in fields if name.decode("latin-1").lower() not in names]


@fault_action("status.set")
def set_status(hooks: Hooks, to: int, instead_of: int | None = None) -> Hooks:
    """Answers with another status; with `instead_of`, only this status is replaced."""
    return with_start(hooks, lambda status, fields, _: (to if instead_of in {None, status} else status, fields))


@fault_action("header.set")
def set_header(hooks: Hooks, name: str, value: str) -> Hooks:
    """Sends one field of this name, with this value."""
    field = (name.encode("latin-1"), value.encode("latin-1"))
    return with_start(hooks, lambda status, fields, _: (status, [*without(fields, name.lower()), field]))


@fault_action("header.add")
def add_header(hooks: Hooks, name: str, value: str, times: int = 1) -> Hooks:
    """Sends a further field, or the same one several times."""
    field = (name.encode("latin-1"), value.encode("latin-1"))
    return with_start(hooks, lambda status, fields, _: (status, [*fields, *[field] * times]))


@fault_action("header.drop")
def drop_header(hooks: Hooks, *, name: str) -> Hooks:
    """Leaves out the header fields of a name."""
    return with_start(hooks, lambda status, fields, _: (status, without(fields, name.lower())))


@fault_action("header.echo-key")
def echo_key(hooks: Hooks, name: str = "x-echo") -> Hooks:
    """Sends the caller's credential back in a header field."""

    def change(status: int, fields: HeaderFields, context: RequestContext) -> tuple[int, HeaderFields]:
        given = context.headers.get("authorization") or context.headers.get("x-api-key")
        return status, fields if given is None else [*fields, (name.encode(), given.encode("latin-1"))]

    return with_start(hooks, change)


@fault_action("body.replace")
def replace_in_body(hooks: Hooks, old: str, new: str, times: int = -1) -> Hooks:
    """Replaces text in the body."""
    return with_body(hooks, lambda body, _: body.replace(old.encode(), new.encode(), times))


@fault_action("body.surround")
def surround_body(hooks: Hooks, before: str = "", after: str = "") -> Hooks:
    """Writes text before and after the body."""
    return with_body(hooks, lambda body, _: before.encode() + body + after.encode())


@fault_action("body.set")
def set_body(hooks: Hooks, text: str, media_type: str | None = None, status: int | None = None) -> Hooks:
    """Sends this text instead of the body, with this media type and status."""
    faulty = with_body(hooks, lambda *_: text.encode(), status)
    return faulty if media_type is None else set_header(faulty, "content-type", media_type)


@fault_action("body.too-large-html")
def too_large_html(hooks: Hooks, size: int) -> Hooks:
    """Refuses a request body larger than `size` bytes with an HTML page."""
    refused = set_body(hooks, _TOO_LARGE, "text/html", 413)
    return only_when(lambda context: len(context.raw) > size, hooks, refused, current.get)


@fault_action("body.cut")
def cut_body(hooks: Hooks, share: float = 0.5) -> Hooks:
    """Sends only the first part of the body, with a Content-Length to match."""
    return with_body(hooks, lambda body, _: body[: int(len(body) * share)])


@fault_action("body.latin-1")
def latin_1(hooks: Hooks) -> Hooks:
    """Encodes the body in ISO 8859-1, with question marks for what it lacks."""
    return with_body(hooks, lambda body, _: body.decode().encode("latin-1", "replace"))


@fault_action("body.utf-16")
def utf_16(hooks: Hooks) -> Hooks:
    """Encodes the body in UTF-16."""
    return with_body(hooks, lambda body, _: body.decode().encode("utf-16"))


def _as_floats(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_floats(member) for name, member in value.items()}
    return float(value) if isinstance(value, int) else value


@fault_action("body.json")
def other_body_json(hooks: Hooks, *, escaped: bool = False, indent: int | None = None, floats: bool = False) -> Hooks:
    """Serializes the same JSON differently: escaped to ASCII, over several lines, usage as `1.0`."""

    def change(body: bytes, _: RequestContext) -> bytes:
        value = json.loads(body)
        if floats and isinstance(value.get("usage"), dict):
            value["usage"] = _as_floats(value["usage"])
        return json.dumps(value, ensure_ascii=escaped, indent=indent).encode()

    return with_body(hooks, change)


@fault_action("body.duplicate-member")
def duplicate_member(hooks: Hooks, name: str, value: Any) -> Hooks:
    """Repeats a member of the outermost object, with another value."""
    member = f"{json.dumps(name)}:{json.dumps(value)},".encode()
    return with_body(hooks, lambda body, _: body.replace(b"{", b"{" + member, 1))


@fault_action("body.as-events")
def as_events(hooks: Hooks) -> Hooks:
    """Sends the body as an event stream that ends with `[DONE]`."""
    faulty = with_body(hooks, lambda body, _: b"data: " + body + b"\n\ndata: [DONE]\n\n")
    return set_header(faulty, "content-type", "text/event-stream")


def key_of_caller(context: RequestContext) -> str:
    """The key of a request, without the scheme; an empty text where it has none."""
    return (context.headers.get("authorization") or context.headers.get("x-api-key") or "").split(" ")[-1]


@fault_action("body.echo-key")
def echo_key_in_body(hooks: Hooks) -> Hooks:
    """Puts the caller's key into the message of an error."""

    def change(body: bytes, context: RequestContext) -> bytes:
        message = f'"message":"The key {key_of_caller(context)} is not valid. '.encode()
        return body.replace(b'"message":"', message, 1)

    return with_body(hooks, change)


@fault_action("coding.gzip")
def gzip(hooks: Hooks, flush: str = "event", *, declared: bool = True, asked_only: bool = True) -> Hooks:
    """Compresses the body, flushed after each `event` or only at the `end`; `declared` sends Content-Encoding."""

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        if asked_only and "gzip" not in context.headers.get("accept-encoding", "").split(", "):
            async for message in messages:
                yield message
            return
        coder = zlib.compressobj(wbits=31)
        async for message in messages:
            if message["type"] == "http.response.start":
                fields = without(message["headers"], "content-length")
                yield {**message, "headers": fields + [(b"content-encoding", b"gzip")] * declared}
            else:
                data = coder.compress(message.get("body", b""))
                if not message.get("more_body"):
                    data += coder.flush()
                elif flush == "event":
                    data += coder.flush(zlib.Z_SYNC_FLUSH)
                yield {**message, "body": data}

    return with_messages(hooks, faulty)


@fault_action("coding.wrong-checksum")
def wrong_checksum(hooks: Hooks) -> Hooks:
    """Compresses every body, with a checksum at its end that is that of other data (RFC 1952 section 2.3.1)."""

    def change(body: bytes, _: RequestContext) -> bytes:
        coder = zlib.compressobj(wbits=31)
        packed = coder.compress(body) + coder.flush()
        return packed[:-8] + bytes(byte ^ 0xFF for byte in packed[-8:-4]) + packed[-4:]

    return set_header(with_body(hooks, change), "content-encoding", "gzip")


@fault_action("coding.bomb")
def bomb(hooks: Hooks, megabytes: int = 64) -> Hooks:
    """Sends a small compressed body that expands to very many bytes."""
    coder = zlib.compressobj(9, wbits=31)
    packed = b"".join(coder.compress(b" " * 1024 * 1024) for _ in range(megabytes)) + coder.flush()
    return set_header(with_body(hooks, lambda *_: packed), "content-encoding", "gzip")


@fault_action("time.before-answer")
def late(hooks: Hooks, seconds: float) -> Hooks:
    """Waits before it sends the answer."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        await asyncio.sleep(seconds)
        async for message in messages:
            yield message

    return with_messages(hooks, faulty)


@fault_action("time.hold-back")
def hold_back(hooks: Hooks) -> Hooks:
    """Gathers the whole body before any of it is sent."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        for message in [message async for message in messages]:
            yield message

    return with_messages(hooks, faulty)


@fault_action("time.bursts")
def bursts(hooks: Hooks, events: int = 4) -> Hooks:
    """Sends several events at once."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        held: list[bytes] = []
        async for message in messages:
            if message["type"] != "http.response.body":
                yield message
                continue
            held.append(message.get("body", b""))
            if len(held) == events or not message.get("more_body"):
                yield {**message, "body": b"".join(held)}
                held.clear()

    return with_messages(hooks, faulty)


@fault_action("time.comments")
def comments_while_waiting(hooks: Hooks, text: str = ": ping\n\n", times: int = 3, seconds: float = 0.02) -> Hooks:
    """Sends comments before the first event, as a gateway does while it waits for a slow model."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        first = True
        async for message in messages:
            if message["type"] == "http.response.body" and first:
                first = False
                for _number in range(times):
                    yield {"type": "http.response.body", "body": text.encode(), "more_body": True}
                    await asyncio.sleep(seconds)
            yield message

    return with_messages(hooks, faulty)


@fault_action("pieces.of")
def in_pieces(hooks: Hooks, size: int) -> Hooks:
    """Sends the body in pieces of `size` bytes, wherever that cuts it."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or not message.get("more_body") or len(body) <= size:
                yield message
                continue
            async for piece in _pieces(body, size):
                yield {**message, "body": piece}

    return with_messages(hooks, faulty)


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(0)  # so that each is written separately


@fault_action("pieces.lossy")
def lossy_pieces(hooks: Hooks, size: int = 7) -> Hooks:
    """Decodes the body piece by piece, and writes U+FFFD for characters that are cut at the edges."""

    def lossy(body: bytes, _: RequestContext) -> bytes:
        pieces = (body[start : start + size] for start in range(0, len(body), size))
        return "".join(piece.decode("utf-8", "replace") for piece in pieces).encode()

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.body" and message.get("more_body"):
                message = {**message, "body": lossy(message.get("body", b""), context)}  # noqa: PLW2901
            yield message

    return with_messages(hooks, faulty)


@fault_action("body.lossy")
def lossy_body(hooks: Hooks, size: int = 7) -> Hooks:
    """As `pieces.lossy`, for a body that is sent as a whole."""
    return with_body(
        hooks,
        lambda body, _: "".join(
            body[start : start + size].decode("utf-8", "replace") for start in range(0, len(body), size)
        ).encode(),
    )


@fault_action("stream.prefix")
def stream_prefix(hooks: Hooks, text: str) -> Hooks:
    """Writes text before the first event of a stream."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        first = True
        async for message in messages:
            if message["type"] == "http.response.body" and first:
                first = False
                yield {"type": "http.response.body", "body": text.encode(), "more_body": True}
            yield message

    return with_messages(hooks, faulty)


@fault_action("stream.cut-end")
def cut_end(hooks: Hooks, size: int) -> Hooks:
    """Leaves out the last bytes of a stream, and ends its transfer coding properly."""

    async def faulty(_: RequestContext, messages: Messages) -> Messages:
        held = b""
        async for message in messages:
            if message["type"] != "http.response.body":
                yield message
            elif message.get("more_body"):
                held += message["body"]
                yield {**message, "body": held[:-size]}
                held = held[-size:]
            else:
                yield message

    return with_messages(hooks, faulty)


@fault_action("stream.as-document")
def as_document(hooks: Hooks) -> Hooks:
    """Answers a request for a stream with one JSON array of the chunks."""

    def change(body: bytes, _: RequestContext) -> bytes:
        events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ") and line[6:7] == b"{"]
        return b"[" + b",".join(events) + b"]"

    return set_header(with_body(hooks, change), "content-type", "application/json")
