"""What is ruled out at once by fours of characters is never a piece of a secret."""

from __future__ import annotations

import random

import pytest

from conformance.evidence.needles import fours_of
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


def _text_with_a_piece(secret: bytes, chance: random.Random) -> bytes:
    """Characters of a secret in any order, and a piece of it among them, forward or backward."""
    begin = chance.randrange(len(secret))
    piece = secret[begin : begin + chance.randrange(4, 20)]
    before, behind = (bytes(chance.choices(secret, k=chance.randrange(9))) for _ in range(2))
    return before + (piece if chance.random() < 0.6 else piece[::-1]) + behind
