"""Runs the suite against lab targets in this process: many are observed, several at once, and judged one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from _pytest.runner import runtestprotocol

from conformance.commands.pytest_session import run_pytest
from conformance.contract.model import Contract, Tier
from conformance.evidence import Redactor
from conformance.lab.targets import LabTarget, contract_of
from conformance.reference import EmbeddedReference
from conformance.reference.server import new_tenants
from conformance.reference.settings import Tenant
from conformance.suite.expect import Judgement
from conformance.suite.observations import Observations
from conformance.suite.outcome import Outcome
from conformance.suite.run import SuiteRun
from conformance.suite.session import Session
from conformance.suite.settings import RunSettings
from conformance.suite.stash import OBSERVATIONS
from conformance.target import Limits, Target
from conformance.wire import Unreachable

GENERATED = 2
"""Generated requests of each kind: enough to show that their requirements can tell, and no more."""
LIMITS = Limits(first_byte_timeout=4.0, idle_timeout=1.5, deadline=6.0, connect_timeout=4.0, retries=1)
WAITING_LIMITS = replace(LIMITS, concurrency=64)
"""For targets that fall silent: what is waited for is waited for at once."""
_AT_ONCE = 8
_LEAN = [
    word for name in ("unraisableexception", "threadexception", "logging", "doctest") for word in ("-p", f"no:{name}")
]
"""Plugins of pytest that hundreds of runs in one process can do without."""
_LONGEST_MESSAGE = 400


class LabError(Exception):
    """The lab itself broke, so that nothing can be said of the suite; the message says where, and why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run against one target came to.

    `outcomes` has every requirement of the tier; `messages` the first message of each that has one. `seconds` is
    the time that observing and judging took, in which other targets may have been observed, too.
    """

    target: str
    outcomes: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0
    broken: tuple[str, ...] = ()
    """Defects of the suite itself that the run met."""

    @property
    def found(self) -> frozenset[str]:
        """The requirements that are broken."""
        return frozenset(name for name, outcome in self.outcomes.items() if outcome in BAD)


BAD = frozenset({Outcome.FAILED.value, Outcome.WARNING.value})


def see(targets: Sequence[LabTarget], keep: Path | None = None) -> list[Seen]:
    """What the runs against these targets, all of one profile and tier, come to.

    Those that wait are observed at once, all others one by one. With `keep`, the evidence of each stays in a folder
    below it, named by `evidence_folder`.
    """
    if not targets:
        return []
    with TemporaryDirectory(prefix="chat-conformance-lab-") as scratch:
        run = _LabRun(targets[0], _watched(targets, keep or Path(scratch)))
        ended = run_pytest(run, _LEAN)
    if len(run.seen) < len(targets):
        told = run.broken or ended.printed.strip().splitlines()[-15:]
        raise LabError(f"the lab broke at {targets[len(run.seen)].id}: " + "; ".join(told))
    return run.seen


def _watched(targets: Sequence[LabTarget], folder: Path) -> Iterator[Watched]:
    """The targets as they are observed, by a thread of their own: a server in the main thread would catch its signals.

    One thread is both server and client, so that neither waits for the other's turn.
    """
    needs_of(targets[0].profile, targets[0].tier)  # pytest finds them, and does not run twice at once
    with ThreadPoolExecutor(1, thread_name_prefix="lab") as thread:
        waiting = [target for target in targets if target.waits]
        yield from thread.submit(asyncio.run, _watch_at_once(waiting, folder)).result()
        for target in targets:
            if not target.waits:
                yield thread.submit(asyncio.run, _watch(target, folder)).result()


async def _watch_at_once(targets: Sequence[LabTarget], folder: Path) -> list[Watched]:
    slots = asyncio.Semaphore(_AT_ONCE)

    async def watch(target: LabTarget) -> Watched:
        async with slots:
            return await _watch(target, folder)

    return await asyncio.gather(*map(watch, targets))


def evidence_folder(keep: Path, target: LabTarget) -> Path:
    """Where the evidence of a target is kept."""
    return keep / target.profile / target.id.replace(":", "_")


@dataclass(frozen=True, slots=True)
class Watched:
    """A target as it was observed, and in how many seconds."""

    target: LabTarget
    session: Session
    observations: Observations
    seconds: float


async def _watch(target: LabTarget, folder: Path) -> Watched:
    """Serve a target, and send it all that the suite asks."""
    began = time.monotonic()
    contract, needs = contract_of(target.profile), needs_of(target.profile, target.tier)
    reference = EmbeddedReference(target.profile, seams=target.seams, contract=contract, tenants=_tenants())
    async with reference:
        out = evidence_folder(folder, target)
        session = lab_session(contract, _target_data(contract, reference), out, target.tier, waits=target.waits)
        try:
            observations = await session.send(needs)
        except Unreachable as error:
            observations = session.unreachable(needs, str(error))
    return Watched(target, session, observations, time.monotonic() - began)


@cache
def _tenants() -> tuple[Tenant, Tenant]:
    """The same for all targets of a process: what hides their keys in the evidence takes time to make."""
    return new_tenants()


def lab_session(contract: Contract, target: Target, out: Path, tier: Tier, *, waits: bool = False) -> Session:
    """A session of the lab, with hardly any generated request, and little patience."""
    settings = RunSettings(
        contract.profile.name,
        base_url=target.base_url,
        tier=tier,
        out=out,
        limits=WAITING_LIMITS if waits else LIMITS,
        generated=GENERATED,
    )
    credential = contract.operation.credential
    return Session(
        settings=settings,
        contract=contract,
        target=target,
        redactor=Redactor(target.secrets, () if credential is None else (credential.header,)),
        tier=tier,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _target_data(contract: Contract, reference: EmbeddedReference) -> Target:
    return Target(
        base_url=reference.base_url,
        api_key=reference.api_key,
        model=reference.model if "{model}" in contract.template.values() else None,
        org_id=reference.org_id,
        other_api_key=reference.other_api_key,
        other_org_id=reference.other_org_id,
        embedded=True,
    )


class _LabRun(SuiteRun):
    """A run of the suite that collects once, and judges many targets one after another."""

    def __init__(self, target: LabTarget, watched: Iterator[Watched]) -> None:
        super().__init__(_idle_session(target.profile, target.tier))
        self._watched = watched
        self.seen: list[Seen] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:  # type: ignore[override] # it runs the tests itself
        """Judge each target by all tests."""
        for one in self._watched:
            self.seen.append(self._judge(one, session))
        return True

    def _judge(self, watched: Watched, session: pytest.Session) -> Seen:
        began = time.monotonic()
        self.session, self.observations = watched.session, watched.observations
        self.judgements, broken = {}, len(self.broken)
        session.config.stash[OBSERVATIONS] = watched.observations
        for item, following in pairwise((*session.items, None)):
            assert item is not None
            for report in runtestprotocol(item, log=False, nextitem=following):
                self.pytest_runtest_logreport(report)
        return Seen(
            target=watched.target.id,
            outcomes={name: one.outcome.value for name, one in sorted(self.judgements.items())},
            messages={name: _message(one) for name, one in self.judgements.items() if one.messages},
            requests=len(watched.observations.exchanges),
            seconds=round(watched.seconds + time.monotonic() - began, 3),
            broken=tuple(self.broken[broken:]),
        )


def _message(judgement: Judgement) -> str:
    return judgement.messages[0][:_LONGEST_MESSAGE] if judgement.messages else ""


def _idle_session(profile: str, tier: Tier) -> Session:
    """A session to collect the tests with; nothing is sent to its target."""
    return lab_session(contract_of(profile), Target("http://127.0.0.1:9", api_key="sk-none"), Path(), tier)


@cache
def needs_of(profile: str, tier: Tier) -> tuple[str, ...]:
    """The probes that the suite's tests look at, found once by collecting them."""
    run = SuiteRun(_idle_session(profile, tier))
    run_pytest(run, [*_LEAN, "--collect-only"])
    return tuple(dict.fromkeys(run.needs))
