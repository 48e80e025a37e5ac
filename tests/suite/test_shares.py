from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.suite.shares import share_in_words, wilson


def test_the_interval_is_wilsons() -> None:
    # Figures of Brown, Cai and DasGupta's formula, computed apart with z = 1.959964.
    assert wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-4)
    assert wilson(0, 5) == pytest.approx((0.0, 0.43449), abs=1e-4)
    assert wilson(5, 5) == pytest.approx((0.56551, 1.0), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(trials=st.integers(1, 500), data=st.data())
def test_the_interval_holds_the_share(trials: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, trials))
    least, most = wilson(good, trials)
    assert 0 <= least <= good / trials <= most <= 1


def test_a_share_is_told_in_words() -> None:
    assert share_in_words(2, 3, "calls parse") == "2 of 3 calls parse (at 95 %, between 21 % and 94 %)"
