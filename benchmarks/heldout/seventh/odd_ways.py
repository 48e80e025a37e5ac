"""Allowed variations of the seventh set in what lies around an answer, and all fourteen of them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from held_out import HeldOut
from seventh.odd_answers import ANSWER_VARIATIONS
from third.parts import error, every, in_front, whole

from conformance.reference.hooks import Ending, Hooks, Write, WriteKind
from conformance.reference.request_context import RequestContext

_EACH = 40
_MEBIBYTE = 1024 * 1024
_CODING = re.compile(rb"transfer-encoding: chunked", re.IGNORECASE)


def _later() -> list[Any]:
    """A refusal that says by a date when to come again: in a second."""
    body = error("Rate limit reached. Please try again later.", "rate_limit_error", "rate_limit_exceeded")
    date = formatdate(time.time() + 1, usegmt=True).encode()
    return whole(429, body, further=[(b"retry-after", date)])


def _capital(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    if write.kind is WriteKind.HEAD:
        yield _CODING.sub(b"Transfer-Encoding: Chunked", write.data)
    else:
        yield write.data


def _large(context: RequestContext, _first: Any) -> list[Any] | None:
    if len(context.raw) <= _MEBIBYTE:
        return None
    return whole(413, error("The request is larger than 1 MiB.", "invalid_request_error", "request_too_large"))


VARIATIONS: tuple[HeldOut, ...] = (
    *ANSWER_VARIATIONS,
    HeldOut(
        "allowed.date-to-come-again",
        "allowed",
        "Each fortieth completion is refused with 429, and `Retry-After` is a date (RFC 9110, section 10.2.3).",
        lambda: every(_EACH, _later),
        ("https://github.com/interviewstreet/hiring-agent/issues/386",),
    ),
    HeldOut(
        "allowed.capital-coding",
        "allowed",
        'Streams say `Transfer-Encoding: Chunked`: "All transfer-coding names are case-insensitive" (RFC 9112, '
        "section 7).",
        lambda: Hooks(writes=(_capital,), needs_context=True),
    ),
    HeldOut(
        "allowed.one-mebibyte",
        "allowed",
        "A request of more than 1 MiB is refused with 413 and an error (RFC 9110, section 15.5.14).",
        lambda: in_front(_large),
        ("https://github.com/dtan4/nginx-basic-auth-proxy/pull/3", "https://github.com/CosmosShadow/gptpdf/issues/38"),
    ),
)
