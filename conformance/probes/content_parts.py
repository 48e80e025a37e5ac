"""Probes for messages of several parts: texts, a picture, a sound and a file, each in as few bytes as it can have."""

from __future__ import annotations

import base64
import io
import struct
import wave
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.model import Probe, either_probe, served_probe
from conformance.probes.request_body import RequestBody

PARTS: Final = ("image", "audio", "file")
_TOKENS: Final = 4
_PREFACE: Final = "Think of a house, a tree, a cloud and a bridge over a river. " * 4
_QUESTION: Final = "Say hello."


def content_part_probes(body: RequestBody) -> Iterator[Probe]:
    """The same question with one part and with several, so that what was read shows in the prompt's tokens."""
    several = [_text(_PREFACE), _text(_QUESTION), _text(_PREFACE)]
    if not body.accepts(_asking(body, several)):
        return  # a contract whose messages have one text
    yield served_probe("parts/texts", "a message of three parts of text", _asking(body, several))
    alone = [("first", several[:1]), ("last", several[1:2])]
    for name, parts in alone:
        about = f"a message of the {name} of these parts alone"
        yield served_probe(f"parts/{name}-text", about, _asking(body, parts))
    for kind, part in zip(PARTS, (picture(), sound(), document()), strict=True):
        request = _asking(body, [_text(_QUESTION), part])
        if not body.accepts(request):
            continue
        yield either_probe(f"parts/{kind}", f"a message with {_WORDS[kind]}", request)
        if body.has("stream"):
            streamed = {**request, "stream": True}
            about = f"a message with {_WORDS[kind]}, streamed"
            yield either_probe(f"parts/{kind}-streamed", about, streamed, tier=Tier.EXHAUSTIVE)


_WORDS: Final = {"image": "a picture of one pixel", "audio": "a tenth of a second of silence", "file": "a small PDF"}


@cache
def picture() -> dict[str, Any]:
    """A part with a PNG picture of one pixel, as a data URL."""
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_base64(_png())}"}}


@cache
def sound() -> dict[str, Any]:
    """A part with a tenth of a second of silence, as WAV."""
    return {"type": "input_audio", "input_audio": {"data": _base64(_wav()), "format": "wav"}}


@cache
def document() -> dict[str, Any]:
    """A part with a PDF of one page that says hello."""
    data = f"data:application/pdf;base64,{_base64(_pdf())}"
    return {"type": "file", "file": {"filename": "hello.pdf", "file_data": data}}


def _asking(body: RequestBody, parts: list[dict[str, Any]]) -> dict[str, Any]:
    return {**body.capped(_TOKENS), "messages": body.woven([{"role": "user", "content": parts}])}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _png() -> bytes:
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
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
