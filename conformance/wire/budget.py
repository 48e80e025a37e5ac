"""What a run may still spend: requests, completion tokens, memory, and requests a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from conformance.probes.model import Probe
from conformance.targets.model import Limits
from conformance.wire.body_cost import BodyCost
from conformance.wire.exchange import RUN_IS_FULL, Exchange

COST_OF_A_READ = 200
"""Bytes of memory that a read takes beside its data: a body that comes byte by byte is mostly this."""


class Budget:
    """The requests and completion tokens that are left. A probe's worst case is reserved before it is sent."""

    def __init__(self, limits: Limits) -> None:
        self._max_requests = limits.max_requests
        self._max_tokens = limits.max_completion_tokens
        self.requests = 0
        self.completion_tokens = 0

    def reserve(self, probe: Probe) -> str | None:
        """Reserve one attempt at a probe, or say in words why it does not fit (and reserve nothing)."""
        if self._max_requests is not None and self.requests + 1 > self._max_requests:
            return f"the budget of {self._max_requests} requests is spent"
        tokens = self.completion_tokens + probe.completion_tokens
        # A probe that costs no tokens always fits, also when a resumed run spent more than it may now.
        if self._max_tokens is not None and probe.completion_tokens and tokens > self._max_tokens:
            left = max(self._max_tokens - self.completion_tokens, 0)
            return (
                f"its worst case of {probe.completion_tokens} completion tokens does not fit into the {left} left "
                f"of {self._max_tokens}"
            )
        self.spend(probe)
        return None

    def spend(self, probe: Probe) -> None:
        """Count one attempt, whether it fits or not (it was made before)."""
        self.requests += 1
        self.completion_tokens += probe.completion_tokens

    def release_tokens(self, probe: Probe) -> None:
        """Give back the tokens of an attempt that the target refused for load or never saw."""
        self.completion_tokens -= probe.completion_tokens


class MemoryBudget:
    """The memory that is left for bodies. It belongs to one run; without a run, to one client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.max_bodies

    def spend(self, exchanges: Iterable[Exchange]) -> None:
        """Count what an interrupted run kept."""
        for answer in (exchange.answer for exchange in exchanges):
            if answer is not None:
                cost = BodyCost(answer.headers)
                self._left -= sum(cost.of(read.data) + COST_OF_A_READ for read in answer.reads)
                self._left -= cost.of_content(read.data for read in answer.reads)

    def reserve(self, cost: int, before: int) -> bool:
        """Reserve `cost` bytes more for a body that takes `before`; False where they do not fit and it is not small."""
        if cost > self._left and before + cost > self._limits.small_body:
            return False
        self._left -= cost
        return True

    @property
    def why_cut(self) -> str:
        """Why a body was cut, in words."""
        limits = self._limits
        return f"{RUN_IS_FULL}: {limits.max_bodies} bytes; of each further body {limits.small_body} are kept at most"


@dataclass(frozen=True, slots=True)
class Timing:
    """Where time and chance come from; tests put their own in."""

    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    jitter: Callable[[], float] = lambda: 1.0
    """A factor around 1 for each backoff, so that attempts do not come back together."""


class RateLimit:
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
        """Let no request leave for so many seconds: the limit that one request met holds for every request."""
        self._next = max(self._next, self._timing.clock() + seconds)
