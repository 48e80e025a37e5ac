"""Since when a target that served plain requests no longer does: what is sent after that shows nothing of itself."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.suite.sent_values import sent_value
from conformance.wire.exchange import Exchange

HEALTH = ("robustness/health", "robustness/health-after-*", "load/health-after-*")
"""The plain requests that show a target's health, by name or glob."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a target did not serve plain requests, from `begins` to `ends` (seconds since 1970).

    `health` is the exchange that shows it first.
    """

    health: str
    begins: float
    ends: float


def began(exchange: Exchange) -> float:
    """When a request began, in seconds since 1970 by the clock of the run."""
    return datetime.fromisoformat(exchange.started).timestamp()


def ended(exchange: Exchange) -> float:
    """When an exchange ended, by the same clock."""
    return began(exchange) + exchange.ending.at


def prompt_of(exchange: Exchange) -> Any:
    """The messages of a request, or None where it has none."""
    body = sent_value(exchange.request.body)
    return body.get("messages") if isinstance(body, dict) else None


def is_health(probe: str) -> bool:
    """Whether a probe asks for a target's health."""
    return any(fnmatch.fnmatchcase(probe, pattern) for pattern in HEALTH)


def unwell_spells(exchanges: Iterable[Exchange], is_served: Callable[[Exchange], bool]) -> tuple[Spell, ...]:
    """The times in which requests for the target's health were not served, although the same had been served before.

    A target that never served their prompt, or refuses for load, is not unwell.
    """
    final = sorted((one for one in exchanges if one.last), key=began)
    return tuple(_spells([one for one in final if is_health(one.probe)], final, is_served))


def _spells(health: list[Exchange], final: list[Exchange], is_served: Callable[[Exchange], bool]) -> Iterator[Spell]:
    first: Exchange | None = None
    for one in health:
        if one.answer is not None and one.answer.status in REFUSED_FOR_LOAD:
            continue
        if is_served(one):
            if first is not None:
                yield Spell(first.id, began(first), ended(one))
            first = None
        elif first is None and _was_served_before(one, final, is_served):
            first = one
    if first is not None:
        yield Spell(first.id, began(first), math.inf)


def _was_served_before(unwell: Exchange, final: list[Exchange], is_served: Callable[[Exchange], bool]) -> bool:
    asked, begins = prompt_of(unwell), began(unwell)
    return any(ended(one) <= begins and prompt_of(one) == asked and is_served(one) for one in final)
