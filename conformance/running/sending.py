"""Sends what a run has planned, and keeps it as evidence; or sends some of it once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import conformance
from conformance.evidence import EvidenceWriter
from conformance.probes import Plan, plan_data
from conformance.probes.request_body import RequestBody
from conformance.probes.shrinking import Shrinking
from conformance.running.observed import INTERRUPTED, Observed, from_evidence
from conformance.running.recorded_target import recorded_target
from conformance.running.resume import require_same_plan
from conformance.running.retries import left_of, numbered, probes_again
from conformance.running.run import Run
from conformance.suite.observations import Observations
from conformance.wire import Exchange, Unreachable, observe_sync
from conformance.wire import observe as send_probes

Progress = Callable[[int, int], None]


def observe(run: Run, needs: Iterable[str], progress: Progress | None = None) -> Observed:
    """Send the plan, or take the recorded exchanges, and make them readable for the tests.

    Raises:
        Unreachable: nobody listens at the target's address.
        OSError: the evidence cannot be written.
    """
    if run.recorded is not None:
        return from_evidence(run.contract, run.recorded)
    return asyncio.run(send(run, needs, progress))


async def send(run: Run, needs: Iterable[str], progress: Progress | None = None) -> Observed:
    """Send the plan; Ctrl-C, which cancels this task, ends it with what was seen so far.

    Raises:
        Unreachable, OSError: as `observe`.
    """
    planned = run.plan(needs)
    writer, known = _writer(run, planned)
    retries = tuple(one for one in known if one.round)
    known = tuple(one for one in known if not one.round)
    with writer:
        try:
            seen = await send_probes(
                planned.probes,
                run.contract.operation,
                run.target,
                run.settings.limits,
                writer.append,
                progress,
                known,
                follow_ups=Shrinking(RequestBody(run.contract, run.target)),
            )
        except Unreachable:
            if not known:
                writer.path.unlink()
            raise
        writer.finish(unsent=seen.unsent, interrupted=seen.interrupted)
    observations = Observations(run.contract, planned, seen.exchanges, seen.unsent)
    return Observed(observations, retries, INTERRUPTED if seen.interrupted else None)


def send_again(run: Run, observed: Observed, names: Iterable[str], number: int) -> Observed:
    """Send probes of the run once more, as a round of this number; what of it is known already is not sent.

    The budget is that of the whole run. Gives all that was seen, with this round.

    Raises:
        Unreachable: nobody listens at the target's address any more.
        OSError: the evidence cannot be written.
    """
    planned, known = observed.observations.plan, observed.exchanges
    done = {exchange.probe for exchange in observed.retries if exchange.round == number and exchange.last}
    probes = probes_again(planned, set(names) - done)
    limits = left_of(run.settings.limits, planned, known)
    writer, _ = EvidenceWriter.resume(run.evidence_directory, run.redactor)
    interrupted = False
    with writer:
        record = numbered(writer.append, known, number)
        try:
            seen = observe_sync(probes, run.contract.operation, run.target, limits, record)
            interrupted = seen.interrupted
        finally:
            writer.finish(unsent=observed.observations.unsent, interrupted=interrupted)
    return replace(
        observed,
        retries=(*observed.retries, *seen.exchanges),
        interrupted=INTERRUPTED if interrupted else observed.interrupted,
    )


def nothing_observed(run: Run, needs: Iterable[str], reason: str) -> Observed:
    """What is seen of a target that nobody can reach: nothing, and why."""
    return Observed(Observations(run.contract, run.plan(needs), (), {}, unreachable=reason))


def _writer(run: Run, planned: Plan) -> tuple[EvidenceWriter, tuple[Exchange, ...]]:
    """Where exchanges go, and those that are there already, of the run that is resumed."""
    if run.resumed is None:
        return EvidenceWriter(run.evidence_directory, run.redactor, _header(run, planned)), ()
    # As it was written: without secrets.
    probes = run.redactor.value({"probes": plan_data(planned)})["probes"]
    require_same_plan(run.resumed, probes, run.evidence_directory.parent)
    writer, evidence = EvidenceWriter.resume(run.evidence_directory, run.redactor)
    return writer, evidence.exchanges


def _header(run: Run, planned: Plan) -> dict[str, Any]:
    profile = run.contract.profile
    return {
        "suite": {"name": "chat-conformance", "version": conformance.__version__},
        "profile": {"name": profile.name, "version": profile.version, "sha256": profile.sha256},
        "target": recorded_target(run.target, run.contract),
        "tier": run.tier.value,
        "only": list(run.settings.only),
        "generated": run.settings.generated,
        "release": None if run.release is None else run.release.version,
        "started": run.started,
        "probes": plan_data(planned),
    }
