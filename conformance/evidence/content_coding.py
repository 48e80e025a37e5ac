"""Decodes the content codings of a whole body within a bound, so that it can be searched for secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from conformance.evidence.views import Back, View
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

    What looks coded is decoded too, whatever is declared, since a client might do so, and again what is inside. Where
    several codings lie over one another, `read` is all or nothing.
    """
    codings = [coding.strip().lower() for value in content_encodings for coding in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if len(codings) > MOST_LAYERS:
        return Decoded(", ".join(codings), b"", 0, known=False)
    named: list[str] = []
    data, read = body, len(body)
    for number in range(MOST_LAYERS + 1):
        declared = codings[-1 - number] if number < len(codings) else None
        coding = declared or _looks_like(data)
        if coding is None:
            break
        layer = _layer(data, coding) if number < MOST_LAYERS else None
        if layer is None:
            name = ", ".join(reversed([*named, coding])) if declared is None else ", ".join(codings)
            return Decoded(name, b"", 0, known=False)
        inner, inner_read = layer
        if declared is not None and not inner and (other := _looks_like(data)) not in {None, declared}:
            return decode(body, (other or "",))
        named.append(coding)
        whole = read == len(body) and inner_read == len(data)
        read = inner_read if len(named) == 1 else (len(body) if whole else 0)
        data = inner
    return Decoded(", ".join(reversed(named)), data, read) if named else None


_SEALED = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf": "7z",
    b"\x1f\x9d": "compress",
    b"\x04\x22\x4d\x18": "lz4",
}
"""How data begins that is coded in a way that is not undone here."""
_LEAST_CODED = 24
_LEAST_TEXT = 8
_NO_TEXT = re.compile(rb"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f-\xff]")
_TEXT_BYTES = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def _looks_like(data: bytes) -> str | None:
    """The coding of data that nobody declared, by its first bytes or by an attempt; None for text and what else."""
    if data.startswith(GZIP_MAGIC):
        return "gzip"
    sealed = next((name for magic, name in _SEALED.items() if data.startswith(magic)), None)
    if sealed is not None:
        return sealed
    head = data[:512]
    if len(data) < _LEAST_CODED or not _NO_TEXT.search(head):
        return None
    return next((coding for coding in ("deflate", "br") if _is_text_in(coding, data)), None)


def _is_text_in(coding: str, data: bytes) -> bool:
    """Whether data decodes to text, as far as its first bytes show."""
    inner, _ = _unpack(data[:_ATTEMPT], coding)
    return len(inner) >= _LEAST_TEXT and len(inner[:512].translate(None, _TEXT_BYTES)) * 8 < len(inner[:512])


_ATTEMPT = 4096


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


_PACKED = re.compile(rb"\x1f\x8b\x08|\A\x78[\x01\x5e\x9c\xda]")
_MOST_PACKED = 64
_MOST_UNPACKED = 1024 * 1024
"""Bytes that compressed data within other bytes is decoded to."""


def unpacked(view: View) -> Iterator[View]:
    """The views of compressed data that stands anywhere in some bytes, whatever is declared.

    At the very beginning of a body it is the body's content coding, which `decode` undoes. What is found in one cannot
    be masked within the coded bytes, so that all of these are its place.
    """
    data = view.data
    if data[:1] != b"\x78" and not (b"\x1f" in data and b"\x1f\x8b\x08" in data):  # one byte is soon searched for
        return
    end = 0
    for match in islice(_PACKED.finditer(data), _MOST_PACKED):
        if match.start() < end or (view.is_source and match.start() == 0):
            continue
        coding = "gzip" if match.group()[:1] == b"\x1f" else "deflate"
        inner, size = _unpack(data[match.start() :], coding)
        if inner:
            end = match.start() + size
            yield view.undone(coding, inner, _all_of(match.start(), end))


def packed_size(data: bytes) -> int:
    """How many bytes are gzip or zlib data; 0 where they only have its mark, and nothing comes out of them."""
    coding = "gzip" if data.startswith(GZIP_MAGIC) else "deflate"
    inner, size = _unpack(data, coding)
    return size if inner else 0


def _all_of(start: int, end: int) -> Back:
    return lambda spans: [(start, end)] if spans else []


def _unpack(data: bytes, coding: str) -> tuple[bytes, int]:
    """What coded bytes decode to, up to a mistake or the bound, and how many bytes were decoded."""
    decoder = decompressor(coding, data[:2])
    assert decoder is not None
    output = bytearray()
    size = 0
    try:
        for size in range(0, len(data), _STEP):
            for piece in decoder.feed(data[size : size + _STEP]):
                output += piece
            if decoder.ended or len(output) > _MOST_UNPACKED:
                break
    except (BrokenCodingError, ManyMembersError):
        pass
    return bytes(output), min(size + _STEP, len(data)) - (len(decoder.rest) if decoder.ended else 0)
