"""Runs the suite against lab targets in this process: many are observed, several at once, and judged one by one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.commands.pytest_session import run_pytest
from conformance.contract.model import Contract, Tier
from conformance.evidence import Redactor
from conformance.lab.targets import LabTarget, contract_of
from conformance.reference import EmbeddedReference
from conformance.suite.expect import Judgement
from conformance.suite.judging_run import JudgingRun
from conformance.suite.observations import Observations
from conformance.suite.outcome import Outcome
from conformance.suite.run import SuiteRun
from conformance.suite.session import Session
from conformance.suite.settings import RunSettings
from conformance.target import Limits, Target
from conformance.wire import Unreachable

TIER = Tier.EXHAUSTIVE
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


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run against one target came to.

    `outcomes` has every requirement of the tier; `messages` the first message of each that is broken. `seconds` is
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


def see(targets: Sequence[LabTarget], keep: Path | None = None) -> Iterator[Seen]:
    """What the runs against these targets come to. Those that wait are observed at once, all others one by one.

    With `keep`, the evidence of each stays in a folder below it, named by `evidence_folder`.
    """
    waiting = [target for target in targets if target.waits]
    others = [target for target in targets if not target.waits]
    with TemporaryDirectory(prefix="chat-conformance-lab-") as scratch:
        folder = keep or Path(scratch)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="lab") as pool:
            for target, watched in zip(waiting, pool.map(lambda one: _watch(one, folder), waiting), strict=True):
                yield _judge(target, watched)
        for target in others:
            yield _judge(target, _watch(target, folder))


def evidence_folder(keep: Path, target: LabTarget) -> Path:
    """Where the evidence of a target is kept."""
    return keep / target.profile / target.id.replace(":", "_")


@dataclass(frozen=True, slots=True)
class _Watched:
    session: Session
    observations: Observations
    seconds: float


def _watch(target: LabTarget, folder: Path) -> _Watched:
    """Serve a target, and send it all that the suite asks."""
    began = time.monotonic()
    contract = contract_of(target.profile)
    with ExitStack() as stack:
        reference = EmbeddedReference(target.profile, seams=target.seams, contract=contract)
        stack.enter_context(reference)
        session = lab_session(
            contract, _target_data(contract, reference), evidence_folder(folder, target), target.waits
        )
        needs = needs_of(target.profile)
        try:
            observations = session.observe(needs)
        except Unreachable as error:
            observations = session.unreachable(needs, str(error))
    return _Watched(session, observations, time.monotonic() - began)


def lab_session(contract: Contract, target: Target, out: Path, waits: bool = False) -> Session:
    """A session of the lab: the largest tier, with hardly any generated request, and little patience."""
    settings = RunSettings(
        contract.profile.name,
        base_url=target.base_url,
        tier=TIER,
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
        tier=TIER,
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


def _judge(target: LabTarget, watched: _Watched) -> Seen:
    began = time.monotonic()
    run = JudgingRun(watched.session, watched.observations)
    run_pytest(run, _LEAN)
    outcomes = {name: judgement.outcome.value for name, judgement in sorted(run.judgements.items())}
    return Seen(
        target=target.id,
        outcomes=outcomes,
        messages={name: _message(one) for name, one in run.judgements.items() if one.outcome.value in BAD},
        requests=len(watched.observations.exchanges),
        seconds=round(watched.seconds + time.monotonic() - began, 3),
        broken=tuple(run.broken),
    )


def _message(judgement: Judgement) -> str:
    return judgement.messages[0][:_LONGEST_MESSAGE] if judgement.messages else ""


@cache
def needs_of(profile: str) -> tuple[str, ...]:
    """The probes that the suite's tests look at, found once by collecting them."""
    contract = contract_of(profile)
    run = SuiteRun(lab_session(contract, Target("http://127.0.0.1:9", api_key="sk-none"), Path()))
    run_pytest(run, [*_LEAN, "--collect-only"])
    return tuple(dict.fromkeys(run.needs))
