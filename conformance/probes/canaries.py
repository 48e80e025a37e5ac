"""Canaries: made-up words that each stand in one prompt only, so that an answer shows whose it is."""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = ("canary-quorvex", "canary-blimtar", "canary-zanshuo")
"""One for each of several streams at once."""
WORDS_OF_TENANTS: Final = ("canary-trestlo", "canary-vibrune", "canary-kwelpha", "canary-mosdint")
"""Those of the first and the second tenant, in turn."""
WORD_OF_THE_VANISHED: Final = "canary-drovenil"
"""That of the client that hangs up: what is left of its answer must reach nobody."""
_CANARY: Final = re.compile(r"canary-[a-z]+")
_SYLLABLES: Final = ["ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve", "wi"]


def canaries_in(text: str) -> frozenset[str]:
    """The canaries that stand in a text."""
    return frozenset(_CANARY.findall(text))


def word_of(number: int) -> str:
    """The canary with a number from 0 to 4095: all of one length, so that none is the beginning of another."""
    return f"canary-{''.join(_SYLLABLES[number >> shift & 15] for shift in (8, 4, 0))}"


def repeating(word: str) -> str:
    """A prompt whose answer shows a canary."""
    return f"Repeat this word three times: {word}"
