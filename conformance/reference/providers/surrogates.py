"""Joins the halves of a character that servers cut apart: JSON may have each as an escape of its own (RFC 8259 §7)."""

from __future__ import annotations


def well_formed(text: str) -> str:
    """Pairs of surrogates joined, lone ones replaced: a lone one cannot be sent on as UTF-8."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class WholeCharacters:
    """A text that arrives in pieces; the first half of a character waits for the second."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, piece: str) -> str:
        """The text that is known now that `piece` has arrived."""
        text = self._half + piece
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return well_formed(text[: len(text) - len(self._half)])

    def flush(self) -> str:
        """What is left, once no more arrives."""
        half, self._half = self._half, ""
        return well_formed(half)
