"""Allowed variations of the sixth set in what lies around an answer, and all fourteen of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from fourth.on_profiles import KODEXA
from held_out import HeldOut, without
from second.parts import is_stream
from sixth.odd_answers import ANSWER_VARIATIONS

from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.request_context import RequestContext

_MARK = b"\xef\xbb\xbf"
_IDLE = 0.5
"""Seconds for which a connection may be idle."""
_COLON = re.compile(rb"^([^:\r\n]+): ", re.MULTILINE)


async def _marked(_context: RequestContext, messages: Messages) -> Messages:
    """Begins each stream with the byte order mark."""
    due = False
    async for message in messages:
        if message["type"] == "http.response.start":
            due = is_stream(message)
        if due and message.get("body"):
            due = False
            yield {**message, "body": _MARK + message["body"]}
        else:
            yield message


def _padded(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    size = b"%x\r\n" % len(write.payload)
    if write.kind is WriteKind.BODY and write.payload and write.data.lower().startswith(size):
        yield b"%08X\r\n" % len(write.payload) + write.data[len(size) :]
    else:
        yield b"00000000\r\n\r\n" if write.kind is WriteKind.END and write.data == b"0\r\n\r\n" else write.data


def _unspaced(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    yield _COLON.sub(rb"\1:", write.data) if write.kind is WriteKind.HEAD else write.data


async def _closing(_context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        if message["type"] == "http.response.start" and message["status"] >= 400:
            fields = [*without(message.get("headers", ()), b"connection"), (b"connection", b"close")]
            yield {**message, "headers": fields}
        else:
            yield message


def _soon_closed(protocol: type[Any]) -> type[Any]:
    class Impatient(protocol):  # type: ignore[misc] # a class made from a class
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            self.timeout_keep_alive = _IDLE

    return Impatient


async def _forbidden(_context: RequestContext, messages: Messages) -> Messages:
    """Says 403 of a request whose key is missing or wrong, as API Gateway of AWS does."""
    async for message in messages:
        if message["type"] == "http.response.start" and message["status"] == 401:
            fields = without(message.get("headers", ()), b"www-authenticate")
            yield {**message, "status": 403, "headers": fields}
        else:
            yield message


VARIATIONS: tuple[HeldOut, ...] = (
    *ANSWER_VARIATIONS,
    HeldOut(
        "allowed.byte-order-mark",
        "allowed",
        "A stream begins with a byte order mark: `stream = [ bom ] *event` (WHATWG HTML, section 9.2.5).",
        lambda: Hooks(messages=(_marked,), needs_context=True),
        ("https://github.com/openai/openai-python/pull/3819", "https://github.com/whatwg/html/issues/7791"),
    ),
    HeldOut(
        "allowed.padded-sizes",
        "allowed",
        "The sizes of chunks have leading zeros and capital letters: `chunk-size = 1*HEXDIG` (RFC 9112, section 7.1).",
        lambda: Hooks(writes=(_padded,), needs_context=True),
    ),
    HeldOut(
        "allowed.no-space-behind-colons",
        "allowed",
        'Field lines have no space behind the colon: `field-name ":" OWS field-value OWS` (RFC 9112, section 5).',
        lambda: Hooks(writes=(_unspaced,), needs_context=True),
    ),
    HeldOut(
        "allowed.closed-after-errors",
        "allowed",
        "Each error says `Connection: close`, and the connection is closed behind it (RFC 9112, section 9.6).",
        lambda: Hooks(messages=(_closing,), needs_context=True),
    ),
    HeldOut(
        "allowed.idle-for-half-a-second",
        "allowed",
        'A connection that is idle for half a second is closed: "A client, server, or proxy MAY close the transport '
        'connection at any time" (RFC 9112, section 9.5).',
        lambda: Hooks(protocols=(_soon_closed,)),
        ("https://github.com/llm-d/llm-d/pull/1564", "https://github.com/kserve/kserve/issues/5446"),
    ),
    HeldOut(
        "allowed.forbidden-without-key",
        "allowed",
        'Kodexa: a missing or wrong key is answered 403: the server "refuses to fulfill" a request that it understood '
        "(RFC 9110, section 15.5.4); the page names no status for it.",
        lambda: Hooks(messages=(_forbidden,), needs_context=True),
        ("https://github.com/floci-io/floci/issues/3507",),
        profile=KODEXA,
    ),
)
