"""Rules out quickly that a piece of a secret stands in a text: by all fours of characters in it, at once."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Set

FEWEST = 7
"""Characters that a piece of a secret has at least: of the shortest secret that has pieces, all but one."""


def fours_of(folded: bytes) -> Iterable[int]:
    """The first four characters of a text, the next four and so on, as numbers.

    Wherever a piece of `FEWEST` characters or more begins, one of these is within it. To look for all fours of a
    secret at once takes a quarter of the time of a search for each needle, and rarely is one there.
    """
    return array("I", folded[: len(folded) & ~3])


def _number(four: bytes) -> int:
    return array("I", four)[0]


class Direction:
    """A secret's compared characters as they are read in one direction, with the needles by which they are found."""

    def __init__(self, whole: bytes, needles: Mapping[bytes, int]) -> None:
        """`needles` are texts of which each piece has at least one, and where in `whole` they stand."""
        self.whole = whole
        self.needles = needles
        numbers = [_number(whole[at : at + 4]) for at in range(len(whole) - 3)]
        self.fours = frozenset(numbers)
        """What of `fours_of` a text has in which a piece of the secret stands."""
        # Take `FEWEST` characters of a piece, with the needle among them: a four begins at one of the first four.
        self._near = {
            needle: frozenset(numbers[max(at + min(len(needle) - FEWEST, 0), 0) : at + 4])
            for needle, at in needles.items()
        }

    def may_be_in(self, folded: bytes, fours: Set[int]) -> bool:
        """Whether a text with these fours has a needle and a four beside it, as it has where a piece stands in it."""
        return any(not near.isdisjoint(fours) and needle in folded for needle, near in self._near.items())
