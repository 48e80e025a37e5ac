"""Decodes the content codings of a whole body within a bound, to look for secrets inside."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from conformance.wire.decompression import GZIP_MAGIC, BrokenCodingError, ManyMembersError, decompressor
from conformance.wire.exchange import Exchange

LIMIT = 8 * 1024 * 1024
"""Bytes that are decoded at most."""

LAYERS = 4
"""Codings over one another that are decoded at most."""

_STEP = 512
"""Coded bytes that are decoded at once. The step in which the bound is reached counts as not read."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What could be decoded, and of how many of the coded bytes that is all. `known` is False for a foreign coding."""

    coding: str
    data: bytes
    read: int
    known: bool = True


_FORM = "content-coding "
_BEYOND = ", withheld: beyond the bound"
_FOREIGN = ", withheld: not decoded here"


class Kept(StrEnum):
    """How a body is kept whose coded bytes may hold a secret."""

    AS_IT_CAME = "as it came"
    CLEAR = "clear"
    """Decoded and cleaned: the coded bytes held a secret."""
    IN_PART = "in part"
    """With asterisks from where it was too large to be looked into."""
    HIDDEN = "hidden"
    """As asterisks: its coding is not known here."""


def kept_as(exchange: Exchange) -> Kept:
    """How the body of an exchange's answer was kept."""
    forms = [one.form for one in exchange.redactions if one.where == "body" and one.form.startswith(_FORM)]
    if not forms:
        return Kept.AS_IT_CAME
    return Kept.IN_PART if forms[0].endswith(_BEYOND) else Kept.HIDDEN if forms[0].endswith(_FOREIGN) else Kept.CLEAR


def form_of_clear(decoded: Decoded) -> str:
    """The form of a redaction that puts what coded bytes mean in their place."""
    return f"{_FORM}{decoded.coding}"


def form_of_withheld(decoded: Decoded) -> str:
    """The form of a redaction that masks what nobody looked into."""
    return f"{_FORM}{decoded.coding}{_BEYOND if decoded.known else _FOREIGN}"


def decode(body: bytes, content_encodings: Iterable[str]) -> Decoded | None:
    """Decode a body by its Content-Encoding fields, or None where it is not encoded.

    A body that only looks like gzip is decoded too: a client might. Where several codings lie over one another, `read`
    is all or nothing.
    """
    codings = [coding.strip().lower() for value in content_encodings for coding in value.split(",")]
    codings = [coding for coding in codings if coding not in {"", "identity"}]
    if not codings and body.startswith(GZIP_MAGIC):
        codings = ["gzip"]
    if not codings:
        return None
    name = ", ".join(codings)
    if len(codings) > LAYERS:
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
    """Decode one coding until the end, the bound, or a mistake; None for a coding that is not known here.

    Returns what came out, and of how many coded bytes that is all. Bytes after a mistake and after the end count as
    read: no client decodes them, so they only are what they are.
    """
    decoder = decompressor(coding, data[:2])
    if decoder is None:
        return None
    output = bytearray()
    for at in range(0, len(data), _STEP):
        try:
            for piece in decoder.feed(data[at : at + _STEP]):
                if len(output) + len(piece) > LIMIT:
                    return bytes(output), at
                output += piece
        except BrokenCodingError:
            break
        except ManyMembersError:
            return bytes(output), at
        if decoder.ended and not GZIP_MAGIC.startswith(decoder.rest):
            break
    return bytes(output), len(data)
