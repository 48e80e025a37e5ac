"""What is ruled out at once by fours of characters is never a piece of a secret."""

from __future__ import annotations

import random

import pytest

from conformance.evidence.needles import Sixes, fours_of
from conformance.evidence.secret_pieces import SecretPieces

SECRETS = (
    "sk-0123456789abcdef0123456789abcdef",
    "sk-proj-Zx9Qw7Er5Ty3",
    "abcd1234",
    "staging-horse-battery-2024",
    "abababababababab",
    "äöü§$%&/()=ab",
)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_text_without_a_four_of_a_secret_has_no_piece_of_it(secret: str) -> None:
    pieces = SecretPieces("key", secret)
    chance = random.Random(secret)
    found = 0
    for _ in range(2_000):
        text = _text_with_a_piece(pieces.folded, chance)
        for reverse in (False, True):
            every = list(pieces.runs(text, pieces.fours, reverse=reverse))
            assert list(pieces.runs(text, pieces.fours & set(fours_of(text)), reverse=reverse)) == every
            found += bool(every)
    assert found > 100


@pytest.mark.parametrize("secret", [one for one in SECRETS if not SecretPieces("key", one).fold.is_exact])
def test_a_text_without_six_characters_of_a_secret_has_no_piece_of_it(secret: str) -> None:
    pieces = SecretPieces("key", secret)
    sixes = Sixes(pieces.wholes)
    chance = random.Random(secret)
    found = ruled_out = 0
    for _ in range(2_000):
        text = _text_with_a_piece(pieces.folded, chance)
        if sixes.may_be_in(text):
            found += 1
        else:
            ruled_out += 1
            assert not [*pieces.runs(text, pieces.fours), *pieces.runs(text, pieces.fours, reverse=True)]
    assert found > 100
    assert ruled_out > 100


def test_a_text_that_goes_on_like_a_secret_everywhere_is_not_looked_through() -> None:
    sixes = Sixes([b"abcdefab"])
    assert not sixes.may_be_in(b"ababab" * 100)
    assert sixes.may_be_in(b"ababab" * 10_000)


def _text_with_a_piece(secret: bytes, chance: random.Random) -> bytes:
    """Characters of a secret in any order, and a piece of it among them, forward or backward."""
    begin = chance.randrange(len(secret))
    piece = secret[begin : begin + chance.randrange(4, 20)]
    before, behind = (bytes(chance.choices(secret, k=chance.randrange(9))) for _ in range(2))
    return before + (piece if chance.random() < 0.6 else piece[::-1]) + behind
