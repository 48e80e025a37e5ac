"""Decodes the content codings of a whole body within a bound, so that it can be searched for secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.wire.decompression import (
    GZIP_MAGIC,
    MOST_DECODED,
    MOST_LAYERS,
    BrokenCodingError,
    ManyMembersError,
    decompressor,
)
from conformance.wire.exchange import BEYOND_BOUND, CODED_FORM, UNKNOWN_CODING

_STEP = 512
"""Coded bytes that are decoded at once. The step in which the bound is reached counts as not decoded."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a body decodes to; `read` counts the coded bytes that were decoded, `known` is False for unknown codings."""

    coding: str
    data: bytes
    read: int
    known: bool = True


def form_of_clear(decoded: Decoded) -> str:
    """The form of a redaction that puts the decoded bytes in the place of the coded ones."""
    return f"{CODED_FORM}{decoded.coding}"


def form_of_withheld(decoded: Decoded) -> str:
    """The form of a redaction that masks what could not be searched."""
    return f"{CODED_FORM}{decoded.coding}{BEYOND_BOUND if decoded.known else UNKNOWN_CODING}"


def decode(body: bytes, content_encodings: Iterable[str]) -> Decoded | None:
    """Decode a body by its Content-Encoding fields, or None where it is not encoded.

    A body that only looks like gzip is decoded too, since a client might do so. Where several codings lie over one
    another, `read` is all or nothing.
    """
    codings = [coding.strip().lower() for value in content_encodings for coding in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not codings and body.startswith(GZIP_MAGIC):
        codings = ["gzip"]
    if not codings:
        return None
    name = ", ".join(codings)
    if len(codings) > MOST_LAYERS:
        return Decoded(name, b"", 0, known=False)
    data, read = body, len(body)
    for coding in reversed(codings):
        layer = _layer(data, coding)
        if layer is None:
            return Decoded(name, b"", 0, known=False)
        inner, inner_read = layer
        whole = read == len(body) and inner_read == len(data)
        read = inner_read if len(codings) == 1 else (len(body) if whole else 0)
        data = inner
    return Decoded(name, data, read)


def _layer(data: bytes, coding: str) -> tuple[bytes, int] | None:
    """Decode one coding until the end, the bound or a mistake; None for an unknown coding.

    Returns the decoded bytes, and how many coded bytes they come from. Bytes after a mistake and after the end count as
    decoded: no client decodes them, so they hold nothing but themselves.
    """
    decoder = decompressor(coding, data[:2])
    if decoder is None:
        return None
    output = bytearray()
    for at in range(0, len(data), _STEP):
        try:
            for piece in decoder.feed(data[at : at + _STEP]):
                if len(output) + len(piece) > MOST_DECODED:
                    return bytes(output), at
                output += piece
        except BrokenCodingError:
            break
        except ManyMembersError:
            return bytes(output), at
        if decoder.ended and not GZIP_MAGIC.startswith(decoder.rest):
            break
    return bytes(output), len(data)
