"""Faults of the HTTP message: status, header fields, the body as a whole, its coding, and the time it takes."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any

from starlette.types import Message

from conformance.reference.faults.actions import deed
from conformance.reference.hooks import BendMessages, Messages, Seams, only_when
from conformance.reference.request_context import Asked, current

Fields = list[tuple[bytes, bytes]]
_TOO_LARGE = "<html><body>413 Request Entity Too Large</body></html>"


def with_messages(seams: Seams, bend: BendMessages) -> Seams:
    """Bends the messages of an answer."""
    return replace(seams, messages=(*seams.messages, bend))


def with_start(seams: Seams, bend: Callable[[int, Fields, Asked], tuple[int, Fields]]) -> Seams:
    """Bends status and header fields."""

    async def bent(asked: Asked, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.start":
                status, fields = bend(message["status"], list(message.get("headers", ())), asked)
                yield {**message, "status": status, "headers": fields}
            else:
                yield message

    return with_messages(seams, bent)


def with_body(seams: Seams, bend: Callable[[bytes, Asked], bytes], status: int | None = None) -> Seams:
    """Bends the whole body, gathered before it is sent, and its Content-Length with it."""

    async def bent(asked: Asked, messages: Messages) -> Messages:
        start, body = await _gathered(messages)
        if start is None:
            return
        made = bend(body, asked)
        fields = without(start.get("headers", ()), "content-length")
        fields.append((b"content-length", str(len(made)).encode()))
        yield {**start, "status": status or start["status"], "headers": fields}
        yield {"type": "http.response.body", "body": made}

    return with_messages(seams, bent)


async def _gathered(messages: Messages) -> tuple[Message | None, bytes]:
    start, body = None, bytearray()
    async for message in messages:
        if message["type"] == "http.response.start":
            start = message
        else:
            body += message.get("body", b"")
    return start, bytes(body)


def without(fields: Iterable[tuple[bytes, bytes]], *names: str) -> Fields:
    """The header fields but those with these names."""
    return [(name, value) for name, value in fields if name.decode("latin-1").lower() not in names]


@deed("status.set")
def set_status(seams: Seams, to: int, instead_of: int | None = None) -> Seams:
    """Answers with another status; `instead_of` is the only one that is replaced."""
    return with_start(seams, lambda status, fields, _: (to if instead_of in {None, status} else status, fields))


@deed("header.set")
def set_header(seams: Seams, name: str, value: str) -> Seams:
    """Sends one field of this name, with this value."""
    field = (name.encode("latin-1"), value.encode("latin-1"))
    return with_start(seams, lambda status, fields, _: (status, [*without(fields, name.lower()), field]))


@deed("header.add")
def add_header(seams: Seams, name: str, value: str, times: int = 1) -> Seams:
    """Sends a further field, or the same one several times."""
    field = (name.encode("latin-1"), value.encode("latin-1"))
    return with_start(seams, lambda status, fields, _: (status, [*fields, *[field] * times]))


@deed("header.drop")
def drop_header(seams: Seams, *, name: str) -> Seams:
    """Leaves the fields of a name out."""
    return with_start(seams, lambda status, fields, _: (status, without(fields, name.lower())))


@deed("header.echo-key")
def echo_key(seams: Seams, name: str = "x-echo") -> Seams:
    """Sends the caller's credential back in a header field."""

    def bend(status: int, fields: Fields, asked: Asked) -> tuple[int, Fields]:
        given = asked.headers.get("authorization") or asked.headers.get("x-api-key")
        return status, fields if given is None else [*fields, (name.encode(), given.encode("latin-1"))]

    return with_start(seams, bend)


@deed("body.replace")
def replace_in_body(seams: Seams, old: str, new: str, times: int = -1) -> Seams:
    """Writes other text in the body where some text stands."""
    return with_body(seams, lambda body, _: body.replace(old.encode(), new.encode(), times))


