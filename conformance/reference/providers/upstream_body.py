"""The body of an upstream's answer as it arrives, without content codings, within bounds of size."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx

from conformance.reading import DeviationLog
from conformance.reading.content import ContentDecoder
from conformance.reference.errors import ProviderError
from conformance.reference.providers.connections import without_details
from conformance.reference.providers.upstream_failure import NOT_UNDERSTOOD


async def parts_of(response: httpx.Response, most: int) -> AsyncGenerator[bytes, None]:
    """The body in pieces of at most 256 KB, decoded where the server coded it although it was asked not to.

    `most` bounds the body as it was sent, and what it decodes to, in bytes. The HTTP client's own decoding is not used,
    because it decodes a whole read at once, however much that gives.

    Raises:
        ProviderError: the body is larger, broke off, or has a coding that cannot be decoded.
    """
    decoder = ContentDecoder(_codings(response), DeviationLog(), most)
    size = 0
    with without_details():
        async for raw in response.aiter_raw():
            size += len(raw)
            if size > most:
                raise ProviderError(NOT_UNDERSTOOD)
            for piece in decoder.feed(raw):
                yield piece
            if decoder.problem is not None:
                raise ProviderError(NOT_UNDERSTOOD)
        for piece in decoder.end():
            yield piece


async def beginning_of(response: httpx.Response, most: int) -> bytes:
    """The body, or at least its first `most` bytes where there are more; closes the response.

    Raises:
        ProviderError: as `parts_of`, within these bytes.
    """
    body = b""
    try:
        async with aclosing(parts_of(response, 2 * most)) as parts:
            async for part in parts:
                body += part
                if len(body) > most:
                    break
    finally:
        await response.aclose()
    return body


def _codings(response: httpx.Response) -> tuple[str, ...]:
    names = response.headers.get("content-encoding", "").lower().split(",")
    return tuple(name for one in names if (name := one.strip()) not in {"", "identity"})
