"""Delivery: whether a stream was really streamed, by its arrival times and a careful judgement on buffering."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

FEWEST_EVENTS: Final = 8
"""Events with text that a stream must have before its delivery is judged: a short answer fits one packet."""
FEWEST_STREAMS: Final = 2
SHORTEST_GENERATION: Final = 0.25
"""Seconds of generation from which on a stream that is held back differs from a fast model."""
BURST: Final = 0.9
"""The share of the events with text that one read has where they came in a burst."""
_LATE: Final = 0.8
_SPREAD: Final = 0.1
SHORTEST_SPREAD: Final = 0.02
"""Seconds over which text comes, at least, where a quick target sends it bit by bit: packets are milliseconds apart."""
_SCATTER: Final = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the target takes without streaming, in seconds: for a whole answer, and for its first token alone.

    None where it was not measured. `alike` are the times of equal requests.
    """

    whole: float | None = None
    first_token: float | None = None
    alike: tuple[float, ...] = ()

    @property
    def scatters(self) -> bool:
        """Whether equal requests take times so different that one answer's time says nothing about another's."""
        fastest, slowest = min(self.alike, default=0.0), max(self.alike, default=0.0)
        return slowest > _SCATTER * fastest and slowest - fastest > (self.generation or 0.0)

    @property
    def generation(self) -> float | None:
        """Seconds from the first token to the last, without waiting and reading the prompt.

        A target that starts slowly and then is fast sends its text in a burst, long after the request, and holds
        nothing back. Only this time distinguishes it from one that does.
        """
        if self.whole is None or self.first_token is None:
            return None
        return max(self.whole - self.first_token, 0.0)

    def __str__(self) -> str:
        """The figures in words."""
        if self.whole is None:
            return "a whole answer: not measured"
        if self.first_token is None:
            return f"a whole answer: {self.whole:.3f} s, its first token: not measured"
        return f"a whole answer: {self.whole:.3f} s, its first token: {self.first_token:.3f} s"


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

    def __str__(self) -> str:
        """The figures in words."""
        if self.first_content is None or self.last_content is None:
            return "no text"
        return (
            f"{self.content_events} events with text from {self.first_content:.3f} s to {self.last_content:.3f} s, "
            f"{self.largest_share:.0%} of them in one read (first byte {self.first_byte or 0:.3f} s, "
            f"gaps {self.median_gap or 0:.3f} s and at most {self.longest_gap or 0:.3f} s, "
            f"{self.events_per_read:.1f} events a read, {self.content_to_end or 0:.3f} s from first text to end)"
        )


@dataclass(frozen=True, slots=True)
class BufferingJudgement:
    """Whether streams were held back and sent at once: True, False, or None where that is unclear; and why.

    `certain` is false where a burst clears them that came early: the time that it is early by was measured once, beside
    other requests.
    """

    buffered: bool | None
    why: str
    certain: bool = True


def delivery_of(arrivals: Arrivals) -> Delivery:
    """The delivery of a stream, from its arrival times."""
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


def judge_buffering(deliveries: Sequence[Delivery], latency: Latency) -> BufferingJudgement:
    """Judges several streams of one request against the time that the same request takes without streaming.

    A stream is buffered when it comes as late as a whole answer would, and then all at once. One stream that is not
    clears the target; without enough events, streams or time of generation there is no judgement.

    Args:
        deliveries: one for each repetition of the stream.
        latency: what the target takes for the same answer without streaming.
    """
    enough = [one for one in deliveries if one.content_events >= FEWEST_EVENTS]
    if not enough:
        most = max((one.content_events for one in deliveries), default=0)
        return BufferingJudgement(None, f"at most {most} events with text in a stream, and {FEWEST_EVENTS} are needed")
    generation = latency.generation
    for one in enough:
        if not _came_at_once(one, generation or 0.0):
            return BufferingJudgement(False, _figures([one], latency))
    if generation is None or generation < SHORTEST_GENERATION:
        why = f"the target generates a whole answer too fast to tell a burst from a buffer: {_figures(enough, latency)}"
        return BufferingJudgement(None, why)
    for one in enough:
        if not _came_late(one, latency, generation):
            return BufferingJudgement(False, _figures([one], latency), certain=False)
    doubt = _doubt(enough, latency)
    return BufferingJudgement(None if doubt else True, f"{doubt}{_figures(enough, latency)}")


def _doubt(deliveries: Sequence[Delivery], latency: Latency) -> str:
    """Why streams that look held back prove nothing, to stand before the figures; empty where they do prove it."""
    if latency.scatters:
        times = f"from {min(latency.alike):.3f} s to {max(latency.alike):.3f} s"
        return f"the same request takes {times}, so that times prove nothing: "
    return "only one stream, which proves nothing: " if len(deliveries) < FEWEST_STREAMS else ""


def _came_at_once(one: Delivery, generation: float) -> bool:
    """Whether nearly all of the text came in one read, or within a small part of the time of generation."""
    burst = _SPREAD * generation if generation >= SHORTEST_GENERATION else SHORTEST_SPREAD
    return one.spread is not None and (one.largest_share >= BURST or one.spread <= burst)


def _came_late(one: Delivery, latency: Latency, generation: float) -> bool:
    """Whether the text came when most of it must have been generated before."""
    generated = (latency.first_token or 0.0) + _LATE * generation
    return one.first_content is not None and one.first_content >= generated


def _figures(deliveries: Sequence[Delivery], latency: Latency) -> str:
    return "; ".join((*map(str, deliveries), str(latency)))
