"""How often something is to be expected where it was seen k times in n: the exact interval of Clopper and Pearson."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONFIDENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """Seen `broken` times in `judged`; the true rate is between `low` and `high`, with a confidence of 95 %.

    Where it was never seen, or always, the bound that is left is one-sided.
    """

    broken: int
    judged: int
    low: float
    high: float


def rate_of(broken: int, judged: int) -> Rate:
    """The rate of what was seen so often; nothing is known where nothing was judged."""
    if not judged:
        return Rate(0, 0, 0.0, 1.0)
    from scipy.stats import binomtest

    side = "less" if not broken else "greater" if broken == judged else "two-sided"
    interval = binomtest(broken, judged, alternative=side).proportion_ci(CONFIDENCE, method="exact")
    return Rate(broken, judged, float(interval.low), float(interval.high))


def rarest_found(judged: int, power: float = CONFIDENCE) -> float:
    """The least rate of a fault that so many answers show at least once with this probability.

    It is the upper bound, too, of what may be there where that many answers showed nothing: 3 in n, nearly.
    """
    return 1.0 - (1.0 - power) ** (1.0 / judged) if judged else 1.0
