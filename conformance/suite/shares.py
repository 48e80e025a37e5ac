"""Shares of trials, for what only a model decides: n of k, with the interval that they allow."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

_CONFIDENCE = 0.95


def wilson(good: int, trials: int, confidence: float = _CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a share, between 0 and 1; of no trials, all of it."""
    if not trials:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, square = good / trials, z * z
    middle = (share + square / (2 * trials)) / (1 + square / trials)
    half = z / (1 + square / trials) * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    return (max(0.0, middle - half) if good else 0.0), (min(1.0, middle + half) if good < trials else 1.0)


def share_in_words(good: int, trials: int, what: str) -> str:
    """A share as a clause: "2 of 3 calls have arguments that are JSON (at 95 %, between 21 % and 94 %)"."""
    least, most = wilson(good, trials)
    return f"{good} of {trials} {what} (at {_CONFIDENCE:.0%}, between {least:.0%} and {most:.0%})".replace("%", " %")
