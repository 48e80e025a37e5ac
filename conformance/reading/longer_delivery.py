"""Delivery on a target that generates quickly: whether the text of a stream comes the later, the longer the stream is.

A whole answer of 32 tokens may take a few milliseconds, so that a burst and a stream look alike. A stream that is held
back comes as late as all of it takes, so that a longer one begins later; one that is not held back begins when its
first token is there, however long it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from conformance.reading.delivery import (
    BURST,
    FEWEST_EVENTS,
    SHORTEST_GENERATION,
    SHORTEST_SPREAD,
    BufferingJudgement,
    Delivery,
    Latency,
)

_SPREAD: Final = 0.1
"""The share of its delay within which the text of a stream comes that is held back."""
_STREAMED: Final = 0.5
"""The share of the time of its generation over which the text of a stream comes that is not held back."""
_DELAY_OF_SHORTER: Final = 0.1
"""The share of the longer stream's delay that a stream of a third of its length must have, if length is the cause."""
_STEADY: Final = 0.5
"""The share of the delay that equal requests may differ by."""


@dataclass(frozen=True, slots=True)
class LongerStreams:
    """How a longer stream was delivered, its first token alone (the same request, limited), and one of middle length.

    None where it did not come.
    """

    first_token: Delivery | None
    longer: Delivery | None
    middle: Delivery | None

    def __str__(self) -> str:
        """The figures in words."""
        parts = (("its first token alone", self.first_token), ("shorter", self.middle), ("longer", self.longer))
        return "; ".join(f"{name}: {one or 'none'}" for name, one in parts)


def judge_longer(streams: LongerStreams, latency: Latency) -> BufferingJudgement:
    """Judges a longer stream against its own first token, where shorter streams come too quickly to judge.

    It is held back if all of its text comes at once, later by much than the first token alone comes, and if a stream
    of middle length comes at once and late, too. It is not if its text comes bit by bit.
    """
    first, longer = streams.first_token, streams.longer
    if longer is None or first is None or first.first_content is None or longer.first_content is None:
        return BufferingJudgement(None, f"no longer stream came that shows more ({streams})")
    if longer.content_events < FEWEST_EVENTS:
        why = f"{longer.content_events} events with text in a longer stream, and {FEWEST_EVENTS} are needed"
        return BufferingJudgement(None, f"{why} ({streams})")
    spread = longer.spread or 0.0
    delay = longer.first_content - first.first_content
    if _came_bit_by_bit(longer, delay + spread):
        return BufferingJudgement(False, str(streams))
    doubt = next(_doubts(streams, latency, delay), None)
    return BufferingJudgement(None if doubt else True, f"{doubt}: {streams}" if doubt else str(streams))


def _came_bit_by_bit(longer: Delivery, generation: float) -> bool:
    spread = longer.spread or 0.0
    return longer.largest_share < BURST and spread >= max(_STREAMED * generation, SHORTEST_SPREAD)


def _doubts(streams: LongerStreams, latency: Latency, delay: float) -> Iterator[str]:
    """Why a longer stream that does not come bit by bit is not shown to be held back."""
    assert streams.first_token is not None
    assert streams.longer is not None
    start = streams.first_token.first_content or 0.0
    if delay < SHORTEST_GENERATION:
        least = f"{SHORTEST_GENERATION} s"
        yield f"its text comes {delay:.3f} s after its first token alone, and less than {least} shows nothing"
    if not _came_at_once(streams.longer, delay):
        yield "its text comes neither at once nor bit by bit"
    differ = max(latency.alike, default=0.0) - min(latency.alike, default=0.0)
    if differ > _STEADY * delay:
        yield f"equal requests differ by {differ:.3f} s, so that times prove nothing"
    middle = streams.middle
    if middle is None or middle.first_content is None or middle.content_events < FEWEST_EVENTS:
        yield "only one stream, which proves nothing"
    elif not _came_at_once(middle, delay) or middle.first_content - start < _DELAY_OF_SHORTER * delay:
        yield "a shorter stream does not come at once and late"


def _came_at_once(one: Delivery, delay: float) -> bool:
    return (one.spread or 0.0) <= _SPREAD * delay
