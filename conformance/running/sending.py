"""Sends what a run has planned, and keeps it as evidence; or sends some of it once more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import conformance
from conformance.evidence import EvidenceWriter
from conformance.probes import Plan, Probe, plan_data, plan_from
from conformance.probes.left_out import left_out
from conformance.probes.narrowing import follow_ups
from conformance.probes.preflight import PREFLIGHT
from conformance.probes.waves import REPEATED
from conformance.running.limits import paced
from conformance.running.observed import FAILED_FAST, INTERRUPTED, Observed, from_evidence, out_of_time
from conformance.running.preflight import preflight
from conformance.running.recorded_target import recorded_target
from conformance.running.replay import RecordedRun
from conformance.running.resume import require_same_plan
from conformance.running.retries import left_of, numbered, probes_again
from conformance.running.run import Run
from conformance.running.run_time import run_time
from conformance.running.watch import UNWATCHED, Watch
from conformance.suite.needless import not_needed
from conformance.suite.observations import Observations
from conformance.suite.setup import setup_problem
from conformance.targets import TargetError
from conformance.wire import Exchange, Observation, RunTime, observe_sync
from conformance.wire import observe as send_probes
from conformance.wire.observe import SoFar
from conformance.wire.schedule import chains, waves

NOTHING_TO_JUDGE = "the smallest valid request was not served"
"""Why the rest of a plan is not sent where the preflight ends the run."""
NOT_YET = "its turn has not come"
"""Why a probe is not sent while a run goes on."""

_BATCH = 16
"""How many probes are sent between two looks at what is broken, at least, where the first broken MUST ends a run."""


def observe(run: Run, needs: Iterable[str], watch: Watch = UNWATCHED) -> Observed:
    """Send the plan, or take the recorded exchanges, and make them readable for the tests.

    Raises:
        Unreachable: nobody listens at the target's address.
        OSError: the evidence cannot be written.
    """
    if run.recorded is not None:
        return from_evidence(run.contract, run.recorded)
    return asyncio.run(send(run, needs, watch))


async def send(run: Run, needs: Iterable[str], watch: Watch = UNWATCHED) -> Observed:
    """Send the plan; Ctrl-C, which cancels this task, ends it with what was seen so far.

    Raises:
        Unreachable, OSError: as `observe`.
        TargetError: the plan may cost so much that somebody has to agree to it.
    """
    planned = run.plan(needs)
    time = run_time(run, planned)
    if run.resumed is None:
        _require_agreement(run, planned)
    watch.planned(planned)
    if run.resumed is None:
        found = await preflight(run, planned, time=time)
        if found.dialect != run.target.dialect:
            run = replace(run, target=replace(run.target, dialect=found.dialect))
            planned = run.plan(needs)
        planned = _with(found.probes, planned)
        stopped = found.problem is not None and run.settings.preflight
        writer = EvidenceWriter(run.evidence_directory, run.redactor, evidence_header(run, planned, stopped=stopped))
        with writer:
            known = tuple(map(writer.append, found.exchanges))
            if stopped or found.interrupted:
                return _ended_early(run, planned, writer, known, interrupted=found.interrupted)
            return await _send_planned(run, planned, writer, known, watch, time)
    planned = _with(_preflight_of(run.resumed), planned)
    # As it was written: without secrets.
    probes = run.redactor.value({"probes": plan_data(planned)})["probes"]
    require_same_plan(run.resumed, probes, run.evidence_directory.parent)
    writer, evidence = EvidenceWriter.resume(run.evidence_directory, run.redactor)
    with writer:
        return await _send_planned(run, planned, writer, evidence.exchanges, watch, time)


COSTS_MUCH: Final = 100_000
"""Completion tokens of a plan, at worst, to which an operator has to agree."""


def _require_agreement(run: Run, planned: Plan) -> None:
    """Require that somebody wants to pay for a dear plan; nobody pays for the reference deployment.

    Raises:
        TargetError: nobody has said so.
    """
    cost, limit = planned.worst_case_tokens, run.settings.limits.max_completion_tokens
    if run.settings.may_cost_much or run.target.embedded or min(cost, limit or cost) <= COSTS_MUCH:
        return
    raise TargetError(
        f"the plan may cost {cost:,} completion tokens at worst; give --yes to agree to that, or"
        " --max-completion-tokens to bound it (--plan shows what costs how much)."
    )


async def _send_planned(
    run: Run, planned: Plan, writer: EvidenceWriter, known: Sequence[Exchange], watch: Watch, time: RunTime
) -> Observed:
    """Send what is planned and not known yet, but for what is about something that the target lacks."""
    retries = tuple(one for one in known if one.round)
    lacking = left_out(planned, run.target)
    probes = [_without(lacking, probe) for probe in planned.probes if probe.name not in lacking]
    own = tuple(one for one in known if not one.round)

    def observed(seen: Observation, interrupted: str | None = None) -> Observed:
        sent = {one.probe for one in seen.exchanges}
        unsent = {name: why for name, why in lacking.items() if name not in sent} | seen.unsent
        observations = Observations(run.contract, planned, seen.exchanges, unsent)
        return Observed(observations, retries, interrupted, run.target.dialect)

    def with_rest(seen: Observation, why: str) -> Observation:
        known = {one.probe for one in seen.exchanges} | seen.unsent.keys()
        rest = [probe.name for probe in probes if probe.name not in known]
        return replace(seen, unsent=dict.fromkeys(rest, why) | seen.unsent)

    limits = paced(run.settings.limits, own)
    seen, interrupted = Observation(own), None
    for batch in _batches(probes, one_by_one=watch.broken is not None):
        lacking |= not_needed(batch, observed(seen).observations)
        given_up = seen.unsent
        seen = await send_probes(
            [probe for probe in batch if probe.name not in lacking and probe.name not in given_up],
            run.contract.operation,
            run.target,
            limits,
            writer.append,
            _progress_of(watch, len(probes)),
            seen.exchanges,
            follow_ups=follow_ups(run.request_body),
            run_time=time,
        )
        seen = replace(seen, unsent=given_up | seen.unsent)
        interrupted = INTERRUPTED if seen.interrupted else out_of_time(seen.unsent.values())
        if interrupted is not None:
            break
        if watch.broken is not None and watch.broken(observed(with_rest(seen, NOT_YET))) is not None:
            interrupted = FAILED_FAST if len(batch) < len(probes) else None
            break
    result = observed(with_rest(seen, interrupted) if interrupted else seen, interrupted)
    writer.finish(unsent=result.observations.unsent, interrupted=interrupted is not None)
    return result


def _batches(probes: Sequence[Probe], *, one_by_one: bool) -> Iterator[list[Probe]]:
    """Longer and longer beginnings of a plan, the last of them the whole: what most depends on comes first.

    A beginning ends before what is only sent where the probes before it do not decide. `one_by_one` makes them short:
    then probes of one connection stay together, and so do those of a later wave, some of which wait for each other.
    """
    if not one_by_one:
        if any(probe.wave == REPEATED for probe in probes):
            yield [probe for probe in probes if probe.wave < REPEATED]
        yield list(probes)
        return
    begun: list[Probe] = []
    for wave in waves(probes):
        size = len(begun)
        for chain in chains(wave):
            begun += chain
            if wave[0].wave == 0 and len(begun) - size >= _BATCH:
                yield list(begun)
                size = len(begun)
        if len(begun) > size:
            yield list(begun)


def _progress_of(watch: Watch, total: int) -> Callable[[SoFar], None] | None:
    """The watch's progress, out of all that is planned, also where only a part of it is sent now."""
    progress = watch.progress
    if progress is None:
        return None
    return lambda so_far: progress(replace(so_far, total=max(so_far.total, total)))


