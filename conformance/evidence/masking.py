"""Puts asterisks in the place of what was found, so that no byte moves."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.evidence.search import Found
from conformance.evidence.secret_pieces import CHANCE, MASKED
from conformance.evidence.views import Spans

Named = list[tuple[str, str]]
"""Name and form of each secret that was found."""
ESCAPED = "escaped"
"""The form of a secret in escapes, until its place shows which."""
_SPELLINGS = {"url-encoded": b"%", "json-escaped": b"\\", "html-escaped": b"&"}
_NUMBER = b"42"
"""The byte of an asterisk as a number: the text stays JSON, and says the same as an asterisk in its place."""


def _spelling(data: bytes, spans: Spans) -> str:
    written = data[spans[0][0] : spans[-1][1]]
    counts = {form: written.count(mark) for form, mark in _SPELLINGS.items()}
    return max(counts, key=lambda form: counts[form])


def masked(data: bytes, founds: Iterable[Found], named: Named) -> bytes:
    """The data with asterisks where a secret was found; adds to `named` what was.

    What only shows places that were masked before is not named again: a whole secret is not also a piece of one.
    """
    ordered = sorted(founds, key=lambda one: one.form in {CHANCE, MASKED})
    if not ordered:
        return data
    cleaned = bytearray(data)
    covered = bytearray(len(data))
    for found in ordered:
        news = False
        for start, end in found.spans:
            if b"\0" in covered[start:end]:
                news = True
                covered[start:end] = b"\1" * (end - start)
                number = found.numbers and data[start:end].isdigit() and end - start >= len(_NUMBER)
                cleaned[start:end] = _NUMBER.rjust(end - start) if number else b"*" * (end - start)
        if news:
            named.append((found.secret, _spelling(data, found.spans) if found.form == ESCAPED else found.form))
    return bytes(cleaned)
