"""Decides when the next request may leave: the rate limit, and the pauses that the target asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from; tests put their own in."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = lambda: 1.0
    """A factor around 1 for each backoff, so that attempts do not come back together."""


class Pacer:
    """Spaces requests evenly at `rate` a second, and holds all of them after a 429."""

    def __init__(self, rate: float | None, timing: Timing) -> None:
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._timing = timing
        self._next = 0.0

    async def wait(self) -> None:
        """Wait for the turn of the next request."""
        now = self._timing.clock()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await self._timing.sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Let no request leave for so many seconds: who is limited once is limited for every request."""
        self._next = max(self._next, self._timing.clock() + seconds)
