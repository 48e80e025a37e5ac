"""Probes for messages of several parts: texts, a picture, a sound and a file, each in as few bytes as it can have."""

from __future__ import annotations

import base64
import hashlib
import io
import struct
import wave
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.completions import LONG_ANSWER
from conformance.probes.model import Probe, either_probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.tools import streamed

PARTS: Final = ("image", "audio", "file")
TEXTS: Final = "parts/texts"
REMOTE: Final = "parts/image-remote"
UNREACHABLE: Final = "https://example.invalid/pixel.png"
"""A URL whose host has no address, and never will (RFC 2606)."""
PARAMETER, LARGE, FORMS = "parts/image-parameter", "parts/image-large", "parts/image-forms"
"""A picture whose data URL has a parameter, one of tens of kilobytes, and both beside a plain one."""
UPPER_CASE: Final = "parts/image-upper-case"
STREAMED: Final = "parts/image-streamed"
"""A picture in a later turn of a conversation with instructions, in a request for a stream."""
_TOKENS: Final = 4
_SIDE: Final = 130
"""Pixels on each side of a large picture: its data URL has more than 64 KiB."""
_QUESTION: Final = "Say hello."


def content_part_probes(body: RequestBody) -> Iterator[Probe]:
    """The same question with one part and with several, so that what was read shows in the prompt's tokens."""
    several = [_text(LONG_ANSWER)] * 3  # of which a request for text has one
    if not body.accepts(_asking(body, several)):
        return  # a contract whose messages have one text
    yield served_probe(TEXTS, "a message of three parts of text", _asking(body, several))
    for kind, make in zip(PARTS, (picture, sound, document), strict=True):
        yield from _of_kind(kind, make, body)


def _of_kind(kind: str, make: Callable[[int], dict[str, Any]], body: RequestBody) -> Iterator[Probe]:
    """A message with one part of a medium, and with three."""
    one = _asking(body, [_text(_QUESTION), make(0)])
    if not body.accepts(one):
        return
    about = f"a message with {_WORDS[kind]}"
    yield either_probe(f"parts/{kind}", about, one)
    several = _asking(body, [_text(_QUESTION), *map(make, range(3))])
    words = f"a message with three parts of the kind `{kind}`"
    three = either_probe(f"parts/{kind}-three", words, several, tier=Tier.EXHAUSTIVE)
    if kind == "image":
        elsewhere = _picture_at(UNREACHABLE)
        unfetched = "a message with the URL of a picture that nobody can fetch"
        yield from _pictures_in_other_forms(body, replace(three, tier=Tier.STANDARD))
        yield either_probe(REMOTE, unfetched, _asking(body, [_text(_QUESTION), elsewhere]))
    else:
        yield three
    if not body.has("stream"):
        return
    if kind == "image":
        about = f"{about} in the second turn, after instructions, streamed"
        yield either_probe(STREAMED, about, streamed(_in_second_turn(one, body), body))
    else:
        yield either_probe(f"parts/{kind}-streamed", f"{about}, streamed", streamed(one, body), tier=Tier.EXHAUSTIVE)


def _in_second_turn(asked: dict[str, Any], body: RequestBody) -> dict[str, Any]:
    """The same message as the second of the user, with instructions before both, as chats with pictures have it."""
    before = [
        {"role": "system", "content": "Answer in one word."},
        {"role": "user", "content": "Name a colour."},
        {"role": "assistant", "content": "Blue."},
    ]
    return {**asked, "messages": body.woven([*before, *asked["messages"]])}


def _pictures_in_other_forms(body: RequestBody, three: Probe) -> Iterator[Probe]:
    """Three pictures, two of them by other data URLs than the plainest; where they are not served, each by itself.

    Each URL is one of RFC 2397, whose scheme is read in any case.
    """
    small, large = _base64(_png(1)), _base64(_noise())
    parameter, long = f"data:image/png;charset=utf-8;base64,{small}", f"data:image/png;base64,{large}"
    apart = (
        _with_picture(body, PARAMETER, "whose data URL has a parameter", parameter),
        _with_picture(body, LARGE, "of 50 kB", long),
    )
    parts = [_text(_QUESTION), picture(0), *map(_picture_at, (parameter, long))]
    about = "a message with three pictures, one of 50 kB, and one whose data URL has a parameter"
    yield either_probe(FORMS, about, _asking(body, parts), instead=(three, *apart), apart_unless_served=True)
    upper = _with_picture(body, UPPER_CASE, "whose data URL begins with `DATA:`", f"DATA:image/png;base64,{small}")
    yield replace(upper, tier=Tier.EXHAUSTIVE)


def _with_picture(body: RequestBody, name: str, about: str, url: str) -> Probe:
    return either_probe(name, f"a message with a picture {about}", _asking(body, [_text(_QUESTION), _picture_at(url)]))


def _picture_at(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


_WORDS: Final = {"image": "a picture of one pixel", "audio": "a tenth of a second of silence", "file": "a small PDF"}


@cache
def picture(number: int = 0) -> dict[str, Any]:
    """A part with a PNG picture of one pixel, as a data URL, each number in a colour of its own."""
    return _picture_at(f"data:image/png;base64,{_base64(_png(number))}")


@cache
def sound(_: int = 0) -> dict[str, Any]:
    """A part with a tenth of a second of silence, as WAV."""
    return {"type": "input_audio", "input_audio": {"data": _base64(_wav()), "format": "wav"}}


@cache
def document(number: int = 0) -> dict[str, Any]:
    """A part with a PDF of one page that says hello, each number with a name of its own."""
    data = f"data:application/pdf;base64,{_base64(_pdf())}"
    return {"type": "file", "file": {"filename": f"hello{number or ''}.pdf", "file_data": data}}


def _asking(body: RequestBody, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {**body.capped(_TOKENS), "messages": body.woven([{"role": "user", "content": parts}])}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _png(number: int) -> bytes:
    return _png_of(1, zlib.compress(b"\0\xff\0" + bytes([number])))


def _noise() -> bytes:
    """A large picture that no coding makes small; its pixels are only stored, so that all libraries write the same."""
    each = 3 * _SIDE
    colours = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(256))
    rows = b"".join(b"\0" + (colours[row:] + colours)[:each] for row in range(_SIDE))
    block = b"\x01" + struct.pack("<HH", len(rows), len(rows) ^ 0xFFFF) + rows
    return _png_of(_SIDE, b"\x78\x01" + block + struct.pack(">I", zlib.adler32(rows)))


def _png_of(side: int, pixels: bytes) -> bytes:
    """A square picture with these pixels, in the zlib format (PNG, sections 5 and 10)."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


def _wav() -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 2, 8000, 800, "NONE", ""))
        file.writeframes(bytes(2 * 800))
    return written.getvalue()


def _pdf() -> bytes:
    page = b"BT /F1 24 Tf 20 50 Td (Hello) Tj ET"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(out))
    return out + head + table + trailer
