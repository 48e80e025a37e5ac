"""Shares of one size are the whole together, and none overlaps another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.lab.share import WHOLE, Share


@given(st.text(), st.integers(1, 12))
def test_a_name_is_of_one_share(name: str, count: int) -> None:
    assert sum(Share(number, count).has(name) for number in range(1, count + 1)) == 1
    assert WHOLE.has(name)


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/5", "a/b", "1.5/3"])
def test_what_is_not_a_share_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a share"):
        Share.parsed(text)
