"""Keeps one secret out of a text that arrives in pieces."""

from __future__ import annotations


class SecretGate:
    """Replaces a secret by asterisks, also where it is spread over several pieces."""

    def __init__(self, secret: str | None) -> None:
        self._secret = secret or ""
        self._held = ""

    def feed(self, piece: str) -> str:
        """The text that may be shown now that `piece` has come."""
        if not self._secret:
            return piece
        text = (self._held + piece).replace(self._secret, "*" * len(self._secret))
        longest = min(len(text), len(self._secret) - 1)
        held = next((size for size in range(longest, 0, -1) if text.endswith(self._secret[:size])), 0)
        self._held = text[len(text) - held :]
        return text[: len(text) - held]

    def flush(self) -> str:
        """The text still held back, once no more comes."""
        held, self._held = self._held, ""
        return held
