"""Keeps track of a plan's probes: which are still to be sent, which are finished, and which are never sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from conformance.contract.model import Operation, Tier
from conformance.probes.model import REFUSED_FOR_LOAD, Intent, Probe
from conformance.probes.script import StepKind
from conformance.probes.waves import GENERATED, MALFORMED
from conformance.targets.model import Target
from conformance.wire.errors import CredentialMissingError
from conformance.wire.exchange import EndKind, Exchange
from conformance.wire.legible import is_json

if TYPE_CHECKING:
    import httpx

INTERRUPTED = "the run was interrupted"

FollowUps = Callable[[Probe, int | None], Iterable[Probe]]
"""Gives the probes that follow from an answer, by the probe and the status that it got (None without an answer)."""


def chains(probes: Iterable[Probe]) -> list[list[Probe]]:
    """The probes that share a connection, in their order; every other probe is a chain of its own.

    The smoke tier comes first, since it decides most. Within a tier the longest chain comes first, since the run would
    wait for it at its end.
    """
    found: dict[str, list[Probe]] = {}
    for probe in probes:
        key = f"probe {probe.name}" if probe.connection is None else f"connection {probe.connection}"
        found.setdefault(key, []).append(probe)
    tiers = list(Tier)

    def order(chain: list[Probe]) -> tuple[int, int]:
        turns = sum(map(_turns, chain))
        return min(tiers.index(probe.tier) for probe in chain), -turns

    return sorted(found.values(), key=order)


def _turns(probe: Probe) -> int:
    """How many answers' time a probe takes: a client that waits for an interim answer waits twice."""
    waits = probe.script is not None and any(step.kind is StepKind.AWAIT_CONTINUE for step in probe.script.steps)
    return 1 + waits


def waves(probes: Iterable[Probe]) -> list[list[Probe]]:
    """The probes by wave, the first to be sent first.

    Hostile requests are a wave of their own each only where a plain request follows each, in the exhaustive tier.
    """
    ordered: dict[int, list[Probe]] = {}
    for probe in sorted(probes, key=lambda probe: probe.wave):
        ordered.setdefault(probe.wave, []).append(probe)
    hostile = [wave for wave in ordered if MALFORMED <= wave < GENERATED]
    if not any(probe.tier.includes(Tier.EXHAUSTIVE) for wave in hostile for probe in ordered[wave]):
        for wave in hostile[1:]:
            ordered[hostile[0]] += ordered.pop(wave)
    return list(ordered.values())


def was_served(exchange: Exchange) -> bool:
    """Whether an exchange brought a 2xx answer that came to its end."""
    answer = exchange.answer
    ended_well = exchange.ending.kind in {EndKind.COMPLETE, EndKind.HUNG_UP}
    return answer is not None and 200 <= answer.status < 300 and ended_well


def is_unexpected(probe: Probe, last: Exchange) -> bool:
    """Whether a probe that must be served was not, or one that must be refused was served, or broke the server.

    A combined probe says nothing by itself: what it combines is sent one by one then.
    """
    status = None if last.answer is None else last.answer.status
    if probe.intent is Intent.SERVED:
        return not was_served(last) and not probe.instead
    return probe.intent is Intent.REFUSED and status is not None and (status < 300 or status >= 500)


def is_taken_apart(probe: Probe, last: Exchange) -> bool:
    """Whether the parts of a combined probe are sent: it was to be served and was not, or it broke the server.

    One that says something only where it is served is due a document that can be read.
    """
    if probe.apart_unless_served:
        return not was_served(last) or last.answer is None or not is_json(last.answer)
    if probe.intent is Intent.SERVED:
        return not was_served(last)
    status = None if last.answer is None else last.answer.status
    return probe.intent is Intent.EITHER and status is not None and status >= 500 and status not in REFUSED_FOR_LOAD


class Schedule:
    """The probes of a run, each with its request: planned, finished or given up."""

    def __init__(
        self, probes: Iterable[Probe], operation: Operation, target: Target, follow_ups: FollowUps | None = None
    ) -> None:
        """Build every request before the first is sent, so that a mistake in the configuration costs nothing.

        Raises:
            RequestError: a probe cannot be made into a request.
        """
        self._operation = operation
        self._target = target
        self._follow_ups = follow_ups
        self._requests: dict[str, httpx.Request] = {}
        self._known: dict[str, Probe] = {}
        self._planned: dict[str, Probe] = {}
        self._unsent: dict[str, str] = {}
        self.finished = 0
        self.unexpected = 0
        """How many probes were answered in another way than a conforming deployment does."""
        for probe in probes:
            self._build(probe)
            self.plan([probe])

    @property
    def total(self) -> int:
        """How many probes there are by now, finished or not."""
        return self.finished + len(self._planned)

    @property
    def planned(self) -> tuple[Probe, ...]:
        """What is still to be sent, in the plan's order."""
        return tuple(self._planned.values())

    def request(self, probe: Probe) -> httpx.Request:
        """The request of a planned probe."""
        return self._requests[probe.name]

    def find(self, name: str) -> Probe | None:
        """The probe with this name, planned or held back to be sent instead of another."""
        return self._known.get(name)

    def plan(self, probes: Iterable[Probe]) -> list[Probe]:
        """Plan the probes that have a request and are not planned yet; returns these."""
        new = [probe for probe in probes if probe.name in self._requests and probe.name not in self._planned]
        self._planned.update((probe.name, probe) for probe in new)
        return new

    def finish(self, probe: Probe, last: Exchange) -> list[Probe]:
        """Note a probe's last exchange; returns the probes to send instead of it, and those that follow from it."""
        self._drop(probe)
        self.unexpected += is_unexpected(probe, last)
        instead = list(probe.instead) if is_taken_apart(probe, last) else []
        if self._follow_ups is not None:
            follow_ups = list(self._follow_ups(probe, None if last.answer is None else last.answer.status))
            for one in follow_ups:
                self._build(one)
            instead += follow_ups
        return self.plan(instead)

    def give_up(self, probe: Probe, reason: str) -> None:
        """Note that a probe is not sent, and why."""
        self._drop(probe)
        self._unsent[probe.name] = reason

    def unsent(self) -> dict[str, str]:
        """Why each probe that was not sent was not, by name; what is still planned counts as interrupted."""
        return self._unsent | dict.fromkeys(self._planned, INTERRUPTED)

    def _drop(self, probe: Probe) -> None:
        self._planned.pop(probe.name, None)
        # Without its request it is not planned a second time.
        self._requests.pop(probe.name, None)
        self.finished += 1

    def _build(self, probe: Probe) -> None:
        from conformance.wire.request import build_request  # noqa: PLC0415 - brings httpx in, 60 ms

        if probe.name in self._known:
            return
        self._known[probe.name] = probe
        try:
            self._requests[probe.name] = build_request(probe, self._operation, self._target)
        except CredentialMissingError as error:
            self._unsent[probe.name] = str(error)
        for instead in probe.instead:
            self._build(instead)
