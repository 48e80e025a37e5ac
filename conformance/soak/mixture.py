"""The requests of a soak: a handful of valid ones of the plan, mixed by a seed, each with a word of its own."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Final

from conformance.contract.model import Tier
from conformance.probes import Plan, Probe
from conformance.probes.canaries import MOST_NUMBERED, numbered_word, repeating
from conformance.probes.left_out import left_out
from conformance.probes.request_body import with_last_text
from conformance.running.run import Run
from conformance.targets import TargetError

OWN_WORD: Final = "stream/at-once-0"
"""The stream that is asked to repeat the word of its request: in whichever answer the word stands, it is seen."""
WEIGHTS: Final[Mapping[str, int]] = {
    OWN_WORD: 30,
    "stream/plain": 20,
    "stream/usage": 15,
    "stream/multibyte": 10,
    "completion/plain": 10,
    "completion/long-answer": 10,
    "completion/multibyte": 5,
}
"""The requests by the names of their probes, and how many of a hundred each is."""
_ROOM_FOR_WORDS: Final = 48
"""Completion tokens for an answer with its word in it."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """Gives the nth request. It follows from the seed and the number alone, whoever sends it."""

    probes: tuple[Probe, ...]
    seed: int

    @property
    def weights(self) -> dict[str, int]:
        """The requests that are sent, each with its weight."""
        return {probe.name: WEIGHTS[probe.name] for probe in self.probes}

    @property
    def mean_tokens(self) -> float:
        """Completion tokens of a request at worst, on average."""
        total = sum(self.weights.values())
        return sum(probe.completion_tokens * WEIGHTS[probe.name] for probe in self.probes) / total

    def name_of(self, number: int) -> str:
        """The id of the exchange that the nth request leads to, counted from 0."""
        return f"{self._drawn(number).name}#{number + 1}"

    def request(self, number: int) -> Probe:
        """The nth request, counted from 0."""
        probe, word = self._drawn(number), numbered_word(self.seed, number)
        said = repeating(word)
        change = (lambda _: said) if probe.name == OWN_WORD else (lambda text: f"{text}\n({word})")
        body = {**probe.body, "messages": with_last_text(probe.body["messages"], change)}
        return replace(probe, body=body)

    def _drawn(self, number: int) -> Probe:
        place = random.Random(f"{self.seed}:{number}").random()  # noqa: S311 - no secret hangs on it
        sums = list(accumulate(WEIGHTS[probe.name] for probe in self.probes))
        return next(probe for probe, most in zip(self.probes, sums, strict=True) if place * sums[-1] < most)


def mixture_of(run: Run, seed: int, requests: int | None) -> Mixture:
    """The mixture for a target, without what it lacks.

    Raises:
        TargetError: none of the requests is one that the contract has, or there would be too many.
    """
    if requests is not None and requests > MOST_NUMBERED:
        raise TargetError(f"a soak has at most {MOST_NUMBERED:,} requests; make several, each with another --seed.")
    planned = replace(run, tier=Tier.EXHAUSTIVE).plan(WEIGHTS)
    lacking = left_out(planned, run.target)
    known = {probe.name: probe for probe in planned.every_probe() if probe.name not in lacking}
    chosen = [_alone(known[name], run) for name in WEIGHTS if name in known]
    if not chosen:
        raise TargetError("the contract has none of the plain requests that a soak is made of.")
    return Mixture(tuple(chosen), seed)


def plan_of(mixture: Mixture) -> Plan:
    """The requests as a plan, for the header of the evidence."""
    return Plan(mixture.probes)


def _alone(probe: Probe, run: Run) -> Probe:
    """A probe as it is sent here: over any connection, with nothing after it, and with room for its word."""
    probe = replace(probe, connection=None, instead=(), wave=0)
    field = run.request_body.limit_field
    if probe.name != OWN_WORD or field is None:
        return probe
    limit = run.request_body.limit(_ROOM_FOR_WORDS)
    return replace(probe, body={**probe.body, field: limit}, completion_tokens=limit)
