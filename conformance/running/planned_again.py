"""The plan of a recorded run, made again from what decides it: nothing is taken from the plan in its evidence.

A plan follows from the contract, the tier, what the target was declared to be and to lack, and what the answers to the
preflight showed. These answers are in the evidence, so that the preflight can be held again with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.probes import Plan, Probe
from conformance.probes.completions import SHORTEST, SMALLEST
from conformance.probes.preflight import PREFLIGHT
from conformance.running.preflight import preflight
from conformance.running.run import Run
from conformance.targets import Target
from conformance.targets.deployment_dialect import PLAIN
from conformance.wire import Exchange, Observation

_RENAMED = {SMALLEST: (f"{PREFLIGHT}try-", f"{PREFLIGHT}limit-"), SHORTEST: (f"{PREFLIGHT}limit-",)}
"""What the names of a probe's exchanges begin with where it had to be sent in another way, or again."""


@dataclass(frozen=True, slots=True)
class PlannedAgain:
    """The plan that a recorded run had to have, for a target that takes requests as its preflight showed."""

    plan: Plan
    target: Target
    asked: Mapping[str, Probe]
    """What the preflight sent, by the names of its exchanges: as the target was known then to take requests."""


def planned_again(run: Run, needs: Iterable[str]) -> PlannedAgain:
    """The plan for what the tests need (names and globs), from a run over recorded evidence."""
    assert run.recorded is not None
    patterns = tuple(needs)
    asking = replace(run, target=replace(run.target, dialect=PLAIN), settings=replace(run.settings, generated=0))
    own = tuple(one for one in run.recorded.exchanges if not one.round)
    recorded = _Recorded(own)
    found = asyncio.run(preflight(asking, asking.plan(patterns), recorded.send))
    target = replace(run.target, dialect=found.dialect)
    planned = replace(run, target=target).plan(patterns)
    return PlannedAgain(Plan((*found.probes, *planned.probes)), target, recorded.asked)


class _Recorded:
    """Gives what came of the preflight's probes then, in the order in which it was recorded."""

    def __init__(self, recorded: Sequence[Exchange]) -> None:
        self._left = list(recorded)
        self.asked: dict[str, Probe] = {}

    async def send(self, probes: Sequence[Probe], known: Sequence[Exchange]) -> Observation:
        sent = {one.probe for one in known if one.last}
        found = [one for probe in probes if probe.name not in sent for one in self._next(probe)]
        return Observation((*known, *found))

    def _next(self, probe: Probe) -> list[Exchange]:
        """The attempts at a probe that come first, under its own name."""
        prefixes = _RENAMED.get(probe.name, ())
        name = next(
            (one.probe for one in self._left if one.probe == probe.name or one.probe.startswith(prefixes)), None
        )
        found: list[Exchange] = []
        for one in self._left:
            if one.probe == name:
                found.append(one)
                if one.last:
                    break
        if name is not None:
            self.asked[name] = probe
        taken = {id(one) for one in found}
        self._left = [one for one in self._left if id(one) not in taken]
        return [replace(one, probe=probe.name, id=f"{probe.name}#{one.attempt}") for one in found]
