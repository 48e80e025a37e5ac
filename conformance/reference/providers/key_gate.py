"""Keeps an upstream's key from the gateway's clients, in whatever form the upstream echoes it, whole or in pieces."""

from __future__ import annotations

import re

from conformance.evidence import Redactor

_NAME = "upstream key"
_WIDEST = 12
"""Characters of a coding, for each of the key, that are held back at most."""
_CONTEXT = 512
"""Characters that were sent and are still looked at: the key may have begun in them."""
_PLAIN_WORD = re.compile(rb"[\"'(]?(?:[A-Z]?[a-z]{2,}|[A-Z]{2,}|[aAI])(?:'[a-z]+)?[.,;:!?\"')]*")
"""A word of a sentence. Numbers, single characters and other code may go on after a space."""


class KeyGate:
    """Replaces a key with asterisks in a text that arrives in pieces.

    Held back is what may be the beginning of something that shows the key: the word that is not finished, and numbers
    or other code before it; no more than a key takes in a coding.
    """

    def __init__(self, key: str | None) -> None:
        self._key = (key or "").encode()
        self._redactor = Redactor({_NAME: key} if key else {})
        self._most = _WIDEST * len(self._key) + 64
        self._sent = b""
        """The last of what was sent, as it came."""
        self._held = b""

    def feed(self, piece: str) -> str:
        """The text that may be sent now that `piece` has arrived."""
        if not self._key:
            return piece
        self._held += piece.encode()
        return self._release(max(self._end_of_finished(), len(self._held) - self._most))

    def flush(self) -> str:
        """The text still held back, once no more arrives."""
        return self._release(len(self._held))

    def _end_of_finished(self) -> int:
        held = self._held[-self._most :]
        end = len(held)
        words = held.split(b" ")
        # The last word may go on; what code comes before it may be a part of the same.
        if words[-1]:
            end -= len(words[-1])
        words.pop()
        while words and words[-1].strip() and not _PLAIN_WORD.fullmatch(words[-1].strip()):
            end -= len(words.pop()) + 1
        if end < len(held) and held[end - 1 : end] == b" ":
            end -= 1
        end = max(end, 0) + len(self._held) - len(held)
        longest = min(end, len(self._key) - 1)
        return end - next((size for size in range(longest, 0, -1) if self._held[:end].endswith(self._key[:size])), 0)

    def _release(self, size: int) -> str:
        while size < len(self._held) and size and self._held[size] & 0xC0 == 0x80:
            size -= 1  # not within a character
        known = len(self._sent)
        whole = self._sent + self._held
        cleaned = self._redactor.data(whole)[0].replace(self._key, b"*" * len(self._key))[known : known + size]
        self._sent = (self._sent + self._held[:size])[-_CONTEXT:]
        self._held = self._held[size:]
        return cleaned.decode("utf-8", "replace")


def without_key(text: str, key: str | None, instead: str) -> str:
    """A text with `instead` in the place of the key, in whatever form it is there."""
    if not key:
        return text
    shown = Redactor({_NAME: key}).text(text).replace(key, "*" * len(key))
    if shown == text:
        return text
    return re.sub(r"\*(?:\W{0,3}\*)*", instead, shown)
