"""Tests, exchange by exchange, whether the share of answers that break a requirement has left its usual range.

This is an e-detector (Shin, Ramdas and Rinaldo, "E-detectors", 2023) of the kind of Shiryaev and Roberts. As long as
each exchange, given all before it, breaks the requirement with a chance within the range, the expected value of the
statistic after t runs is at most t, whatever the dependence between requirements. So it reaches a threshold A within t
runs with a chance of at most t/A: one false alarm in A runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache
from typing import Final

_UPWARDS: Final = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 0.999)
"""Shares that a change to the worse may have come to; the statistic is the mean over those above the range."""
_DOWNWARDS: Final = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6)
_APART: Final = 2.0
"""How far a share must be from the range to count as an alternative: closer ones take too long to tell apart."""
_MOST: Final = 1e280
"""Where the statistic stops growing, far above every threshold."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What one run showed of a requirement.

    `failed` of `exchanges` broke it. Where it was broken, its requests were sent again: `broken_again` of `again` tries
    broke it once more.
    """

    exchanges: int
    failed: int = 0
    again: int = 0
    broken_again: int = 0


@dataclass(frozen=True, slots=True)
class Alternative:
    """A share that the requirement may be broken in, beside the range that it was broken in before."""

    share: float
    limit: float
    """The end of the range that lies towards the share."""

    @property
    def aim(self) -> tuple[float, bool]:
        """The share, and whether it is above the range."""
        return self.share, self.share > self.limit


@dataclass(slots=True)
class Segment:
    """What speaks for one alternative: the statistic, and the trials since the change that fits it best."""

    alternative: Alternative
    sum: float = 0.0
    best: float = 0.0
    began: int = 0
    """The number of the run that the change came with, and of the run before it."""
    until: int = 0
    runs: int = 0
    exchanges: int = 0
    failed: int = 0

    def step(self, number: int, previous: int, trials: Trials) -> None:
        """Take in the trials of a run, and the number of the run before it."""
        factor = factor_of(self.alternative, trials)
        self.sum = min((self.sum + 1.0) * factor, _MOST)
        if self.best <= 1.0:
            self.best, self.began, self.until = 1.0, number, previous
            self.runs, self.exchanges, self.failed = 0, 0, 0
        self.best = min(self.best * factor, _MOST)
        self.runs += 1
        self.exchanges += trials.exchanges
        self.failed += trials.failed


@dataclass(slots=True)
class ChangeTest:
    """The test of one requirement, whose share of broken answers was between `low` and `high`."""

    low: float
    high: float
    segments: tuple[Segment, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no evidence for any alternative."""
        above = (Alternative(one, self.high) for one in _UPWARDS if one >= self.high * _APART)
        below = (Alternative(one, self.low) for one in _DOWNWARDS if one <= self.low / _APART and self.low > 0)
        self.segments = tuple(Segment(one) for one in (*above, *below))

    def step(self, number: int, previous: int, trials: Trials) -> float:
        """Take in the trials of the run with this number, after that with the previous one; returns the statistic."""
        for segment in self.segments:
            segment.step(number, previous, trials)
        return self.value

    def narrow(self, low: float, high: float) -> None:
        """Go on with a range within the one before: what is outside of it was learnt not to be usual.

        The factors of the runs so far keep their bound, since the share was within the narrower range, too.
        """
        self.low, self.high = max(self.low, low), min(self.high, high)
        known = {one.alternative.aim: one for one in self.segments}
        fresh = ChangeTest(self.low, self.high).segments
        for segment in fresh:
            if segment.alternative.aim in known:
                known[segment.alternative.aim].alternative = segment.alternative
        self.segments = tuple(known.get(one.alternative.aim, one) for one in fresh)

    @property
    def value(self) -> float:
        """The mean of the statistics of all alternatives."""
        return sum(one.sum for one in self.segments) / len(self.segments) if self.segments else 0.0

    @property
    def likeliest(self) -> Segment:
        """The alternative that most speaks for."""
        return max(self.segments, key=lambda one: one.sum)


def factor_of(alternative: Alternative, trials: Trials) -> float:
    """How much likelier the trials are with the alternative than at the end of the range; at most 1 on average.

    A try sends the requests of all findings again, and is broken where one of them fails: with a chance of at most so
    many times the limit.
    """
    share, limit = alternative.share, alternative.limit
    factor = likelihood_ratio(share, limit, trials.exchanges, trials.failed)
    if trials.again and share > limit:
        bound = limit * trials.failed
        if bound * _APART <= share:
            factor *= likelihood_ratio(share, bound, trials.again, trials.broken_again)
    return factor


@cache
def likelihood_ratio(share: float, limit: float, trials: int, failed: int) -> float:
    """The likelihood of `failed` of `trials` at one share, divided by that at another."""
    passed = trials - failed
    if (failed and share <= 0) or (passed and share >= 1):
        return 0.0
    if (failed and limit <= 0) or (passed and limit >= 1):
        return _MOST
    of_failed = failed * math.log(share / limit) if failed else 0.0
    of_passed = passed * (math.log1p(-share) - math.log1p(-limit)) if passed else 0.0
    return math.exp(min(of_failed + of_passed, 640.0))
