"""Canaries: words that each stand in one prompt only, and a header field that no answer may have.

A word in the wrong answer shows whose text leaked; the field shows that a line break got into the answer's header.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

WORDS: Final = ("canary-quorvex", "canary-blimtar", "canary-zanshuo")
"""One for each of several streams at once."""
WORDS_OF_TENANTS: Final = ("canary-trestlo", "canary-vibrune", "canary-kwelpha", "canary-mosdint")
"""Those of the first and the second tenant, in turn."""
WORD_OF_CLIENT_THAT_LEFT: Final = "canary-drovenil"
"""That of the client that hangs up: the rest of its answer must not reach anyone else."""
CANARY: Final = re.compile(r"canary-[a-z]+")
"""What every canary looks like."""
_SYLLABLES: Final = ["ba", "ce", "di", "fo", "gu", "ha", "ki", "lo", "mu", "ne", "pa", "ri", "so", "tu", "ve", "wi"]
INJECTED_FIELD: Final = "X-Chat-Conformance-Injected"
"""No answer may have this field: only a line break that was let through creates it."""
LINE_BREAKS: Final = f"chat-conformance\r\n{INJECTED_FIELD}: yes\n{INJECTED_FIELD}: yes"
"""A value with line breaks of both kinds, each followed by a header field."""


def canaries_in(text: str) -> frozenset[str]:
    """The canaries that stand in a text."""
    return frozenset(CANARY.findall(text))


def word_of(number: int) -> str:
    """The canary with a number from 0 to 4095. All have one length, so that none is the beginning of another."""
    return f"canary-{''.join(_SYLLABLES[number >> shift & 15] for shift in (8, 4, 0))}"


def repeating(word: str) -> str:
    """A prompt whose answer shows a canary."""
    return f"Repeat this word three times: {word}"


_BYTES_OF_NUMBER, _BYTES_OF_CHECK = 4, 2
MOST_NUMBERED: Final = 1 << 8 * _BYTES_OF_NUMBER


def numbered_word(seed: int, number: int) -> str:
    """The canary of one of very many requests; whatever a model makes of it by mistake is nobody's canary."""
    data = number.to_bytes(_BYTES_OF_NUMBER, "big")
    return f"canary-{_spelled(data + _check(seed, data))}"


def number_of(seed: int, word: str) -> int | None:
    """The number of a canary that `numbered_word` made by the same seed; None for any other word."""
    text = word.removeprefix("canary-")
    if len(text) != 4 * (_BYTES_OF_NUMBER + _BYTES_OF_CHECK):
        return None
    try:
        digits = [_SYLLABLES.index(text[place : place + 2]) for place in range(0, len(text), 2)]
    except ValueError:
        return None
    data = bytes(high << 4 | low for high, low in zip(digits[::2], digits[1::2], strict=True))
    number, check = data[:_BYTES_OF_NUMBER], data[_BYTES_OF_NUMBER:]
    return int.from_bytes(number, "big") if _check(seed, number) == check else None


def _spelled(data: bytes) -> str:
    return "".join(_SYLLABLES[one >> 4] + _SYLLABLES[one & 15] for one in data)


def _check(seed: int, data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_BYTES_OF_CHECK, key=str(seed).encode()[:64]).digest()
