"""Decodes content codings within a bound, to look for secrets inside."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

LIMIT = 8 * 1024 * 1024
"""Bytes that are decoded at most."""

MEMBERS = 1000
"""Members of a gzip body that are decoded at most (RFC 1952 section 2.2 allows any number)."""

_STEP = 16 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_RAW_DEFLATE = -15


@dataclass(frozen=True, slots=True)
class Decoded:
    """What could be decoded, and of how many of the coded bytes that is all. `known` is False for a foreign coding."""

    coding: str
    data: bytes
    read: int
    known: bool = True


def decode(body: bytes, content_encodings: Iterable[str]) -> Decoded | None:
    """Decode a body by its Content-Encoding fields, or None where it is not encoded.

    A body that only looks like gzip is decoded too: a client might. Where several codings lie over one another, `read`
    is all or nothing.
    """
    codings = [coding.strip().lower() for value in content_encodings for coding in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not codings and body.startswith(_GZIP_MAGIC):
        codings = ["gzip"]
    if not codings:
        return None
    name = ", ".join(codings)
    data, read = body, len(body)
    for coding in reversed(codings):
        if coding not in _WINDOW:
            return Decoded(name, b"", 0, known=False)
        inner, inner_read = _inflate(data, coding)
        whole = read == len(body) and inner_read == len(data)
        read = inner_read if len(codings) == 1 else (len(body) if whole else 0)
        data = inner
    return Decoded(name, data, read)


def _inflate(data: bytes, coding: str) -> tuple[bytes, int]:
    """Decode until the end, the bound, or a mistake. Returns what came out, and how many bytes went in for it.

    Bytes after a mistake count as read: no client decodes them, so they only are what they are.
    """
    window = _WINDOW[coding]
    if coding == "deflate" and not _begins(data, window):
        # Some servers send raw deflate where RFC 9110 section 8.4.1.2 wants the zlib format.
        window = _RAW_DEFLATE
    output = bytearray()
    view = memoryview(data)
    at = 0
    for _ in range(MEMBERS):
        member, used, ended = _member(view[at:], window, LIMIT - len(output))
        output += member
        at += used
        if len(output) >= LIMIT:
            break
        if not ended or coding == "deflate" or at >= len(data):
            return bytes(output), len(data)
    return bytes(output), at


def _begins(data: bytes, window: int) -> bool:
    try:
        zlib.decompressobj(window).decompress(data[:64], 1)
    except zlib.error:
        return False
    return True


def _member(data: memoryview, window: int, room: int) -> tuple[bytes, int, bool]:
    """Decode one member: what came out, how many bytes it took, and whether it ended."""
    decoder = zlib.decompressobj(window)
    output = bytearray()
    at, step = 0, _STEP
    while at < len(data) and not decoder.eof and len(output) < room:
        before = decoder.copy()
        try:
            output += decoder.decompress(data[at : at + step], room - len(output))
        except zlib.error:
            if step == 1:
                break
            # What came out before the mistake counts, so this step is made again byte by byte.
            decoder, step = before, 1
            continue
        at += len(data[at : at + step]) - len(decoder.unconsumed_tail) - len(decoder.unused_data)
    return bytes(output), at, decoder.eof
