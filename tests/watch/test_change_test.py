"""The test of a change keeps its false-alarm rate, finds what it is made for, and says since when."""

from __future__ import annotations

import random

import pytest

from conformance.watch.change_test import Alternative, ChangeTest, Trials, factor_of
from conformance.watch.stream import SETTLED, Change, Stream, Usual
from conformance.watch.usual_share import usual_range

THRESHOLD = 10 * 365.25 * 34


def step_all(stream: Stream, trials: list[Trials], first: int = 0) -> list[Change]:
    changes = [stream.step(number, one, THRESHOLD) for number, one in enumerate(trials, start=first)]
    return [one for one in changes if one is not None]


@pytest.mark.parametrize("share", [0.001, 0.0005, 0.0])
@pytest.mark.parametrize("exchanges", [1, 3])
def test_the_factor_of_a_run_is_at_most_one_on_average_within_the_range(share: float, exchanges: int) -> None:
    for alternative in ChangeTest(0.0, 0.001).segments:
        chances = [share, 1 - share]
        expected = 0.0
        for outcomes in range(2**exchanges):
            failed = outcomes.bit_count()
            chance = chances[0] ** failed * chances[1] ** (exchanges - failed)
            expected += chance * factor_of(alternative.alternative, Trials(exchanges, failed))
        assert expected <= 1 + 1e-9


def test_a_try_of_two_findings_counts_less_than_two_tries_of_one() -> None:
    alternative = Alternative(0.9, 0.001)
    two = factor_of(alternative, Trials(2, 2, 1, 1)) / factor_of(alternative, Trials(2, 2))
    one = factor_of(alternative, Trials(2, 1, 1, 1)) / factor_of(alternative, Trials(2, 1))
    assert one == pytest.approx(2 * two)


def test_what_is_always_broken_is_confirmed_on_the_first_day_by_its_tries() -> None:
    (change,) = step_all(Stream(0.001), [Trials(1)] * 5 + [Trials(1, 1, 5, 5)])
    assert (change.began, change.until) == (5, 4)
    assert change.worse
    assert (change.before.failed, change.before.exchanges, change.after.failed) == (0, 5, 1)


def test_one_mistake_that_does_not_come_again_confirms_nothing_and_is_suspected() -> None:
    stream = Stream(0.001)
    assert step_all(stream, [Trials(2)] * 20 + [Trials(2, 1, 5, 0)]) == []
    assert stream.suspected
    assert step_all(stream, [Trials(2)] * 20, first=21) == []
    assert not stream.suspected


def test_what_was_always_broken_and_is_kept_is_told_and_kept_from_then_on() -> None:
    stream = Stream(0.001)
    (change,) = step_all(stream, [Trials(2, 2)] * 10 + [Trials(2)] * 10)
    assert change.began == 10
    assert not change.worse
    assert stream.usual is Usual.KEPT


def test_what_was_broken_from_the_beginning_is_no_change() -> None:
    assert step_all(Stream(0.001), [Trials(3, 3, 5, 5)] * 50) == []


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_share_that_stays_the_same_is_told_at_most_once(share: float) -> None:
    drawn = random.Random(7)
    trials = [Trials(5, sum(drawn.random() < share for _ in range(5))) for _ in range(400)]
    changes = step_all(Stream(0.001), trials)
    assert len(changes) <= 1
    assert all(one.was_kept for one in changes)


def test_a_share_of_its_answers_is_confirmed_and_begins_about_where_it_began() -> None:
    drawn = random.Random(11)
    trials = [Trials(5)] * 60 + [Trials(5, sum(drawn.random() < 0.5 for _ in range(5))) for _ in range(10)]
    change = step_all(Stream(0.001), trials)[0]
    assert 60 <= change.began <= 62


def test_the_usual_range_holds_the_share_and_becomes_narrower() -> None:
    assert usual_range(10, 0)[0] == 0
    assert usual_range(10, 10)[1] == 1
    few, many = usual_range(20, 10), usual_range(2000, 1000)
    assert few[0] < many[0] <= 0.5 <= many[1] < few[1]


def test_a_range_is_told_after_the_first_runs() -> None:
    stream = Stream(0.001)
    step_all(stream, [Trials(4, 2)] * (SETTLED - 1))
    assert stream.usual is Usual.UNKNOWN
    stream.step(SETTLED, Trials(4, 2), THRESHOLD)
    settled: Usual = stream.usual
    assert settled is Usual.SHARE
