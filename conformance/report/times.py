"""How long the requests that a requirement was judged by took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from conformance.report.results import RequirementResult

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

Times = Mapping[str, float]
"""Seconds from the beginning of a request to the end of its answer, by the id of the exchange."""
NO_TIMES: Times = {}


def times_of(exchanges: Iterable[Exchange]) -> Times:
    """How long each exchange took."""
    return {exchange.id: exchange.ending.at for exchange in exchanges}


def seconds_of(result: RequirementResult, times: Times) -> float:
    """How long the exchanges that a requirement was judged by took, added up.

    One exchange decides many requirements and counts in each of them, and several are sent at once: such sums tell
    which requests are slow, and do not add up to the time of the run.
    """
    return sum(times.get(name, 0.0) for name in dict.fromkeys(result.exchanges))
