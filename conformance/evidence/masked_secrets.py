"""Finds what a mask leaves of a secret, and the beginning of a secret at the end of a text that was cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from conformance.evidence.secret_pieces import MASKED, SecretPieces, Sighting

SHORTEST_CUT = 8
"""Characters of a secret at the very end of a text that count as the beginning of the secret."""
SHOWN_BY_MASK = 6
"""Characters of a secret, a vendor's prefix not counted, that a mask must leave for the secret to count as shown: more
than the last four, by which a vendor's console names a key."""
_MOST_MASKS = 10_000
_MARKS = (
    b"**",
    b"...",
    b"xxx",
    b"XXX",
    b"##",
    b"---",
    b"___",
    b"\xe2\x80",
    b"\\u202",
    b"ed]",
    b"ed>",
    b"ed)",
    b"ED",
)
"""Every text with a mask has one of these."""
# Each alternative begins with a fixed byte, so that the search skips ahead to one.
_MASK = re.compile(
    rb"\*\*+|\.\.\.+|xxx+|XXX+|##+|---+|___+"
    rb"|\xe2\x80[\xa2\xa6](?:\xe2\x80[\xa2\xa6]){0,63}"  # bullets and the ellipsis, raw
    rb"|\\u202[26](?:\\u202[26]){0,63}"  # and escaped
    rb"|\[(?i:redacted|hidden|masked)\]|<(?i:redacted|hidden|masked)>|\((?i:redacted|hidden|masked)\)"
)


class MaskedSecret:
    """One secret, as a mask or a cut leaves it."""

    def __init__(self, secret: SecretPieces) -> None:
        self._name = secret.name
        self._plain = secret.plain
        self._prefix = len(secret.prefix)
        # Lengths of beginnings by their last byte, and of ends by their first, the longest first.
        self._heads: dict[bytes, list[int]] = {}
        self._tails: dict[bytes, list[int]] = {}
        for length in range(len(secret.plain), 0, -1):
            self._heads.setdefault(secret.plain[length - 1 : length], []).append(length)
            self._tails.setdefault(secret.plain[-length:][:1], []).append(length)

    def find(self, data: bytes) -> Iterator[Sighting]:
        """What masks leave of the secret, and its beginning at the end of the data."""
        plain = self._plain
        if plain[:SHORTEST_CUT] in data[-len(plain) :]:
            length = next((n for n in range(len(plain) - 1, SHORTEST_CUT - 1, -1) if data.endswith(plain[:n])), 0)
            if length:
                yield Sighting(self._name, "cut", ((len(data) - length, len(data)),))
        # One side must show half of what counts as shown, so one of these two stands beside the mask.
        begin, end = plain[: self._prefix + SHOWN_BY_MASK // 2], plain[-SHOWN_BY_MASK // 2 :]
        if (begin in data or end in data) and any(mark in data for mark in _MARKS):
            yield from self._around_masks(data)

    def _around_masks(self, data: bytes) -> Iterator[Sighting]:
        plain = self._plain
        for mask in islice(_MASK.finditer(data), _MOST_MASKS):
            before = data[max(0, mask.start() - len(plain)) : mask.start()]
            behind = data[mask.end() : mask.end() + len(plain)]
            head = next((n for n in self._heads.get(before[-1:], ()) if before.endswith(plain[:n])), 0)
            tail = next((n for n in self._tails.get(behind[:1], ()) if behind.startswith(plain[-n:])), 0)
            if max(0, head - self._prefix) + tail >= SHOWN_BY_MASK:
                spans = ((mask.start() - head, mask.start()), (mask.end(), mask.end() + tail))
                yield Sighting(self._name, MASKED, tuple(span for span in spans if span[0] < span[1]))
