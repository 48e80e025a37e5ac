"""Shows how long the target took: time to first byte and total time of every exchange of a run, in order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

MOST_BARS: Final = 300
HEIGHT: Final = 100
"""The scale of time in units of the picture; it is logarithmic, and begins with `_SHORTEST`."""
_SHORTEST: Final = 0.001
_SLOWEST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 95th percentile and longest of some times, in seconds."""

    median: float
    most: float
    longest: float


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one exchange took, in seconds; without an answer, there is no first byte."""

    exchange: str
    first_byte: float | None
    total: float


@dataclass(frozen=True, slots=True)
class TimeStrip:
    """The exchanges of a run as bars.

    `waiting`, `receiving` and `silent` are the paths of the bars: until the first byte, from there to the end, and of
    exchanges without an answer. A bar stands for `each` exchanges, and shows the slowest. `lines` are the powers of ten
    of the scale: their height in the picture, and how many seconds they stand for.
    """

    bars: int
    each: int
    waiting: str
    receiving: str
    silent: str
    lines: tuple[tuple[float, float], ...]
    first_byte: Spread | None
    total: Spread
    slowest: tuple[Timing, ...]
    unanswered: int
    count: int


def time_strip(exchanges: Sequence[Exchange]) -> TimeStrip | None:
    """The strip of all exchanges in their order, or None if there is none."""
    if not exchanges:
        return None
    timings = [Timing(one.id, one.answer.headers_at if one.answer else None, one.ending.at) for one in exchanges]
    each = math.ceil(len(timings) / MOST_BARS)
    groups = [timings[start : start + each] for start in range(0, len(timings), each)]
    shown = [max(group, key=lambda one: one.total) for group in groups]
    decades = max(math.ceil(math.log10(max(_SHORTEST, *(one.total for one in timings)) / _SHORTEST) - 1e-9), 2)
    first_bytes = [one.first_byte for one in timings if one.first_byte is not None]

    def height(seconds: float) -> float:
        return round(HEIGHT - HEIGHT * math.log10(max(seconds / _SHORTEST, 1)) / decades, 1)

    def bar(number: int, begin: float, end: float) -> str:
        return f"M{number} {begin:g}V{end:g}h.8V{begin:g}Z"

    waiting, receiving, silent = [], [], []
    for number, one in enumerate(shown):
        if one.first_byte is None:
            silent.append(bar(number, HEIGHT, height(one.total)))
            continue
        waiting.append(bar(number, HEIGHT, height(one.first_byte)))
        receiving.append(bar(number, height(one.first_byte), height(max(one.total, one.first_byte))))
    return TimeStrip(
        bars=len(shown),
        each=each,
        waiting="".join(waiting),
        receiving="".join(receiving),
        silent="".join(silent),
        lines=tuple((height(_SHORTEST * 10**power), _SHORTEST * 10**power) for power in range(1, decades)),
        first_byte=_spread(first_bytes) if first_bytes else None,
        total=_spread([one.total for one in timings]),
        slowest=tuple(sorted(timings, key=lambda one: -one.total)[:_SLOWEST_NAMED]),
        unanswered=len(timings) - len(first_bytes),
        count=len(timings),
    )


def _spread(times: Sequence[float]) -> Spread:
    """By the nearest rank, so that each is a time that was measured."""
    ordered = sorted(times)

    def ranked(share: float) -> float:
        return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]

    return Spread(ranked(0.5), ranked(0.95), ordered[-1])
