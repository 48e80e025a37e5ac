"""What base64 stands for text, and which numbers may be bytes, is found as a plain pattern finds it."""

from __future__ import annotations

import random
import re

import pytest

from conformance.evidence.byte_notations import bytes_undone
from conformance.evidence.views import view_of

ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
TEXT = bytes(range(0x20, 0x7F)) + b"\0\t\n\r"
MARGIN = 8


def one_of(characters: list[int]) -> bytes:
    return b"[" + re.escape(bytes(ALPHABET[one] for one in characters)) + b"]"


def quads() -> re.Pattern[bytes]:
    """Two quads or more of which each of the first three characters may be one that stands for text."""
    first = one_of(sorted({byte >> 2 for byte in TEXT}))
    second = one_of([one for one in range(64) if any(one & 15 == byte >> 4 for byte in TEXT)])
    third = one_of([one for one in range(64) if any(one & 3 == byte >> 6 for byte in TEXT)])
    return re.compile(b"(?:%s%s%s.){2,}+" % (first, second, third))


QUADS = quads()
NUMBERS = re.compile(rb"[0-9]{2,4}(?![0-9])(?:[^0-9]{1,12}[0-9]{2,4}(?![0-9])){6,}")
PAIRS = re.compile(rb"(?:[02-7][0-9a-f]){7,}", re.IGNORECASE)


def forms(text: bytes) -> set[str]:
    return {view.forms[0] for view in bytes_undone(view_of(text))}


def texts(characters: bytes, longest: int) -> list[bytes]:
    chance = random.Random(characters)
    return [bytes(chance.choices(characters, k=chance.randrange(longest))) for _ in range(3_000)]


@pytest.mark.parametrize("characters", [ALPHABET, b"IJQRZabcAQgw0123", b"eJANFxEo4H4sIQ"])
def test_two_quads_that_stand_for_text_are_base64(characters: bytes) -> None:
    every = texts(characters, 40)
    marks = re.compile(rb"H4sI|eJ[w-z]|eA[E-H]|eN[o-r]|eF[4-7]")
    seen = [text for text in every if "base64" in forms(text)]
    assert [text for text in every if not marks.search(text) and QUADS.search(text)] == [
        text for text in seen if not marks.search(text)
    ]
    assert all(text in seen for text in every if QUADS.search(text))
    assert 100 < len(seen) < len(every)


def test_seven_numbers_in_a_row_may_be_bytes() -> None:
    chance = random.Random(7)
    numbers, gaps = [b"65", b"104", b"032", b"1010", b"7", b"12345"], [b",", b", ", b" is not ", b"x" * 13]
    every = [
        b"".join(
            chance.choices(numbers, (9, 9, 9, 1, 1, 1))[0] + chance.choices(gaps, (9, 9, 9, 1))[0] for _ in range(12)
        )
        for _ in range(3_000)
    ]
    runs = [text for text in every if any(_bytes_in(one.group()) >= 7 for one in NUMBERS.finditer(text))]
    assert [text for text in every if "decimal bytes" in forms(text)] == runs
    assert 100 < len(runs) < len(every)


def _bytes_in(run: bytes) -> int:
    """How many of the numbers stand for a byte of text."""
    numbers = re.findall(rb"[0-9]{2,4}(?![0-9])", run)
    return sum(len(one) < 4 and int(one) in TEXT for one in numbers)


def test_seven_pairs_of_digits_may_be_bytes() -> None:
    every = [text for text in texts(b"0123456789abcdefABCDEF", 60) if b"78" not in text]  # as zlib data begins
    assert [text for text in every if "hex" in forms(text)] == [text for text in every if PAIRS.search(text)]
