"""The time that is left of a run: until its deadline, and until too much of it came to nothing."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.wire.exchange import EndKind, Exchange

OUT_OF_TIME = "the time of the run is over"
"""How the reason begins why a probe was not sent where the run had no time left."""
_WITHOUT_END = frozenset(
    {
        EndKind.CONNECT_TIMEOUT,
        EndKind.FIRST_BYTE_TIMEOUT,
        EndKind.IDLE_TIMEOUT,
        EndKind.DEADLINE,
        EndKind.TOO_LARGE,
    }
)


def came_to_nothing(exchange: Exchange) -> bool:
    """Whether waiting for an answer was in vain: it did not come to its end, or was a refusal for load."""
    refused = exchange.answer is not None and exchange.answer.status in REFUSED_FOR_LOAD
    return refused or exchange.ending.kind in _WITHOUT_END


@dataclass(slots=True)
class RunTime:
    """Decides when a run has no time left. It belongs to one run.

    `deadline` is in seconds since `began` (by the clock), which is the beginning of the run. `may_lose` is how many
    seconds may pass while the run waits for answers that come to nothing: a target that answers slowly keeps its run
    alive, one that does not answer ends it.
    """

    deadline: float = math.inf
    may_lose: float = math.inf
    began: float | None = None
    clock: Callable[[], float] = time.monotonic
    _lost: list[tuple[float, float]] = field(default_factory=list)
    """When it waited in vain: from when until when, without overlap, in order."""

    def __post_init__(self) -> None:
        if self.began is None:
            self.began = self.clock()

    @property
    def left(self) -> float:
        """Seconds until the deadline; 0 where it has passed."""
        assert self.began is not None
        return max(self.began + self.deadline - self.clock(), 0.0)

    @property
    def lost(self) -> float:
        """Seconds in which at least one request was waiting in vain."""
        return sum(until - since for since, until in self._lost)

    def lose(self, since: float) -> None:
        """Note that a request which began then, by the clock, came to nothing now."""
        while self._lost and self._lost[-1][1] >= since:
            since = min(since, self._lost.pop()[0])
        self._lost.append((since, self.clock()))

    @property
    def over(self) -> str | None:
        """Why nothing more is sent, in words; None while there is time."""
        if self.left <= 0:
            return f"{OUT_OF_TIME} (its deadline of {self.deadline:g} s passed)"
        if self.lost >= self.may_lose:
            return f"{OUT_OF_TIME} ({self.lost:.0f} s of it were lost to answers that did not come to their end)"
        return None
