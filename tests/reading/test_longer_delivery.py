"""A longer stream decides where short ones come too quickly, and accuses nobody whose times do not show it."""

from __future__ import annotations

import pytest

from conformance.reading import Arrivals, Delivery, Latency, LongerStreams, delivery_of, judge_longer

QUICK = Latency(whole=0.05, first_token=0.01, alike=(0.01, 0.02))


def delivery(*content: float) -> Delivery:
    return delivery_of(Arrivals(content[0], 3, len(content), content, len(content), content[-1]))


def at_once(at: float, events: int = 100) -> Delivery:
    return delivery(*[at + 0.000_01 * (number // 40) for number in range(events)])


def over(begin: float, end: float, events: int = 100) -> Delivery:
    return delivery(*[begin + (end - begin) * number / events for number in range(events)])


FIRST = delivery(0.01)


@pytest.mark.parametrize(
    ("streams", "held_back"),
    [
        (LongerStreams(FIRST, at_once(0.5), at_once(0.15)), True),
        (LongerStreams(FIRST, over(0.01, 0.5), at_once(0.15)), False),
        (LongerStreams(FIRST, over(0.01, 0.05), at_once(0.02)), False),
        (LongerStreams(FIRST, at_once(0.02), at_once(0.02)), None),
        (LongerStreams(FIRST, over(0.4, 0.5), at_once(0.15)), None),
        (LongerStreams(FIRST, at_once(0.5), at_once(0.02)), None),
        (LongerStreams(FIRST, at_once(0.5), over(0.05, 0.15)), None),
        (LongerStreams(FIRST, at_once(0.5), None), None),
        (LongerStreams(FIRST, at_once(0.5, events=7), at_once(0.15)), None),
        (LongerStreams(delivery(0.4), at_once(0.5), at_once(0.45)), None),
        (LongerStreams(None, at_once(0.5), at_once(0.15)), None),
        (LongerStreams(FIRST, None, at_once(0.15)), None),
    ],
)
def test_only_text_that_comes_the_later_the_longer_it_is_was_held_back(
    streams: LongerStreams, held_back: bool | None
) -> None:
    judgement = judge_longer(streams, QUICK)
    assert judgement.buffered is held_back
    assert "longer" in judgement.why


def test_one_late_answer_proves_nothing_where_equal_requests_differ_as_much() -> None:
    streams = LongerStreams(FIRST, at_once(0.5), at_once(0.15))
    judgement = judge_longer(streams, Latency(whole=0.05, first_token=0.01, alike=(0.01, 0.4)))
    assert judgement.buffered is None
    assert "equal requests differ by 0.390 s" in judgement.why


def test_an_undecided_judgement_has_the_measured_times() -> None:
    why = judge_longer(LongerStreams(FIRST, at_once(0.02), at_once(0.02)), QUICK).why
    assert why.startswith("its text comes 0.010 s after its first token alone, and less than 0.25 s shows nothing: ")
    assert "longer: 100 events with text from 0.020 s" in why
