"""Rules out quickly that a piece of a secret stands in a text: by all fours of characters in it, at once."""

from __future__ import annotations

import re
from array import array
from codecs import utf_16_le_decode
from collections.abc import Iterable, Mapping, Set
from itertools import islice

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


class Sixes:
    """All six successive characters of some texts: wherever a piece of `FEWEST` of them begins, six are within it.

    They are looked for two by two, as characters of UTF-16, which takes a fifth of the time of a look at all fours.
    """

    def __init__(self, wholes: Iterable[bytes]) -> None:
        """Of `wholes`, which consist of letters and digits."""
        texts = [_in_pairs(whole[at : at + 6]) for whole in wholes for at in range(len(whole) - 5)]
        pairs = sorted({pair for text in texts for pair in text})
        self._texts = frozenset(texts)
        self._runs = re.compile(f"[{''.join(map(re.escape, pairs))}]{{3,}}+")

    def may_be_in(self, folded: bytes) -> bool:
        """Whether a text of letters and digits has six of these, from an even place on."""
        runs = (match.group() for match in self._runs.finditer(_in_pairs(folded)))
        sixes = (run[at : at + 3] for run in runs for at in range(len(run) - 2))
        few = list(islice(sixes, _MOST_SIXES))
        return len(few) == _MOST_SIXES or not self._texts.isdisjoint(few)


_MOST_SIXES = 4096
"""Pairs of a text that go on like a secret's, after which nothing is ruled out, for a hostile text to cost no more."""


def _in_pairs(text: bytes) -> str:
    return utf_16_le_decode(text[: len(text) & ~1])[0]