@deed("body.surround")
def surround_body(seams: Seams, before: str = "", after: str = "") -> Seams:
    """Writes text before and after the body."""
    return with_body(seams, lambda body, _: before.encode() + body + after.encode())


@deed("body.set")
def set_body(seams: Seams, text: str, media_type: str | None = None, status: int | None = None) -> Seams:
    """Sends this text in place of the body, with its media type and status."""
    bent = with_body(seams, lambda *_: text.encode(), status)
    return bent if media_type is None else set_header(bent, "content-type", media_type)


@deed("body.too-large-html")
def too_large_html(seams: Seams, size: int) -> Seams:
    """Refuses a request body over a size with a page of HTML."""
    refused = set_body(seams, _TOO_LARGE, "text/html", 413)
    return only_when(lambda asked: len(asked.raw) > size, seams, refused, current.get)


@deed("body.cut")
def cut_body(seams: Seams, share: float = 0.5) -> Seams:
    """Sends only the first part of the body, with a Content-Length that fits it."""
    return with_body(seams, lambda body, _: body[: int(len(body) * share)])


@deed("body.latin-1")
def latin_1(seams: Seams) -> Seams:
    """Writes the body in ISO 8859-1 as far as that can be, and the rest as question marks."""
    return with_body(seams, lambda body, _: body.decode().encode("latin-1", "replace"))


@deed("body.utf-16")
def utf_16(seams: Seams) -> Seams:
    """Writes the body in UTF-16."""
    return with_body(seams, lambda body, _: body.decode().encode("utf-16"))


@deed("body.json")
def other_body_json(seams: Seams, *, escaped: bool = False, indent: int | None = None, floats: bool = False) -> Seams:
    """Writes the same JSON in another way: escaped to ASCII, over several lines, usage as `1.0`."""

    def bend(body: bytes, _: Asked) -> bytes:
        value = json.loads(body)
        if floats and isinstance(value.get("usage"), dict):
            value["usage"] = {name: float(figure) for name, figure in value["usage"].items()}
        return json.dumps(value, ensure_ascii=escaped, indent=indent).encode()

    return with_body(seams, bend)


@deed("body.duplicate-member")
def duplicate_member(seams: Seams, name: str, value: Any) -> Seams:
    """Writes a member of the outermost object a second time, with another value."""
    member = f"{json.dumps(name)}:{json.dumps(value)},".encode()
    return with_body(seams, lambda body, _: body.replace(b"{", b"{" + member, 1))


@deed("body.as-events")
def as_events(seams: Seams) -> Seams:
    """Sends the body as an event stream, `[DONE]` included."""
    bent = with_body(seams, lambda body, _: b"data: " + body + b"\n\ndata: [DONE]\n\n")
    return set_header(bent, "content-type", "text/event-stream")


@deed("body.echo-key")
def echo_key_in_body(seams: Seams) -> Seams:
    """Puts the caller's key into the message of an error."""

    def bend(body: bytes, asked: Asked) -> bytes:
        given = (asked.headers.get("authorization") or asked.headers.get("x-api-key") or "").split(" ")[-1]
        told = f'"message":"The key {given} is not valid. '.encode()
        return body.replace(b'"message":"', told, 1)

    return with_body(seams, bend)


@deed("coding.gzip")
def gzip(seams: Seams, flush: str = "event", *, declared: bool = True, asked_only: bool = True) -> Seams:
    """Compresses the body, flushed after each `event` or only at the `end`; `declared` sends Content-Encoding."""

    async def bent(asked: Asked, messages: Messages) -> Messages:
        if asked_only and "gzip" not in asked.headers.get("accept-encoding", ""):
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

    return with_messages(seams, bent)


@deed("coding.bomb")
def bomb(seams: Seams, megabytes: int = 64) -> Seams:
    """Sends a small coded body that decodes to very many bytes."""
    coder = zlib.compressobj(9, wbits=31)
    packed = b"".join(coder.compress(b" " * 1024 * 1024) for _ in range(megabytes)) + coder.flush()
    return set_header(with_body(seams, lambda *_: packed), "content-encoding", "gzip")


