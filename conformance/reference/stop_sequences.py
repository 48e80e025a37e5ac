"""Ends a text before the first stop sequence, even if the sequence is spread over several pieces."""

from __future__ import annotations

from collections.abc import Iterable


class StopGate:
    """Passes on the pieces of a text, and holds back those in which a stop sequence may have begun.

    The boundaries of the pieces are kept, except for the piece in which the stop sequence begins.
    """

    def __init__(self, sequences: Iterable[str]) -> None:
        self._needles = [_Needle(sequence) for sequence in dict.fromkeys(sequences) if sequence]
        self._held: list[str] = []
        self.stopped = False

    def feed(self, piece: str) -> list[str]:
        """The pieces that may be sent now that `piece` has arrived."""
        if not self._needles:
            return [piece]
        self._held.append(piece)
        for position, character in enumerate(piece):
            # If several sequences end here, the longest began first, and nothing of it may be sent.
            ended = max((needle.length for needle in self._needles if needle.step(character)), default=0)
            if ended:
                self.stopped = True
                shown = sum(map(len, self._held)) - len(piece) + position + 1 - ended
                return self._take(shown, cut=True)
        undecided = max(needle.matched for needle in self._needles)
        return self._take(sum(map(len, self._held)) - undecided, cut=False)

    def flush(self) -> list[str]:
        """The pieces still held back, once the text has ended."""
        held, self._held = self._held, []
        return held

    def _take(self, length: int, *, cut: bool) -> list[str]:
        """The first `length` characters of what is held; without `cut`, only whole pieces of them."""
        taken: list[str] = []
        while self._held and len(self._held[0]) <= length:
            length -= len(self._held[0])
            taken.append(self._held.pop(0))
        if cut and self._held and length:
            taken.append(self._held.pop(0)[:length])
        return taken


class _Needle:
    """One stop sequence, searched with the Knuth-Morris-Pratt automaton: one step per character, never back."""

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._fallback = _fallback(sequence)
        self.length = len(sequence)
        self.matched = 0

    def step(self, character: str) -> bool:
        """Takes one character; true when the sequence ends with it."""
        while self.matched and character != self._sequence[self.matched]:
            self.matched = self._fallback[self.matched - 1]
        if character == self._sequence[self.matched]:
            self.matched += 1
        return self.matched == self.length


def _fallback(sequence: str) -> list[int]:
    """For each prefix, the length of its longest proper prefix that is also its suffix."""
    lengths = [0] * len(sequence)
    matched = 0
    for index in range(1, len(sequence)):
        while matched and sequence[index] != sequence[matched]:
            matched = lengths[matched - 1]
        if sequence[index] == sequence[matched]:
            matched += 1
        lengths[index] = matched
    return lengths
