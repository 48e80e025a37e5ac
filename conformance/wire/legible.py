"""Whether an answer can be read as one JSON document: all that is to know of it before the rest is judged."""

from __future__ import annotations

from itertools import islice
from typing import Final

from conformance.strict_json import JsonError, load
from conformance.wire.decompression import BrokenCodingError, ManyMembersError, decompressor
from conformance.wire.exchange import Answer

_MOST_PIECES: Final = 64
"""Pieces of a coded body that are looked at: the answer to a small request has one."""


def is_json(answer: Answer) -> bool:
    """Whether a body is a JSON document, after the content coding that its header names, if any."""
    body, coding = answer.body, (answer.header("content-encoding") or "identity").strip().lower()
    try:
        if coding != "identity":
            decoder = decompressor(coding, body[:2])
            if decoder is None:
                return False
            body = b"".join(islice(decoder.feed(body), _MOST_PIECES))
            if not decoder.ended:
                return False
        load(body)
    except (JsonError, BrokenCodingError, ManyMembersError):
        return False
    return True
