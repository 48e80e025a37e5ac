"""Reads a request body within limits of size and time, and refuses what is not declared as JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from email.message import Message

from starlette.requests import Request

from conformance.reference.errors import Refusal
from conformance.reference.settings import Settings

_CLOSE = {"Connection": "close"}
"""For answers after which the rest of a body is not read: the connection cannot serve another request."""


def check_media_type(fields: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises `Refusal` (415) unless the body is JSON in UTF-8 without a content coding (RFC 9110 section 15.5.16)."""
    declared = [value for name, value in fields if name == b"content-type"]
    codings = [value for name, value in fields if name == b"content-encoding" if value.strip().lower() != b"identity"]
    media_type = Message()
    media_type["content-type"] = declared[0].decode("latin-1") if len(declared) == 1 else "none/none"
    charset = str(media_type.get_param("charset", "utf-8")).lower()
    if media_type.get_content_type() != "application/json" or charset not in {"utf-8", "utf8"}:
        message = "The Content-Type must be application/json."
        raise Refusal(415, "unsupported_media_type", message, headers={"Accept": "application/json"})
    if codings:
        message = "Encoded request bodies are not supported; send the body without Content-Encoding."
        raise Refusal(415, "unsupported_media_type", message, headers={"Accept-Encoding": "identity"})


async def read_body(request: Request, settings: Settings) -> bytes:
    """The whole body.

    Raises:
        Refusal: 413 for a body over `settings.max_body`, 408 for one that does not arrive in time.
        ClientDisconnect: the client hung up before the body was complete.
    """
    declared = _declared_length(request)
    waits = "expect" in request.headers
    if declared > settings.max_body and (waits or declared > settings.max_body + settings.max_drain):
        raise _too_large(settings, close=True)
    try:
        async with asyncio.timeout(settings.body_timeout):
            return await _read(request, settings)
    except TimeoutError as error:
        message = f"The request body did not arrive within {settings.body_timeout:g} seconds."
        raise Refusal(408, "request_timeout", message, headers=_CLOSE) from error


async def _read(request: Request, settings: Settings) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= settings.max_body:
            parts.append(part)
        else:
            # Reading on spares the client a reset in the middle of its upload, before it has seen the answer.
            parts.clear()
            if size > settings.max_body + settings.max_drain:
                raise _too_large(settings, close=True)
    if size > settings.max_body:
        raise _too_large(settings, close=False)
    return b"".join(parts)


def _declared_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0


def _too_large(settings: Settings, *, close: bool) -> Refusal:
    message = f"The request body is larger than {settings.max_body} bytes."
    return Refusal(413, "request_too_large", message, headers=_CLOSE if close else {})
