"""Canaries: made-up words that each stand in one prompt only, so that an answer shows whose it is."""

from __future__ import annotations

import re
from typing import Final

WORDS: Final = ("canary-quorvex", "canary-blimtar", "canary-zanshuo")
"""One for each of several streams at once."""
WORD_OF_THE_VANISHED: Final = "canary-drovenil"
"""That of the client that hangs up: what is left of its answer must reach nobody."""
_CANARY: Final = re.compile(r"canary-[a-z]+")


def canaries_in(text: str) -> frozenset[str]:
    """The canaries that stand in a text."""
    return frozenset(_CANARY.findall(text))
