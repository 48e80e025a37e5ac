"""Delivery is judged from arrival times, and only where they can tell."""

from __future__ import annotations

import pytest
from stream_samples import DONE, FINISH, FIRST, chunk, exchange, stream

from conformance.reading import Arrivals, Delivery, deliver, judge_buffering, read_stream
from conformance.wire.exchange import Read


def delivery(*content: float, reads: int = 10, end: float | None = None) -> Delivery:
    end = content[-1] if end is None and content else end
    return deliver(Arrivals(content[0] if content else None, reads, len(content), content, len(content), end))


SPREAD = delivery(*(0.1 + number * 0.09 for number in range(11)))
BURST = delivery(*[0.98] * 10)
TRICKLED_BURST = delivery(*(0.95 + number * 0.002 for number in range(10)))
EARLY_BURST = delivery(*[0.1] * 10)
SHORT = delivery(0.9, 0.9, 0.9)


def test_facts_come_from_arrival_times() -> None:
    facts = delivery(1.0, 1.0, 1.5, 3.0, reads=2, end=3.5)
    assert (facts.first_content, facts.last_content, facts.spread, facts.content_to_end) == (1.0, 3.0, 2.0, 2.5)
    assert (facts.longest_gap, facts.median_gap, facts.largest_share, facts.events_per_read) == (1.5, 0.5, 0.5, 2.0)


def test_a_stream_without_text_has_no_times() -> None:
    facts = deliver(Arrivals(None, 0, 0, (), 0, 2.0))
    assert (facts.first_content, facts.spread, facts.content_to_end, facts.longest_gap) == (None, None, None, None)
    assert (facts.largest_share, facts.events_per_read) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("deliveries", "latency", "buffered"),
    [
        ([BURST, BURST], 1.0, True),
        ([BURST, TRICKLED_BURST], 1.0, True),
        ([BURST, SPREAD], 1.0, False),
        ([SPREAD], 1.0, False),
        ([SPREAD], None, False),
        ([EARLY_BURST, EARLY_BURST], 1.0, False),
        ([BURST], 1.0, None),
        ([BURST, SHORT], 1.0, None),
        ([SHORT, SHORT], 1.0, None),
        ([BURST, BURST], None, None),
        ([EARLY_BURST, EARLY_BURST], 0.1, None),
        ([], 1.0, None),
    ],
)
def test_buffering_is_told_only_by_late_bursts_that_repeat(
    deliveries: list[Delivery], latency: float | None, buffered: bool | None
) -> None:
    judgement = judge_buffering(deliveries, latency)
    assert judgement.buffered is buffered
    assert judgement.why


def test_the_judgement_prints_its_figures() -> None:
    why = judge_buffering([BURST, BURST], 1.0).why
    assert "10 events with text from 0.980 s to 0.980 s, 100% of them in one read; a whole answer: 1.000 s" in why


def test_a_reading_has_the_arrivals_of_its_text() -> None:
    reads = [Read(0.5, stream(FIRST)), Read(1.0, stream(chunk("a"), chunk("b"))), Read(2.0, stream(FINISH, DONE))]
    arrivals = read_stream(exchange(reads, ended=2.5)).arrivals
    assert arrivals == Arrivals(0.5, 3, 5, (1.0, 1.0), 2, 2.5)