@deed("time.before-answer")
def late(seams: Seams, seconds: float) -> Seams:
    """Sends nothing of the answer for a while."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        await asyncio.sleep(seconds)
        async for message in messages:
            yield message

    return with_messages(seams, bent)


@deed("time.hold-back")
def hold_back(seams: Seams) -> Seams:
    """Gathers the whole body before any of it is sent."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        for message in [message async for message in messages]:
            yield message

    return with_messages(seams, bent)


@deed("time.bursts")
def bursts(seams: Seams, events: int = 4) -> Seams:
    """Sends several events at once."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        held: list[bytes] = []
        async for message in messages:
            if message["type"] != "http.response.body":
                yield message
                continue
            held.append(message.get("body", b""))
            if len(held) == events or not message.get("more_body"):
                yield {**message, "body": b"".join(held)}
                held.clear()

    return with_messages(seams, bent)


@deed("time.comments")
def comments_while_waiting(seams: Seams, text: str = ": ping\n\n", times: int = 3, seconds: float = 0.02) -> Seams:
    """Sends comments before the first event, as one who waits for a slow model does."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        first = True
        async for message in messages:
            if message["type"] == "http.response.body" and first:
                first = False
                for _number in range(times):
                    yield {"type": "http.response.body", "body": text.encode(), "more_body": True}
                    await asyncio.sleep(seconds)
            yield message

    return with_messages(seams, bent)


@deed("pieces.of")
def in_pieces(seams: Seams, size: int) -> Seams:
    """Sends the body in pieces of so many bytes, whatever stands at their edges."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        async for message in messages:
            body = message.get("body", b"")
            if message["type"] != "http.response.body" or not message.get("more_body") or len(body) <= size:
                yield message
                continue
            async for piece in _pieces(body, size):
                yield {**message, "body": piece}

    return with_messages(seams, bent)


async def _pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(0)  # so that each is written by itself


@deed("pieces.lossy")
def lossy_pieces(seams: Seams, size: int = 7) -> Seams:
    """Decodes the body piece by piece, and writes U+FFFD for the halves of characters at the edges."""

    def lossy(body: bytes, _: Asked) -> bytes:
        pieces = (body[start : start + size] for start in range(0, len(body), size))
        return "".join(piece.decode("utf-8", "replace") for piece in pieces).encode()

    async def bent(asked: Asked, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.body" and message.get("more_body"):
                message = {**message, "body": lossy(message.get("body", b""), asked)}  # noqa: PLW2901
            yield message

    return with_messages(seams, bent)


@deed("body.lossy")
def lossy_body(seams: Seams, size: int = 7) -> Seams:
    """The same, for a body that is sent as a whole."""
    return with_body(
        seams,
        lambda body, _: "".join(
            body[start : start + size].decode("utf-8", "replace") for start in range(0, len(body), size)
        ).encode(),
    )


@deed("stream.prefix")
def stream_prefix(seams: Seams, text: str) -> Seams:
    """Writes text before the first event of a stream."""

    async def bent(_: Asked, messages: Messages) -> Messages:
        first = True
        async for message in messages:
            if message["type"] == "http.response.body" and first:
                first = False
                yield {"type": "http.response.body", "body": text.encode(), "more_body": True}
            yield message

    return with_messages(seams, bent)


@deed("stream.cut-end")
def cut_end(seams: Seams, size: int) -> Seams:
    """Leaves the last bytes of a stream away; its coding ends all the same."""

    async def bent(_: Asked, messages: Messages) -> Messages:
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

    return with_messages(seams, bent)


@deed("stream.as-document")
def as_document(seams: Seams) -> Seams:
    """Answers a request for a stream with the chunks as one JSON list."""

    def bend(body: bytes, _: Asked) -> bytes:
        events = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ") and line[6:7] == b"{"]
        return b"[" + b",".join(events) + b"]"

    return set_header(with_body(seams, bend), "content-type", "application/json")
