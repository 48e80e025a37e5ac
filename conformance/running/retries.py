"""Findings that are tried again: which requests of a run are sent once more, and what a further round shows.

An exchange is a fact: what it broke stays broken, however often the same request goes well afterwards. A further round
only shows how often. It is judged like the run itself, with its own exchanges in the place of the run's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from conformance.probes import Plan, Probe
from conformance.probes.shrinking import origin_of
from conformance.suite.expect import Judgement
from conformance.targets import Limits
from conformance.wire import Exchange

MOST_ROUNDS: Final = 20
"""How often the findings of a run are tried again at most."""


def tried_again(judgements: Iterable[Judgement]) -> frozenset[str]:
    """The names of the probes that findings rest on; where none has an exchange, those that were looked at."""
    names: set[str] = set()
    for judgement in judgements:
        found = [finding.exchange for finding in judgement.findings if finding.exchange is not None]
        names.update(origin_of(exchange.rpartition("#")[0]) for exchange in found or judgement.exchanges)
    return frozenset(names)


def probes_again(plan: Plan, names: Iterable[str]) -> tuple[Probe, ...]:
    """The probes to send again, in the plan's order: those named, and those that share their connection with them.

    A packed probe is not taken apart again: its parts are among the named where findings rest on them.
    """
    wanted = set(names)
    every = list(plan.every_probe())
    shared = {probe.connection for probe in every if probe.name in wanted and probe.connection is not None}
    return tuple(
        replace(probe, instead=()) for probe in every if probe.name in wanted or probe.connection in shared - {None}
    )


def of_round(exchanges: Iterable[Exchange], number: int) -> tuple[Exchange, ...]:
    """What a round is judged by: its own exchanges, and those of the run itself for probes that it did not send."""
    seen = tuple(exchanges)
    own = {exchange.probe for exchange in seen if number and exchange.round == number}
    return tuple(
        exchange for exchange in seen if (exchange.round == number if exchange.probe in own else exchange.round == 0)
    )


def numbered(
    append: Callable[[Exchange], Exchange], known: Sequence[Exchange], number: int
) -> Callable[[Exchange], Exchange]:
    """`append` for the exchanges of a round: their attempts and connections are numbered after the known ones."""
    attempts: Mapping[str, int] = {
        exchange.probe: exchange.attempt for exchange in sorted(known, key=lambda exchange: exchange.attempt)
    }
    connections = max((exchange.connection or 0 for exchange in known), default=0)

    def record(exchange: Exchange) -> Exchange:
        attempt = exchange.attempt + attempts.get(exchange.probe, 0)
        connection = None if exchange.connection is None else exchange.connection + connections
        identity = f"{exchange.probe}#{attempt}"
        return append(replace(exchange, id=identity, attempt=attempt, connection=connection, round=number))

    return record


def left_of(limits: Limits, plan: Plan, known: Sequence[Exchange]) -> Limits:
    """What may still be spent after these exchanges; a worst case was reserved for each of them."""
    costs = {probe.name: probe.completion_tokens for probe in plan.every_probe()}
    spent = sum(costs.get(exchange.probe, 0) for exchange in known)
    requests, tokens = limits.max_requests, limits.max_completion_tokens
    return replace(
        limits,
        max_requests=None if requests is None else max(requests - len(known), 0),
        max_completion_tokens=None if tokens is None else max(tokens - spent, 0),
    )
