"""Delivery: was a stream really streamed? Facts from arrival times, and a careful judgement on buffering."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

FEWEST_EVENTS: Final = 8
"""Events with text that a stream needs before its delivery says anything: a short answer fits one packet."""
FEWEST_STREAMS: Final = 2
SHORTEST_LATENCY: Final = 0.25
"""Seconds that the same answer takes without streaming before buffering can be told from a fast model."""
_BURST: Final = 0.9
_LATE: Final = 0.8
_SPREAD: Final = 0.1


@dataclass(frozen=True, slots=True)
class Arrivals:
    """When the parts of a stream came, in seconds after the request began.

    `content` has the arrival of each event with text, up to a bound; `content_events` is the number of all of them.
    """

    first_byte: float | None
    reads: int
    events: int
    content: tuple[float, ...]
    content_events: int
    end: float | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """How one stream was delivered. Times in seconds, None where nothing came.

    `first_byte`, `first_content`, `last_content` and `end` count from the request; `longest_gap` and `median_gap` are
    between events with text. `largest_share` is the share of events with text that came in one read, from 0 to 1.
    `events_per_read` counts all events.
    """

    first_byte: float | None
    first_content: float | None
    last_content: float | None
    end: float | None
    content_events: int
    longest_gap: float | None
    median_gap: float | None
    largest_share: float
    events_per_read: float

    @property
    def spread(self) -> float | None:
        """Seconds from the first event with text to the last."""
        if self.first_content is None or self.last_content is None:
            return None
        return self.last_content - self.first_content

    @property
    def content_to_end(self) -> float | None:
        """Seconds from the first event with text to the end of the body."""
        return None if self.first_content is None or self.end is None else self.end - self.first_content


@dataclass(frozen=True, slots=True)
class BufferingJudgement:
    """Whether streams were held back and sent at once: True, False, or None where that cannot be told; and why."""

    buffered: bool | None
    why: str


def deliver(arrivals: Arrivals) -> Delivery:
    """The delivery of a stream from its arrival times."""
    content = arrivals.content
    gaps = [later - earlier for earlier, later in pairwise(content)]
    # Events that came in one read have one and the same arrival time.
    largest = max(Counter(content).values(), default=0)
    return Delivery(
        first_byte=arrivals.first_byte,
        first_content=content[0] if content else None,
        last_content=content[-1] if content else None,
        end=arrivals.end,
        content_events=arrivals.content_events,
        longest_gap=max(gaps, default=None),
        median_gap=statistics.median(gaps) if gaps else None,
        largest_share=largest / len(content) if content else 0.0,
        events_per_read=arrivals.events / arrivals.reads if arrivals.reads else 0.0,
    )


def judge_buffering(deliveries: Sequence[Delivery], whole_latency: float | None) -> BufferingJudgement:
    """Judges several streams of one request against the time that the same request takes without streaming.

    Buffered is what comes as late as a whole answer would, and then all at once. One stream that does not look so
    acquits; without enough events, streams or latency there is no judgement.

    Args:
        deliveries: one for each repetition of the stream.
        whole_latency: seconds that the target took for the same answer without streaming, None where not measured.
    """
    enough = [one for one in deliveries if one.content_events >= FEWEST_EVENTS]
    if not enough:
        return BufferingJudgement(None, f"no stream has {FEWEST_EVENTS} events with text, too few to tell")
    for one in enough:
        if not _looks_buffered(one, whole_latency or 0.0):
            return BufferingJudgement(False, _figures(one, whole_latency))
    if whole_latency is None or whole_latency < SHORTEST_LATENCY:
        latency = "unknown" if whole_latency is None else f"{whole_latency:.3f} s"
        return BufferingJudgement(None, f"the latency of a whole answer is {latency}: too short to tell a burst apart")
    if len(enough) < FEWEST_STREAMS:
        return BufferingJudgement(None, f"only one stream, which is no proof: {_figures(enough[0], whole_latency)}")
    return BufferingJudgement(True, "; ".join(_figures(one, whole_latency) for one in enough))


def _looks_buffered(one: Delivery, whole_latency: float) -> bool:
    spread = one.spread
    if spread is None or one.first_content is None:
        return False
    late = one.first_content >= _LATE * whole_latency
    at_once = one.largest_share >= _BURST or spread <= _SPREAD * max(whole_latency, one.first_content)
    return late and at_once


def _figures(one: Delivery, whole_latency: float | None) -> str:
    whole = "not measured" if whole_latency is None else f"{whole_latency:.3f} s"
    return (
        f"{one.content_events} events with text from {one.first_content or 0:.3f} s to {one.last_content or 0:.3f} s, "
        f"{one.largest_share:.0%} of them in one read; a whole answer: {whole}"
    )
