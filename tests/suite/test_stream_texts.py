"""What counts as damage to the text of a stream, and what is only another text or half a character."""

from __future__ import annotations

import pytest

from conformance.suite.limits import least_used
from conformance.suite.stream_texts import TextPair, added, lost, spaced
from conformance.suite.test_completion import apart

WHOLE = "one two three four five six seven eight nine ten eleven twelve"


def pair(streamed: str, whole: str = WHOLE, *, was_cut: bool = False, beside_equal: bool = False) -> TextPair:
    return TextPair("stream/a#1", "completion/a#1", streamed, whole, was_cut, beside_equal, exact=True)


@pytest.mark.parametrize(
    "streamed",
    [
        WHOLE.replace(" ", " two "),
        WHOLE.replace("one", "one one"),
        f"one two three four {WHOLE}",
        f"{WHOLE} {WHOLE}",
        f"{WHOLE}!?.",
        "one two three four five six seven one two three four five six seven eight",
        "two one three four five six seven eight nine ten twelve eleven",
    ],
)
def test_more_than_the_text_is_damage(streamed: str) -> None:
    assert added(pair(streamed)) is not None
    assert lost(pair(streamed)) is None


CIRCLES = "Hello! How can on, and on, and on and on and on and on, and on, and on and on and on, and"


@pytest.mark.parametrize(
    "streamed",
    [
        "Hello! How can on, and on and on, and on and on and on, and on, and on and on and on, and",
        CIRCLES + " on, and on",
    ],
)
def test_texts_that_go_in_circles_are_alike_by_chance(streamed: str) -> None:
    assert added(pair(streamed, CIRCLES)) is None
    assert lost(pair(CIRCLES, streamed)) is None


@pytest.mark.parametrize(
    "streamed", [WHOLE, "eins zwei drei vier fünf", "One two three", "", "one\ntwo", "one two three four five"]
)
def test_another_text_or_a_part_is_nothing_added(streamed: str) -> None:
    assert added(pair(streamed)) is None


@pytest.mark.parametrize("streamed", [WHOLE.replace(" four", ""), WHOLE[4:], WHOLE.replace("seven eight", "ht")])
def test_a_text_with_gaps_has_lost_something(streamed: str) -> None:
    assert lost(pair(streamed)) is not None


def test_what_is_left_of_a_second_choice_may_be_little_or_nothing() -> None:
    assert lost(pair("one")) is None
    assert lost(pair("one", beside_equal=True)) is not None
    assert lost(pair("", beside_equal=True)) is not None


@pytest.mark.parametrize("whole", ["four five \u4f60", "four five \u4f60\ufffd", "four five \u4f60\u200d"])
def test_a_limit_may_hold_back_half_a_character(whole: str) -> None:
    for one, other in (("four five", whole), (whole, "four five")):
        assert lost(pair(one, other, was_cut=True)) is None
        assert added(pair(one, other, was_cut=True)) is None
    assert lost(pair("one two th", "one two three", was_cut=True)) is not None


def test_white_space_counts_where_all_else_is_equal() -> None:
    lines = "one two\nthree\n\nfour"
    for streamed in ("one two\nthree\nfour", "onetwo\nthree\n\nfour", "one two\nthree\n\n\nfour"):
        assert spaced(pair(streamed, lines)) is not None
    for streamed in (lines, f"\n {lines}", f"{lines}\n", "one\ntwo three\n\nfour", "one two\nthree"):
        assert spaced(pair(streamed, lines)) is None


def test_a_separator_that_models_hardly_write_may_not_be_exchanged() -> None:
    separated = "one two\u2028three\u0085four"
    for streamed in ("one two three four", "one two\nthree\u0085four", "one two\u2028threefour"):
        assert spaced(pair(streamed, separated)) is not None
    for streamed in (separated, "one\ntwo\u2028three\u0085four", "one\ntwo three\u0085four"):
        assert spaced(pair(streamed, separated)) is None


def test_nearly_all_of_a_limit_is_counted_where_it_was_reached() -> None:
    assert [least_used(limit, 1) for limit in (1, 3, 7, 8, 32, 400)] == [1, 2, 4, 5, 29, 397]
    assert least_used(8, 2) == 10
    assert least_used(32, 1, shows_reasoning=True) == 16
    assert least_used(4096, 1) == 2048


def test_a_time_zone_is_named() -> None:
    assert apart(7200.4) == "2 h ahead of it, as by the clock of another time zone"
    assert apart(-19_800) == "5.5 h behind it, as by the clock of another time zone"
    assert apart(4000) == "67 min ahead of it"
