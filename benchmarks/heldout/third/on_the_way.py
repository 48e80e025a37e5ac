"""Faults of the third set in what lies around an answer: errors, keys, header fields, caches and HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from held_out import HeldOut, answering_when
from second.parts import PacedProvider
from third.parts import (
    EVENT_STREAM,
    asks_for_completion,
    error,
    every,
    in_front,
    rewritten,
    whole,
    with_fields,
)

from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.request_context import RequestContext, current

_OFTEN = 40
_HIT = b'{"error":{"message":"cache hit"},"error_kind":"invalid_request"}'
_FORBIDDEN = (
    b"<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>"
    b"<body><h1>Sorry, you have been blocked</h1></body></html>"
)
_UNSUPPORTED = (
    b"HTTP/1.1 501 Unsupported method\r\ncontent-type: text/html;charset=utf-8\r\nconnection: close\r\n\r\n"
    b"<html><body><h1>Error response</h1><p>Error code: 501</p></body></html>"
)
_HEAD_END = b"\r\n\r\n"


# --- errors, keys and header fields ---


def _empty_stream(context: RequestContext, first: Any) -> Iterable[Any] | None:
    refused = asks_for_completion(context) and context.streams and first["status"] in (400, 404)
    return whole(200, b"", EVENT_STREAM) if refused else None


def _limit_as_failure() -> list[Any]:
    return whole(500, error("Claude usage limit reached; resets at 3am", "proxy_error", None))


def _fraction() -> list[Any]:
    body = error("Too many requests; slow down.", "rate_limit_error", "rate_limit_exceeded")
    return whole(429, body, further=[(b"retry-after", b"0.493")])


def _repeated_key(context: RequestContext, status: int, body: Any) -> Any:
    given = context.headers.get("authorization", "")
    if status != 401 or not given:
        return None
    said = f"API key {given.removeprefix('Bearer ')} is invalid"
    return {**body, "error": {**body["error"], "message": said}}


def _desynchronised() -> Hooks:
    """Leaves the body of a request that it refuses for its key unread, so that the next request begins with it."""

    def changed(protocol: type[Any]) -> type[Any]:
        class Desynchronised(protocol):  # type: ignore[misc] # a class made from a class
            left_unread = False

            def on_response_complete(self) -> None:
                context = current.get(None)
                if context is not None and context.status == 401 and context.method == "POST":
                    self.left_unread = True
                super().on_response_complete()

            def data_received(self, data: bytes) -> None:
                if self.left_unread:
                    self.transport.write(_UNSUPPORTED)
                    self.transport.close()
                else:
                    super().data_received(data)

        return Desynchronised

    return Hooks(protocols=(changed,))


def _has_odd_field(context: RequestContext) -> bool:
    return not all(value.isascii() for value in context.headers.values())


# --- caches ---


def _same_asker(context: RequestContext, body: str) -> tuple[str, str]:
    return context.headers.get("authorization", ""), body


async def _recorded(messages: Messages, kept: list[Any], complete: Callable[[], object] = bool) -> Messages:
    """The messages as they are, each of which is kept when it is sent; `complete` is called before the last."""
    async for message in messages:
        kept.append(message)
        if _is_complete(kept):
            complete()
        yield message


def _is_complete(answer: list[Any]) -> bool:
    ended = answer[-1]["type"] == "http.response.body" and not answer[-1].get("more_body", False)
    return ended and answer[0].get("status") == 200


def _sent(answer: list[Any]) -> bytes:
    return b"".join(message.get("body", b"") for message in answer)


def _left_streams() -> Hooks:
    """Keeps what was sent of a stream that its client left, and sends it to whoever asks the same again."""
    kept: dict[tuple[str, str], bytes] = {}

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        answer: list[Any] = []
        first = await anext(messages, None)
        if first is None:
            return
        key = _same_asker(context, context.raw.decode("utf-8", "replace"))
        if key in kept and first["status"] == 200:
            for message in whole(200, kept[key] + b"data: [DONE]\n\n", EVENT_STREAM):
                yield message
            return
        answer.append(first)
        yield first
        try:
            async for message in _recorded(messages, answer):
                yield message
        finally:
            if context.streams and first["status"] == 200 and not _is_complete(answer):
                kept[key] = _sent(answer)

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def _hits_with_error() -> Hooks:
    """Answers a question that was streamed before with that stream, however it is asked now, and an error behind it."""
    kept: dict[tuple[str, str], bytes] = {}

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        asked = {name: value for name, value in context.body.items() if name != "stream"}
        key = _same_asker(context, json.dumps(asked, sort_keys=True))
        if key in kept and asks_for_completion(context):
            for message in whole(200, kept[key] + _HIT, EVENT_STREAM):
                yield message
            return
        answer: list[Any] = []

        def keep() -> None:
            if asks_for_completion(context) and context.streams:
                kept[key] = _sent(answer)

        async for message in _recorded(messages, answer, keep):
            yield message

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def _kept_framing() -> Hooks:
    """Sends a whole answer again to whoever asks the same, with the framing of the answer that it was made from."""
    kept: dict[tuple[str, str], list[Any]] = {}
    hits: set[int] = set()

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        key = _same_asker(context, context.raw.decode("utf-8", "replace"))
        if key in kept:
            hits.add(context.number)
            for message in kept[key]:
                yield message
            return
        answer: list[Any] = []

        def keep() -> None:
            if asks_for_completion(context) and not context.streams:
                kept[key] = answer

        async for message in _recorded(messages, answer, keep):
            yield message

    def framed(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if write.kind is WriteKind.HEAD and context.number in hits:
            yield write.data.replace(_HEAD_END, b"\r\ntransfer-encoding: chunked\r\n\r\n")
        else:
            yield write.data

    return Hooks(messages=(hook,), writes=(framed,), reads_first=True, needs_context=True)


# --- HTTP ---


def _length_and_chunks() -> Hooks:
    """Passes on the length that another server named, above chunks of its own."""

    def framed(context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
        if context.streams or context.status != 200 or not asks_for_completion(context):
            yield write.data
        elif write.kind is WriteKind.HEAD:
            yield write.data.replace(_HEAD_END, b"\r\ntransfer-encoding: chunked\r\n\r\n")
        elif write.kind is WriteKind.BODY:
            yield b"%x\r\n%b\r\n" % (len(write.data), write.data)
        else:
            yield b"0\r\n\r\n"

    return Hooks(writes=(framed,), needs_context=True, reads_first=True)


def _chunked_twice(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    if write.kind is WriteKind.HEAD:
        yield re.sub(rb"(?i)\r\n(transfer-encoding: chunked)", rb"\r\nTransfer-Encoding: chunked\r\n\1", write.data)
    else:
        yield write.data


def _blocked(context: RequestContext, _first: Any) -> Iterable[Any] | None:
    fields = [(b"server", b"cloudflare"), (b"cf-ray", b"8d49989abc171ce8-FRA")]
    refused = asks_for_completion(context) and b"`" in context.raw
    return whole(403, _FORBIDDEN, b"text/html; charset=UTF-8", fields) if refused else None


WAY_FAULTS = (
    HeldOut(
        "stream.left-and-kept",
        "stream",
        "What was sent of a stream that its client left is all that the same request gets from then on, with `[DONE]`.",
        _left_streams,
        ("gonka-ai/gonka#1722",),
        PacedProvider,
    ),
    HeldOut(
        "stream.hit-with-error",
        "stream",
        "A question that was streamed before gets that stream again, even where none is asked for, and an error.",
        _hits_with_error,
        ("gumieri/nenya#18",),
    ),
    HeldOut(
        "error.refused-as-empty-stream",
        "error",
        "A request for a stream that is refused for its content is answered 200 with a stream of no bytes.",
        lambda: in_front(_empty_stream),
        ("coder/aibridge#56",),
    ),
    HeldOut(
        "error.limit-as-500",
        "error",
        "Each fortieth completion meets the limit of a provider, which is told as a 500 of the proxy.",
        lambda: every(_OFTEN, _limit_as_failure),
        ("dtzp555-max/ocp#481",),
    ),
    HeldOut(
        "error.fraction-of-a-second",
        "error",
        "Each fortieth completion is refused with 429 and a `Retry-After` that has a fraction.",
        lambda: every(_OFTEN, _fraction),
        ("SpaceTradersAPI/api-docs#24", "getsentry/sentry#7919"),
    ),
    HeldOut(
        "error.key-repeated",
        "error",
        "The 401 for a key that is not known repeats the whole key in its message.",
        lambda: rewritten(_repeated_key),
        ("Unstructured-IO/unstructured-api#578",),
    ),
    HeldOut(
        "access.body-left-unread",
        "access",
        "The body of a request that is refused for its key is read as the next request on the connection, with 501.",
        _desynchronised,
        ("nesquena/hermes-webui#7550", "Cyrax321/CONTINUUM#611"),
    ),
    HeldOut(
        "header.beyond-ascii",
        "header",
        "A request with a character beyond ASCII in any header field is answered 500.",
        lambda: answering_when(_has_odd_field, 500, b"Internal Server Error", b"text/plain; charset=utf-8"),
        ("BerriAI/litellm#34633",),
    ),
    HeldOut(
        "header.allowed-origin-twice",
        "header",
        "Each answer has `Access-Control-Allow-Origin: *` twice, which every browser refuses.",
        lambda: with_fields(lambda _context: True, *[(b"access-control-allow-origin", b"*")] * 2),
        ("decred/dcrwebapi#8", "WebODM/WebODM#417"),
    ),
    HeldOut(
        "http.kept-framing",
        "http",
        "A whole answer that is given again says `Transfer-Encoding: chunked` above JSON without chunks.",
        _kept_framing,
        ("headroomlabs-ai/headroom#3024",),
    ),
    HeldOut(
        "http.length-and-chunks",
        "http",
        "Whole answers have `Content-Length` beside `Transfer-Encoding: chunked`.",
        _length_and_chunks,
        ("Portkey-AI/gateway#1305",),
    ),
    HeldOut(
        "http.chunked-twice",
        "http",
        "Streams have the field `Transfer-Encoding: chunked` twice, though they are chunked once.",
        lambda: Hooks(writes=(_chunked_twice,), needs_context=True),
        ("kubernetes/ingress-nginx#11162", "nginx/nginx#304"),
    ),
    HeldOut(
        "http.backticks-blocked",
        "http",
        "A request whose body has a backtick is answered 403 with a page of a firewall.",
        lambda: in_front(_blocked),
        ("openclaw/openclaw#42870", "different-ai/openwork#3419"),
    ),
)
