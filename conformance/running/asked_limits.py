"""What one run may cost, from the settings of conformance.toml and the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.model import Tier
from conformance.targets import Limits

_CONCURRENCY = {Tier.LOAD: 64}
"""Default number of concurrent requests, for tiers where it is not the usual one."""
_BODIES = {Tier.EXHAUSTIVE: 256 * 1024 * 1024, Tier.LOAD: 256 * 1024 * 1024}
"""Bytes of all bodies together that are kept, for tiers that send thousands of requests."""


def limits_of(asked: Mapping[str, Any]) -> Limits:
    """The limits of a run that is asked for by these settings, named as in conformance.toml and on the command line."""
    usual = Limits()
    concurrency = _CONCURRENCY.get(Tier(asked.get("tier", Tier.STANDARD)), usual.concurrency)
    timeout = asked.get("timeout", usual.deadline)
    wanted = "concurrency" in asked or ("tier" in asked and Tier(asked["tier"]) in _CONCURRENCY)
    return replace(
        usual,
        concurrency=asked.get("concurrency", concurrency),
        gentle=None if wanted else usual.gentle,
        rate=asked.get("rate"),
        max_bodies=_BODIES.get(Tier(asked.get("tier", Tier.STANDARD)), usual.max_bodies),
        max_requests=asked.get("max_requests"),
        max_completion_tokens=asked.get("max_completion_tokens"),
        run_deadline=asked.get("deadline"),
        generated_time=asked.get("generated_time", usual.generated_time),
        deadline=timeout,
        first_byte_timeout=timeout,
        idle_timeout=min(usual.idle_timeout, timeout),
        connect_timeout=min(usual.connect_timeout, timeout),
    )
