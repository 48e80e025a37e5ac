"""Judges faulty deployments by the requests' keywords alone: sent over the wire, judged here without pytest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from conformance.contract import Contract, Requirement, Tier
from conformance.probes import plan
from conformance.reference import EmbeddedReference
from conformance.reference.stages import Stages
from conformance.suite.expect import CANNOT_JUDGE, Expect, Judgement, conclude
from conformance.suite.observations import Observations
from conformance.suite.outcome import BROKEN
from conformance.suite.request_judging import judge_request_keyword
from conformance.targets import Limits
from conformance.wire import Exchange, observe_sync


@dataclass(frozen=True, slots=True)
class Bench:
    """The keywords of a contract's request, ready to judge one deployment after another."""

    contract: Contract
    rows: tuple[Requirement, ...]
    needs: tuple[str, ...]

    def observe(self, stages: Stages, tier: Tier) -> Observations:
        """What a deployment of these stages does with everything that is sent for the keywords."""
        name = self.contract.profile.name
        with EmbeddedReference(name, stages=stages, contract=self.contract) as reference:
            target = replace(reference.target, other_api_key=None, other_parameters={})
            planned = plan(self.contract, target, self.needs, tier)
            seen = observe_sync(planned.probes, self.contract.operation, target, Limits(), _kept)
        return Observations(self.contract, planned, seen.exchanges, seen.unsent)

    def judgements(self, observations: Observations) -> Mapping[str, Judgement]:
        """The judgement of each keyword."""
        return {row.id: judged(row, observations) for row in self.rows}

    def broken_by(self, stages: Stages, tier: Tier) -> set[str]:
        """The keywords that a deployment breaks."""
        found = self.judgements(self.observe(stages, tier))
        return {name for name, judgement in found.items() if judgement.outcome in BROKEN}


def bench_of(contract: Contract) -> Bench:
    """The bench of a contract."""
    rows = tuple(_rows(contract.requirements))
    return Bench(contract, rows, ("completion/plain", "completion/logprobs", *(f"{row.id}/*" for row in rows)))


def _rows(rows: Iterable[Requirement]) -> Iterable[Requirement]:
    for row in rows:
        if row.keyword is not None and (row.keyword.location == "request" or row.keyword.location.startswith("path.")):
            yield row


def judged(row: Requirement, observations: Observations) -> Judgement:
    """The judgement of one keyword, as a run makes it."""
    expect = Expect(row)
    try:
        judge_request_keyword(row, observations, expect)
    except CANNOT_JUDGE as stopped:
        return conclude(expect, stopped)
    return conclude(expect, None)


def _kept(exchange: Exchange) -> Exchange:
    return exchange
