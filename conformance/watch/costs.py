"""What judging requirements of a target may cost at most, by the plan that a run of them would make."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from conformance.contract.model import Tier
from conformance.probes import Plan
from conformance.probes.preflight import ROOM_TO_THINK
from conformance.running.opening import open_run
from conformance.running.preflight import MOST_REQUESTS
from conformance.running.pytest_session import collect
from conformance.running.run import RunSettings
from conformance.watch.errors import BROKE, WatchError

_PREFLIGHT_TOKENS = sum(ROOM_TO_THINK) + MOST_REQUESTS * 32
"""Completion tokens that the preflight's own requests may take: short answers, and room to think."""


@dataclass(frozen=True, slots=True)
class Planned:
    """Requests and completion tokens, at most."""

    requests: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Costs:
    """The requirements of a tier in the catalogue's order, the probes that each needs, and what each probe costs."""

    tier: Tier
    needs: Mapping[str, frozenset[str]]
    probes: Mapping[str, Planned]
    preflight: Planned = field(default=Planned(MOST_REQUESTS, _PREFLIGHT_TOKENS))

    def of(self, requirements: Iterable[str]) -> Planned:
        """What a run that judges only these may cost."""
        names = frozenset().union(*(self.needs[one] for one in requirements))
        planned = [self.probes[name] for name in names]
        requests, tokens = sum(one.requests for one in planned), sum(one.tokens for one in planned)
        return Planned(requests + self.preflight.requests, tokens + self.preflight.tokens)

    @property
    def whole(self) -> Planned:
        """What a run of the whole tier may cost."""
        return self.of(self.needs)


def costs_of(settings: RunSettings, environ: Mapping[str, str], tier: Tier) -> Costs:
    """What a run with these settings may cost in a tier; nothing is sent.

    Raises:
        WatchError: the suite itself broke.
        ContractError, TargetError: the target cannot be judged as it is configured.
    """
    with open_run(replace(settings, tier=tier, out=None), environ) as run:
        suite_run, ended = collect(run)
        if suite_run.broken or ended.failed:
            raise WatchError("the suite itself broke, which says nothing about the target; please report it.", BROKE)
        return costs_by(tier, suite_run.needs_of, run.plan(suite_run.needs))


def costs_by(tier: Tier, needs_of: Mapping[str, Iterable[str]], planned: Plan) -> Costs:
    """The costs by what each requirement needs (names and globs of probes) and the plan of all."""
    names = {probe.name: (probe.name, *(part.name for part in probe.instead)) for probe in planned.probes}
    known: dict[str, frozenset[str]] = {}
    for pattern in {one for needs in needs_of.values() for one in needs}:
        fits = (name for name, parts in names.items() if any(fnmatch.fnmatchcase(one, pattern) for one in parts))
        known[pattern] = frozenset(fits)
    return Costs(
        tier,
        {row: frozenset().union(*(known[one] for one in needs)) for row, needs in needs_of.items()},
        {
            probe.name: Planned(
                1 + len(probe.instead),
                probe.completion_tokens + sum(part.completion_tokens for part in probe.instead),
            )
            for probe in planned.probes
        },
    )
