"""Finds out the range in which the usual share of broken answers of a requirement lies, from its first runs."""

from __future__ import annotations

import math
from typing import Final

_LEVELS: Final = (
    *(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5),
    *(0.65, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999),
)
"""The ends that a range may have."""
_DOUBT: Final = 0.001
"""The chance that the usual share lies beyond an end of its range, at most."""


def usual_range(exchanges: int, failed: int) -> tuple[float, float]:
    """A range that holds the share of which `failed` of `exchanges` came (Clopper and Pearson), rounded outwards."""
    low = max((one for one in _LEVELS if failed and at_least(failed, exchanges, one) <= _DOUBT), default=0.0)
    high = min((one for one in _LEVELS if at_most(failed, exchanges, one) <= _DOUBT), default=1.0)
    return low, high


def at_most(failed: int, exchanges: int, share: float) -> float:
    """The chance of at most so many failures."""
    return sum(_chance(number, exchanges, share) for number in range(failed + 1))


def at_least(failed: int, exchanges: int, share: float) -> float:
    """The chance of at least so many failures."""
    return at_most(exchanges - failed, exchanges, 1 - share)


def _chance(failed: int, exchanges: int, share: float) -> float:
    ways = math.lgamma(exchanges + 1) - math.lgamma(failed + 1) - math.lgamma(exchanges - failed + 1)
    return math.exp(ways + failed * math.log(share) + (exchanges - failed) * math.log1p(-share))
