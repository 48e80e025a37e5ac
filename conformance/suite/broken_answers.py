"""Answers that are no whole HTTP message: the target spoke, and a client has nothing of it."""

from __future__ import annotations

from conformance.quoting import quoted
from conformance.reading import begins_as_http, is_tls_alert
from conformance.wire.exchange import EndKind, Exchange

LARGEST_HEAD = 64 * 1024
"""Bytes of a head, with the interim answers before it, that a client has to take; evidence keeps no more of it."""
_BROKE_OFF = frozenset({EndKind.TRUNCATED, EndKind.RESET})
_BROKEN = _BROKE_OFF | {EndKind.MALFORMED, EndKind.TOO_LARGE}
_ENDS_OF_HEAD = (b"\r\n\r\n", b"\n\n", b"\n\r\n")
_LARGE_BODY = 64 * 1024
"""Bytes of a request from which a target may answer, and reset the connection, before it has read all of them."""


def has_head(exchange: Exchange) -> bool:
    """Whether the head of an answer was recorded, or what came in its place.

    A TLS alert is none: it says that the client speaks to the wrong port.
    """
    return bool(exchange.head) and not is_tls_alert(exchange.head)


def is_broken_answer(exchange: Exchange) -> bool:
    """Whether bytes of an answer came, and no client can make a message of them: not HTTP, broken off, or endless.

    A head that only took too long is none, nor one that the reset of a connection may have erased on which the target
    had not read the whole request (RFC 9112 section 9.6).
    """
    if exchange.answer is not None or not has_head(exchange):
        return False
    unread = bool(exchange.request.steps) or len(exchange.request.body) > _LARGE_BODY
    return exchange.ending.kind in _BROKEN and not (exchange.ending.kind is EndKind.RESET and unread)


def breaks_off(exchange: Exchange) -> bool:
    """Whether the connection ended, by the target, within the head of an answer (RFC 9112 section 8)."""
    broke_off = exchange.ending.kind in _BROKE_OFF and begins_as_http(exchange.head)
    return broke_off and is_broken_answer(exchange)


def is_oversized(exchange: Exchange) -> bool:
    """Whether the head of an answer did not end where a client stops reading."""
    return len(exchange.head) >= LARGEST_HEAD and not exchange.head.endswith(_ENDS_OF_HEAD)


def in_words(exchange: Exchange) -> str:
    """How such an answer ended, and its first bytes."""
    ending = exchange.ending
    detail = f", {ending.detail}" if ending.detail else ""
    return f"{ending.kind.value}{detail}, after {quoted(exchange.head)}"
