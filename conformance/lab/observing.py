"""Observes lab targets in this process: each is served, and sent everything that the suite needs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from conformance.contract.model import Contract, Tier
from conformance.evidence import Redactor
from conformance.lab.targets import LabTarget, contract_of
from conformance.reference import EmbeddedReference
from conformance.reference.own_contract import reference_dialect
from conformance.reference.server import new_tenants
from conformance.reference.settings import Tenant
from conformance.running.observed import Observed
from conformance.running.opening import collecting, credential_headers
from conformance.running.pytest_session import collect
from conformance.running.run import Run, RunSettings
from conformance.running.sending import nothing_observed, send
from conformance.targets import Limits, Target
from conformance.wire import Unreachable

GENERATED = 6
"""Generated requests of each kind: just enough to show that their requirements find something."""
LIMITS = Limits(concurrency=8, first_byte_timeout=4.0, idle_timeout=1.5, deadline=6.0, connect_timeout=4.0, retries=1)
"""Short times, for what hangs; fewer requests at once than usual, since one thread is both server and client."""
WAITING_LIMITS = replace(LIMITS, concurrency=24, least_concurrency=24)
"""For targets that fall silent: all their requests wait at the same time."""
_AT_ONCE = 4
"""How many targets that wait are observed at the same time."""


def observed_targets(targets: Sequence[LabTarget], folder: Path) -> Iterator[ObservedTarget]:
    """Observe the targets, in a thread of its own: a server in the main thread would catch its signals.

    One thread is both server and client, so that neither waits for the other.
    """
    needs_of(targets[0].profile, targets[0].tier)  # collected here, because pytest cannot run in two threads
    with ThreadPoolExecutor(1, thread_name_prefix="lab") as thread:
        waiting = [target for target in targets if target.waits]
        yield from thread.submit(asyncio.run, _observe_together(waiting, folder)).result()
        for target in targets:
            if not target.waits:
                yield thread.submit(asyncio.run, _observe(target, folder)).result()


async def _observe_together(targets: Sequence[LabTarget], folder: Path) -> list[ObservedTarget]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def observe(target: LabTarget) -> ObservedTarget:
        async with slots:
            return await _observe(target, folder)

    return await asyncio.gather(*map(observe, targets))


def evidence_folder(keep: Path, target: LabTarget) -> Path:
    """The folder for the evidence of a target."""
    return keep / contract_of(target.profile).profile.name / target.id.replace(":", "_")


@dataclass(frozen=True, slots=True)
class ObservedTarget:
    """A target with what was observed, and the seconds that it took."""

    target: LabTarget
    run: Run
    observed: Observed
    seconds: float


async def _observe(target: LabTarget, folder: Path) -> ObservedTarget:
    """Serve a target, and send it everything that the suite needs."""
    began = time.monotonic()
    contract, needs = contract_of(target.profile), needs_of(target.profile, target.tier)
    tenants = _tenants(target.profile)
    async with EmbeddedReference(target.profile, hooks=target.hooks, contract=contract, tenants=tenants) as reference:
        out = evidence_folder(folder, target)
        run = _lab_run(contract, _declared(reference.target, target), out, target)
        try:
            observed = await send(run, needs)
        except Unreachable as error:
            observed = nothing_observed(run, needs, str(error))
    return ObservedTarget(target, run, observed, time.monotonic() - began)


def _declared(target: Target, lab_target: LabTarget) -> Target:
    """A target with what its operator declares."""
    fault = lab_target.fault
    if fault is None:
        return target
    declared = replace(target, unsupported=fault.unsupported)
    if not fault.one_tenant:
        return declared
    return replace(declared, second_tenant=False, other_api_key=None, other_parameters={})


@cache
def _tenants(profile: str) -> tuple[Tenant, Tenant]:
    """The same for all targets of a profile in a process: preparing the redaction of their keys takes time."""
    return new_tenants(reference_dialect(contract_of(profile)))


def _lab_run(contract: Contract, target: Target, out: Path, lab_target: LabTarget) -> Run:
    """A run of the lab, with few generated requests and short timeouts."""
    tier = lab_target.tier
    settings = RunSettings(
        contract.profile.name,
        base_url=target.base_url,
        tier=tier,
        out=out,
        limits=WAITING_LIMITS if lab_target.waits else LIMITS,
        generated=GENERATED,
        focus=lab_target.focus,
        preflight=False,
    )
    return Run(
        settings=settings,
        contract=contract,
        target=target,
        redactor=Redactor(target.secrets, credential_headers(contract)),
        tier=tier,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def idle_run(profile: str, tier: Tier) -> Run:
    """A run for collecting the tests; it sends nothing."""
    return collecting(contract_of(profile), profile, tier)


@cache
def needs_of(profile: str, tier: Tier) -> tuple[str, ...]:
    """The probes that the suite's tests need, found by collecting them once."""
    suite_run, _ = collect(idle_run(profile, tier))
    return tuple(dict.fromkeys(suite_run.needs))