def _ended_early(
    run: Run, planned: Plan, writer: EvidenceWriter, known: Sequence[Exchange], *, interrupted: bool
) -> Observed:
    """What is seen where the preflight ends the run: only its own exchanges."""
    sent = {one.probe for one in known}
    why = INTERRUPTED if interrupted else NOTHING_TO_JUDGE
    unsent = {probe.name: why for probe in planned.probes if probe.name not in sent}
    writer.finish(unsent=unsent, interrupted=interrupted)
    observations = Observations(run.contract, planned, known, unsent)
    problem = None if interrupted else setup_problem(known, run.contract, run.target)
    return Observed(observations, (), INTERRUPTED if interrupted else None, run.target.dialect, problem)


def _with(own: Sequence[Probe], planned: Plan) -> Plan:
    """A plan with the preflight's own probes before all others."""
    return Plan((*own, *planned.probes))


def _preflight_of(resumed: RecordedRun) -> list[Probe]:
    """The preflight's own probes of the run that is resumed; they were sent, and cannot be sent again."""
    recorded = plan_from(resumed.header["probes"]).probes
    return [probe for probe in recorded if probe.name.startswith(PREFLIGHT)]


def _without(lacking: Container[str], probe: Probe) -> Probe:
    """A probe without those parts that are about something that the target lacks."""
    kept = tuple(part for part in probe.instead if part.name not in lacking)
    return probe if len(kept) == len(probe.instead) else replace(probe, instead=kept)


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
            time = run_time(run, planned)
            seen = observe_sync(probes, run.contract.operation, run.target, limits, record, run_time=time)
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


def evidence_header(run: Run, planned: Plan, *, stopped: bool) -> dict[str, Any]:
    """The first line of a run's evidence."""
    profile = run.contract.profile
    return {
        "suite": {"name": "chat-conformance", "version": conformance.__version__},
        "profile": {"name": profile.name, "version": profile.version, "sha256": profile.sha256},
        "target": recorded_target(run.target, run.contract),
        "tier": run.tier.value,
        "only": list(run.settings.only),
        "exclude": list(run.settings.exclude),
        "generated": run.settings.generated,
        "seed": run.recorded_seed,
        "release": None if run.release is None else run.release.version,
        "started": run.started,
        "stopped": stopped,
        **({"challenge": run.challenge.data()} if run.challenge is not None else {}),
        "probes": plan_data(planned),
    }
