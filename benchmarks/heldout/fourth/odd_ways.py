"""Allowed variations of the fourth set in what lies around an answer, and all twelve of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fourth.odd_answers import ANSWER_VARIATIONS
from fourth.parts import whole_bodies
from held_out import HeldOut, header_of, without
from second.parts import is_json, is_stream
from third.parts import JSON, error, in_front, whole

from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.request_context import RequestContext

_PIECE = 23
"""Bytes of a stream that are written at once."""
_LAST_CHUNK = b"0\r\n\r\n"


def _behind_blank_lines(body: bytes) -> list[bytes]:
    return [b"\n", b"\n\n", body]


def _not_there(context: RequestContext, first: Any) -> Iterable[Any] | None:
    if first["status"] != 405:
        return None
    kept = [one for one in first["headers"] if one[0].lower() == b"x-request-id"]
    body = error(f"Unknown request URL: {context.method} {context.path}.", "invalid_request_error", "unknown_url")
    answer = whole(404, body, JSON, kept)
    if context.method == "HEAD":
        answer[1] = {"type": "http.response.body", "body": b""}
    return answer


def _timed(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    if write.kind is WriteKind.HEAD and b"\r\ntransfer-encoding: chunked" in write.data.lower():
        yield write.data.removesuffix(b"\r\n") + b"trailer: server-timing\r\n\r\n"
    elif write.kind is WriteKind.END and write.data == _LAST_CHUNK:
        yield b"0\r\nserver-timing: generate;dur=41.3\r\n\r\n"
    else:
        yield write.data


async def _split_anywhere(_context: RequestContext, messages: Messages) -> Messages:
    streams = False
    async for message in messages:
        if message["type"] == "http.response.start":
            streams = is_stream(message)
        body = message.get("body", b"")
        if not streams or len(body) <= _PIECE:
            yield message
            continue
        places = range(0, len(body), _PIECE)
        for place in places:
            more = place != places[-1] or message.get("more_body", False)
            yield {**message, "body": body[place : place + _PIECE], "more_body": more}


async def _other_letters(_context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        if message["type"] == "http.response.start":
            names = {True: b'Text/Event-Stream;Charset="UTF-8"', False: b"Application/JSON"}
            if is_stream(message) or is_json(message):
                kept = without(message["headers"], b"content-type")
                message["headers"] = [*kept, (b"content-type", names[is_stream(message)])]
        yield message


async def _two_challenges(_context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        if message["type"] == "http.response.start" and header_of(message, b"www-authenticate"):
            usual = header_of(message, b"www-authenticate")
            kept = without(message["headers"], b"www-authenticate")
            both = b'Basic realm="console", charset="UTF-8", ' + usual
            message["headers"] = [*kept, (b"www-authenticate", both)]
        yield message


VARIATIONS: tuple[HeldOut, ...] = (
    *ANSWER_VARIATIONS,
    HeldOut(
        "allowed.blank-lines-first",
        "allowed",
        "As of DeepSeek, a whole answer begins with empty lines that keep the connection alive; JSON allows them.",
        lambda: whole_bodies(lambda _context: True, None, _behind_blank_lines),
        ("https://github.com/sgl-project/sglang/pull/3689",),
    ),
    HeldOut(
        "allowed.unknown-method-404",
        "allowed",
        "As of an Ollama, a method that the path does not have is answered 404, with an error, and not 405.",
        lambda: in_front(_not_there),
        ("https://github.com/ollama/ollama/issues/5483", "https://github.com/ollama/ollama/issues/6013"),
    ),
    HeldOut(
        "allowed.timing-behind",
        "allowed",
        "Chunked answers end with a trailer field, `Server-Timing`, that their header names (RFC 9110, section 6.5).",
        lambda: Hooks(writes=(_timed,), needs_context=True),
        ("https://github.com/rack/rack/pull/1271", "https://github.com/mitchellh/go-server-timing/issues/23"),
    ),
    HeldOut(
        "allowed.split-anywhere",
        "allowed",
        "A stream is written in pieces of 23 bytes, within events and within characters.",
        lambda: Hooks(messages=(_split_anywhere,), needs_context=True),
        ("https://github.com/api7/aisix/issues/111",),
    ),
    HeldOut(
        "allowed.other-letters",
        "allowed",
        "Media types have capital letters and a quoted charset, which mean the same (RFC 9110, section 8.3.1).",
        lambda: Hooks(messages=(_other_letters,), needs_context=True),
        ("https://github.com/diegosouzapw/OmniRoute/pull/6434",),
    ),
    HeldOut(
        "allowed.two-challenges",
        "allowed",
        "A 401 names two schemes in one field, `Basic` before `Bearer` (RFC 9110, section 11.6.1).",
        lambda: Hooks(messages=(_two_challenges,), needs_context=True),
    ),
)
