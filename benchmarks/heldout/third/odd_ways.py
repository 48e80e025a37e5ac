"""Allowed variations of the third set in what lies around an answer, and all fourteen of them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from held_out import HeldOut
from second.parts import is_json
from third.odd_answers import ANSWER_VARIATIONS
from third.parts import JSON, error, in_front, whole

from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.request_context import RequestContext
from conformance.targets import demo

_LOADING = 1.0
"""Seconds from the first request until the model is there."""
_LOCAL = {"localhost", "127.0.0.1", "0.0.0.0", "::1"}
_KEYS = {f"Bearer {key}" for key in (demo.API_KEY, demo.OTHER_API_KEY)}
_STORED = b'{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":false}'
_HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </>; rel=preconnect\r\n\r\n"
_COOKIES = [
    (b"set-cookie", b"AWSALB=c2t5; Expires=Mon, 07 Dec 2026 10:00:00 GMT; Path=/"),
    (b"set-cookie", b"AWSALBCORS=c2t5; Expires=Mon, 07 Dec 2026 10:00:00 GMT; Path=/; SameSite=None; Secure"),
]


def _foreign(context: RequestContext, _first: Any) -> Iterable[Any] | None:
    origin = context.headers.get("origin")
    if origin is None or urlsplit(origin).hostname in _LOCAL:
        return None
    return [
        {"type": "http.response.start", "status": 403, "headers": [(b"content-length", b"0")]},
        {"type": "http.response.body", "body": b""},
    ]


def _stored(context: RequestContext, first: Any) -> Iterable[Any] | None:
    if not context.path.endswith("/chat/completions") or first["status"] != 405:
        return None
    if context.method != "GET":
        fields = [(name, b"GET, POST" if name.lower() == b"allow" else value) for name, value in first["headers"]]
        body = error("This method is not allowed here; use GET or POST.", "invalid_request_error", "method_not_allowed")
        further = [one for one in fields if one[0].lower() in (b"allow", b"x-request-id")]
        return whole(405, b"" if context.method == "HEAD" else body, JSON, further)
    if context.headers.get("authorization") in _KEYS:
        return whole(200, _STORED)
    body = error("The API key is not valid.", "invalid_request_error", "invalid_api_key")
    return whole(401, body, JSON, [(b"www-authenticate", b'Bearer realm="openai"')])


def _loading() -> Hooks:
    started: list[float] = []

    def choose(_context: RequestContext, _first: Any) -> Iterable[Any] | None:
        started.append(time.monotonic())
        if time.monotonic() - started[0] > _LOADING:
            return None
        return whole(503, error("Loading model", "unavailable_error", "503"), JSON, [(b"retry-after", b"1")])

    return in_front(choose)


def _no_reason(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    if write.kind is WriteKind.HEAD:
        yield re.sub(rb"\A(HTTP/1\.1 [0-9]{3} )[^\r\n]*", rb"\1", write.data)
    else:
        yield write.data


def _hinting(protocol: type[Any]) -> type[Any]:
    """Sends hints before each answer that succeeds, but to no client of HTTP/1.0."""

    class Hinting(protocol):  # type: ignore[misc] # a class made from a class
        def connection_made(self, transport: Any) -> None:
            plainly = transport.write

            def write(data: bytes) -> None:
                if bytes(data[:10]) == b"HTTP/1.1 2" and self.conn.their_http_version == b"1.1":
                    plainly(_HINTS)
                plainly(data)

            transport.write = write
            super().connection_made(transport)

    return Hinting


async def _balanced(_context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        if message["type"] == "http.response.start":
            tag = [(b"etag", b'W/"1f3-Yp0bM2"')] if is_json(message) else []
            message["headers"] = [*message.get("headers", ()), *_COOKIES, *tag]
        yield message


VARIATIONS: tuple[HeldOut, ...] = (
    *ANSWER_VARIATIONS,
    HeldOut(
        "allowed.foreign-origin",
        "allowed",
        "As of an Ollama, a request with the `Origin` of another site is refused with 403 and no body.",
        lambda: in_front(_foreign),
        ("ollama/ollama#2425", "ollama/ollama#6021"),
    ),
    HeldOut(
        "allowed.stored-completions",
        "allowed",
        "As of OpenAI, GET on the path of the completions lists those that are stored.",
        lambda: in_front(_stored),
        ("ogx-ai/ogx#5459",),
    ),
    HeldOut(
        "allowed.loading-at-first",
        "allowed",
        "For a second from the first request, everything is answered 503 with `Retry-After`: the model is loading.",
        _loading,
        ("canonical/inference-snaps#234", "mostlygeek/llama-swap#146"),
    ),
    HeldOut(
        "allowed.no-reason-phrase",
        "allowed",
        "Status lines have no reason phrase.",
        lambda: Hooks(writes=(_no_reason,), needs_context=True),
        ("aklivity/zilla#1589", "vlang/v#28329"),
    ),
    HeldOut(
        "allowed.early-hints",
        "allowed",
        "Each answer that succeeds comes behind a 103 with a `Link`.",
        lambda: Hooks(protocols=(_hinting,)),
        ("cloudflare/cloudflare-docs#2658",),
    ),
    HeldOut(
        "allowed.sticky-cookies",
        "allowed",
        "Each answer sets the two cookies of a load balancer, and JSON has a weak entity tag.",
        lambda: Hooks(messages=(_balanced,), needs_context=True),
    ),
)
