"""Reads a body whose charset is not ASCII: UTF-16 and UTF-32, declared or not, and declared ones of single bytes."""

from __future__ import annotations

import re
from array import array

from conformance.evidence.views import Back, View, once

_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_EVERY_BYTE = bytes(range(256))
_ASCII = bytes(range(0x20, 0x7F))


def decoded_text(view: View, media_type: str | None) -> View | None:
    """The view of a body's text in ASCII; None where its bytes are that already.

    UTF-16 and UTF-32 have NUL beside every ASCII character, in whatever order and with or without a mark.
    """
    data = view.data
    if b"\0" in data:
        return view.undone("UTF-16 or UTF-32", data.replace(b"\0", b""), once(lambda: _without_nul(data)))
    table = _table(media_type)
    return None if table is None else view.undone("charset", data.translate(table), lambda spans: spans)


def _without_nul(data: bytes) -> Back:
    places = array("L", (at for at, byte in enumerate(data) if byte))
    return lambda spans: [(place, place + 1) for start, end in spans for place in places[start:end]]


def _table(media_type: str | None) -> bytes | None:
    """How the bytes of a declared charset become ASCII, where they are not and each is a character of its own."""
    match = _CHARSET.search(media_type or "")
    if match is None:
        return None
    try:
        if _ASCII.decode(match[1]).encode("ascii") == _ASCII:
            return None
    except (LookupError, UnicodeError):
        pass
    try:
        return _EVERY_BYTE.decode(match[1], "replace").encode("latin-1", "replace").ljust(256)[:256]
    except (LookupError, UnicodeError):
        return None
