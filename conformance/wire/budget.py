"""Keeps count of what a run may still spend: requests and completion tokens."""

from __future__ import annotations

from conformance.probes.model import Probe
from conformance.targets.model import Limits


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
