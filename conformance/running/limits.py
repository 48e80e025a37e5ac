"""What one run may cost, and how much of it may be under way at once.

A server that answers one request after another would let the last of many wait for all others; what it then gives is a
timeout of our making and not of its own. So fewer requests go at once where the first answers are slow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.contract.model import Tier
from conformance.targets import Limits

if TYPE_CHECKING:
    from conformance.wire import Exchange

_CONCURRENCY = {Tier.LOAD: 64}
"""Default number of concurrent requests, for tiers where it is not the usual one."""
_BODIES = {Tier.EXHAUSTIVE: 256 * 1024 * 1024, Tier.LOAD: 256 * 1024 * 1024}
"""Bytes of all bodies together that are kept, for tiers that send thousands of requests."""
_OF_SILENCE = Limits().idle_timeout / Limits().deadline
"""The part of a longer time limit that a body may be silent for: a slow target needs more time there, too."""
_OF_THE_DEADLINE = 1 / 3
"""The part of a request's time limit that all requests under way may take, one after another."""


def limits_of(asked: Mapping[str, Any]) -> Limits:
    """The limits of a run that is asked for by these settings, named as in conformance.toml and on the command line."""
    usual, tier = Limits(), Tier(asked.get("tier", Tier.STANDARD))
    wanted = asked.get("concurrency", _CONCURRENCY.get(tier))
    timeout = asked.get("timeout", usual.deadline)
    return replace(
        usual,
        concurrency=wanted or usual.concurrency,
        least_concurrency=wanted or usual.least_concurrency,
        rate=asked.get("rate"),
        max_bodies=_BODIES.get(tier, usual.max_bodies),
        max_requests=asked.get("max_requests"),
        max_completion_tokens=asked.get("max_completion_tokens"),
        run_deadline=asked.get("deadline"),
        generated_time=asked.get("generated_time", usual.generated_time),
        deadline=timeout,
        first_byte_timeout=timeout,
        idle_timeout=min(max(usual.idle_timeout, timeout * _OF_SILENCE), timeout),
        connect_timeout=min(usual.connect_timeout, timeout),
    )


def paced(limits: Limits, known: Iterable[Exchange]) -> Limits:
    """The limits of a run whose first answers took as long as those of the preflight, `known`.

    What the user asked for is left as it is: then the least concurrency is no less.
    """
    slowest = max((one.ending.at for one in known if one.answer is not None and one.answer.status == 200), default=0.0)
    bearable = int(limits.deadline * _OF_THE_DEADLINE / slowest) if slowest else limits.concurrency
    return replace(limits, concurrency=min(limits.concurrency, max(limits.least_concurrency, bearable)))
