"""Delivery is judged from arrival times, and only where they are enough to decide."""

from __future__ import annotations

import pytest
from stream_samples import DONE, FINISH, FIRST, chunk, exchange, stream

from conformance.reading import Arrivals, Delivery, Latency, delivery_of, judge_buffering, read_stream
from conformance.wire.exchange import Read


def delivery(*content: float, reads: int = 10, end: float | None = None) -> Delivery:
    end = content[-1] if end is None and content else end
    return delivery_of(Arrivals(content[0] if content else None, reads, len(content), content, len(content), end))


STEADY = delivery(*(0.1 + number * 0.09 for number in range(11)))
BURST = delivery(*[0.98] * 10)
TRICKLED_BURST = delivery(*(0.95 + number * 0.002 for number in range(10)))
EARLY_BURST = delivery(*[0.1] * 10)
SHORT = delivery(0.9, 0.9, 0.9)


def test_facts_come_from_arrival_times() -> None:
    facts = delivery(1.0, 1.0, 1.5, 3.0, reads=2, end=3.5)
    assert (facts.first_content, facts.last_content, facts.spread, facts.content_to_end) == (1.0, 3.0, 2.0, 2.5)
    assert (facts.longest_gap, facts.median_gap, facts.largest_share, facts.events_per_read) == (1.5, 0.5, 0.5, 2.0)


def test_a_stream_without_text_has_no_times() -> None:
    facts = delivery_of(Arrivals(None, 0, 0, (), 0, 2.0))
    assert (facts.first_content, facts.spread, facts.content_to_end, facts.longest_gap) == (None, None, None, None)
    assert (facts.largest_share, facts.events_per_read) == (0.0, 0.0)


QUICK_START = Latency(whole=1.0, first_token=0.1)
SLOW_START = Latency(whole=1.0, first_token=0.95)
"""A target that waits long, and then makes the answer in 50 ms."""


@pytest.mark.parametrize(
    ("deliveries", "latency", "buffered"),
    [
        ([BURST, BURST], QUICK_START, True),
        ([BURST, TRICKLED_BURST], QUICK_START, True),
        ([BURST, STEADY], QUICK_START, False),
        ([BURST, BURST], Latency(whole=1.0, first_token=0.1, alike=(0.3, 1.7)), None),
        ([BURST, BURST], Latency(whole=1.0, first_token=0.1, alike=(0.8, 1.2)), True),
        ([STEADY], QUICK_START, False),
        ([STEADY], Latency(), False),
        ([EARLY_BURST, EARLY_BURST], QUICK_START, False),
        ([BURST, EARLY_BURST], QUICK_START, False),
        ([BURST, BURST], SLOW_START, None),
        ([BURST], QUICK_START, None),
        ([BURST, SHORT], QUICK_START, None),
        ([SHORT, SHORT], QUICK_START, None),
        ([BURST, BURST], Latency(), None),
        ([BURST, BURST], Latency(whole=1.0), None),
        ([EARLY_BURST, EARLY_BURST], Latency(whole=0.1, first_token=0.05), None),
        ([], QUICK_START, None),
    ],
)
def test_only_late_bursts_that_repeat_show_buffering(
    deliveries: list[Delivery], latency: Latency, buffered: bool | None
) -> None:
    judgement = judge_buffering(deliveries, latency)
    assert judgement.buffered is buffered
    assert judgement.why


@pytest.mark.parametrize(
    ("latency", "generation"),
    [
        (Latency(2.0, 0.5), 1.5),
        (Latency(0.5, 0.6), 0.0),
        (Latency(2.0), None),
        (Latency(first_token=0.5), None),
    ],
)
def test_generation_is_the_whole_answer_without_its_first_token(latency: Latency, generation: float | None) -> None:
    assert latency.generation == generation


@pytest.mark.parametrize("waiting", [0.0, 1.0, 20.0])
def test_a_slow_start_alone_is_never_held_against_a_stream(waiting: float) -> None:
    """A model that takes a second for its text, streamed as it is made, and held back, after any waiting."""
    latency = Latency(whole=waiting + 1.1, first_token=waiting + 0.1)
    streamed = delivery(*(waiting + 0.1 + number * 0.1 for number in range(11)))
    held = delivery(*[waiting + 1.1] * 11)
    assert judge_buffering([streamed, streamed], latency).buffered is False
    assert judge_buffering([held, held], latency).buffered is True


def test_the_judgement_prints_its_figures() -> None:
    why = judge_buffering([BURST, BURST], QUICK_START).why
    assert "10 events with text from 0.980 s to 0.980 s, 100% of them in one read" in why
    assert why.endswith("a whole answer: 1.000 s, its first token: 0.100 s")


def test_a_reading_has_the_arrivals_of_its_text() -> None:
    reads = [Read(0.5, stream(FIRST)), Read(1.0, stream(chunk("a"), chunk("b"))), Read(2.0, stream(FINISH, DONE))]
    arrivals = read_stream(exchange(reads, ended=2.5)).arrivals
    assert arrivals == Arrivals(0.5, 3, 5, (1.0, 1.0), 2, 2.5)
