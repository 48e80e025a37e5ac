"""One run from its settings to its observations: contract, target, plan, sending, or reading evidence back."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import conformance
from conformance.contract import Contract, Release, load_contract, read_release, shipped_profiles, with_release
from conformance.contract.model import Tier
from conformance.evidence import FILE_NAME as EVIDENCE_FILE
from conformance.evidence import Evidence, EvidenceWriter, Redactor, read_evidence
from conformance.gate.waivers import load_waivers
from conformance.probes import Plan, check_request, plan, plan_data, plan_from
from conformance.probes.request_body import RequestBody
from conformance.probes.shrinking import Shrinking
from conformance.running.replay import EVIDENCE, RecordedRun, replayed_run
from conformance.running.resume import TARGET_FIELDS, interrupted_run, require_same_plan, require_same_target
from conformance.running.retries import left_of, numbered, of_round, probes_again
from conformance.running.settings import RunSettings
from conformance.suite.observations import Observations
from conformance.suite.outcome import Waiver
from conformance.suite.selection import check_only
from conformance.targets import Target, TargetError, target_from_environment
from conformance.wire import Exchange, Unreachable, observe, observe_sync

INTERRUPTED = "it was interrupted"

Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Session:
    """One run. Use it as a context manager: it may have started the embedded reference deployment."""

    settings: RunSettings
    contract: Contract
    target: Target
    redactor: Redactor
    tier: Tier
    started: str
    waivers: tuple[Waiver, ...] = ()
    recorded: Evidence | None = None
    """The evidence that is replayed, or None in a live run."""
    resumed: RecordedRun | None = None
    """The interrupted run that this one goes on with, or None where it begins anew."""
    planned: Plan | None = None
    """The plan that was sent, once it was."""
    rounds: tuple[Exchange, ...] = ()
    """The exchanges of further rounds, in which findings were tried again."""
    interrupted: str | None = None
    release: Release | None = None
    """The frozen requirement set that is scored by, or None for all that the profile requires."""
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    """The day by which waivers hold."""
    opened: float = field(default_factory=time.monotonic)
    """When the session was opened, by the monotonic clock."""
    _resources: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        """Nothing is started here: `open_session` did."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what the session started."""
        self._resources.close()

    def plan(self, needs: Iterable[str]) -> Plan:
        """The probes that the tests need (names and globs), within the tier."""
        return plan(self.contract, self.target, needs, self.tier, generated=self.settings.generated)

    def observe(self, needs: Iterable[str], progress: Progress | None = None) -> Observations:
        """Send the plan, or take the recorded exchanges, and make them readable for the tests.

        Raises:
            Unreachable: nobody listens at the target's address.
            OSError: the evidence cannot be written.
        """
        return self.readable(self.recorded) if self.recorded is not None else asyncio.run(self.send(needs, progress))

    async def send(self, needs: Iterable[str], progress: Progress | None = None) -> Observations:
        """Send the plan; Ctrl-C, which cancels this task, ends it with what was seen so far.

        Raises:
            Unreachable, OSError: as `observe`.
        """
        planned = self.plan(needs)
        writer, known = self._writer(planned)
        limits = self.settings.limits
        self.planned, self.rounds = planned, tuple(one for one in known if one.round)
        known = tuple(one for one in known if not one.round)
        with writer:
            try:
                seen = await observe(
                    planned.probes,
                    self.contract.operation,
                    self.target,
                    limits,
                    writer.append,
                    progress,
                    known,
                    further=Shrinking(RequestBody(self.contract, self.target)),
                )
            except Unreachable:
                if not known:
                    writer.path.unlink()
                raise
            writer.finish(unsent=seen.unsent, interrupted=seen.interrupted)
        self.interrupted = INTERRUPTED if seen.interrupted else None
        return Observations(self.contract, planned, seen.exchanges, seen.unsent)

    def observe_again(self, observations: Observations, names: Iterable[str], number: int) -> bool:
        """Send probes of the run once more, as a round of this number; what of it is known already is not sent.

        The budget is that of the whole run. Returns whether the run may go on: it was not interrupted.

        Raises:
            Unreachable: nobody listens at the target's address any more.
            OSError: the evidence cannot be written.
        """
        assert self.planned is not None
        known = (*observations.exchanges, *self.rounds)
        done = {exchange.probe for exchange in self.rounds if exchange.round == number and exchange.last}
        probes = probes_again(self.planned, set(names) - done)
        limits = left_of(self.settings.limits, self.planned, known)
        writer, _ = EvidenceWriter.resume(self.evidence_directory, self.redactor)
        interrupted = False
        with writer:
            record = numbered(writer.append, known, number)
            try:
                seen = observe_sync(probes, self.contract.operation, self.target, limits, record)
                self.rounds, interrupted = (*self.rounds, *seen.exchanges), seen.interrupted
            finally:
                writer.finish(unsent=observations.unsent, interrupted=interrupted)
        self.interrupted = INTERRUPTED if interrupted else self.interrupted
        return not interrupted

    def _writer(self, planned: Plan) -> tuple[EvidenceWriter, tuple[Exchange, ...]]:
        """Where exchanges go, and those that are there already, of the run that is gone on with."""
        if self.resumed is None:
            return EvidenceWriter(self.evidence_directory, self.redactor, self._header(planned)), ()
        # As it was written: without secrets.
        probes = self.redactor.value({"probes": plan_data(planned)})["probes"]
        require_same_plan(self.resumed, probes, self.evidence_directory.parent)
        writer, evidence = EvidenceWriter.resume(self.evidence_directory, self.redactor)
        return writer, evidence.exchanges

    def readable(self, evidence: Evidence) -> Observations:
        """What was recorded, as the tests look at it: the plan, too, is the one that was recorded."""
        planned = plan_from(evidence.header["probes"])
        if evidence.interrupted:
            self.interrupted = INTERRUPTED
        elif not evidence.complete:
            self.interrupted = "its evidence breaks off"
        self.rounds = tuple(one for one in evidence.exchanges if one.round)
        return Observations(self.contract, planned, of_round(evidence.exchanges, 0), evidence.unsent)

    def read_back(self) -> Observations | None:
        """What another process of this run recorded, or None where nothing was sent.

        Raises:
            EvidenceError: it cannot be read.
        """
        if self.recorded is not None:
            return self.readable(self.recorded)
        if not (self.evidence_directory / EVIDENCE_FILE).exists():
            return None
        return self.readable(read_evidence(self.evidence_directory))

    def unreachable(self, needs: Iterable[str], reason: str) -> Observations:
        """What is seen of a target that nobody can reach: nothing, and why."""
        planned = self.plan(needs)
        return Observations(self.contract, planned, (), {}, unreachable=reason)

    @property
    def target_data(self) -> dict[str, Any]:
        """The target as plain data, with its secrets: for another process of the same run, never for a file."""
        return asdict(self.target)

    @property
    def evidence_directory(self) -> Path:
        """Where the evidence of this run is kept."""
        if self.settings.out is None:
            raise TargetError("a run that sends must have a directory to keep its evidence in; give --out.")
        return self.settings.out / EVIDENCE

    def _header(self, planned: Plan) -> dict[str, Any]:
        profile = self.contract.profile
        return {
            "suite": {"name": "chat-conformance", "version": conformance.__version__},
            "profile": {"name": profile.name, "version": profile.version, "sha256": profile.sha256},
            "target": {name: getattr(self.target, name) for name in TARGET_FIELDS}
            | {"has_other_api_key": self.target.other_api_key is not None},
            "tier": self.tier.value,
            "only": list(self.settings.only),
            "generated": self.settings.generated,
            "release": None if self.release is None else self.release.version,
            "started": self.started,
            "probes": plan_data(planned),
        }


def open_session(
    settings: RunSettings, environ: Mapping[str, str], target_data: Mapping[str, Any] | None = None
) -> Session:
    """Load the contract, find the target (or start the embedded one, or read evidence back) and be ready to plan.

    `target_data` is what another process of the same run found already.

    Raises:
        ContractError, TargetError, EvidenceError: the profile, the target's configuration or the evidence is unusable.
    """
    contract = load_contract(settings.profile)
    check_only(contract, settings.only, settings.profile)
    release, contract = _released(contract, settings.release)
    ids = (row.id for row in contract.requirements)
    waivers = () if settings.waivers is None else load_waivers(settings.waivers, ids)
    if settings.replay is not None:
        return replayed_session(settings, contract, waivers=waivers, environ=environ, release=release)
    resumed = _resumed(settings, contract)
    if resumed is not None:
        release, contract = _released(contract, settings.release or resumed.release)
    resources = contextlib.ExitStack()
    if target_data is not None:
        target = Target(**target_data)
    else:
        if resumed is None:
            _require_fresh(settings.out)
        if settings.base_url is None:
            target = _embedded(contract, settings, resources)
        else:
            target = _addressed(contract, settings, environ)
            check_request(contract, target)
    if resumed is not None and settings.out is not None:
        require_same_target(resumed, target, settings.out)
        settings = replace(settings, only=resumed.only, generated=resumed.header.get("generated"))
    return Session(
        settings=settings,
        contract=contract,
        target=replace(target, trust_environment=settings.trust_environment),
        redactor=Redactor(target.secrets, _credential_headers(contract)),
        tier=settings.tier if resumed is None else resumed.tier,
        started=datetime.now(UTC).isoformat(timespec="seconds") if resumed is None else resumed.started,
        waivers=waivers,
        resumed=resumed,
        release=release,
        _resources=resources,
    )


def _released(contract: Contract, version: str | None) -> tuple[Release | None, Contract]:
    """The release that is scored by, if one is, and the contract as it binds."""
    if version is None:
        return None, contract
    release = read_release(contract, version)
    return release, with_release(contract, release)


def _resumed(settings: RunSettings, contract: Contract) -> RecordedRun | None:
    if not settings.resume or settings.out is None:
        return None
    if settings.base_url is None:
        raise TargetError("--resume needs the target that the run was begun with; give --base-url or --target.")
    return interrupted_run(settings.out, contract)


def _require_fresh(out: Path | None) -> None:
    """Evidence is never mixed: a directory holds one run."""
    if out is not None and (out / EVIDENCE / EVIDENCE_FILE).exists():
        raise TargetError(f"{out} holds the evidence of an earlier run; choose another --out, or remove it.")


def _credential_headers(contract: Contract) -> tuple[str, ...]:
    credential = contract.operation.credential
    return () if credential is None else (credential.header,)


def _addressed(contract: Contract, settings: RunSettings, environ: Mapping[str, str]) -> Target:
    operation, named, base_url = contract.operation, settings.named, settings.base_url
    assert base_url is not None
    if named is not None:
        environ = named.environment(environ)
    tail = operation.path.rpartition("}")[2]
    if tail.count("/") > 1 and base_url.rstrip("/").endswith(tail):
        raise TargetError(
            f"--base-url {base_url} ends with the operation's path; give only what stands before {operation.path}."
        )
    target = target_from_environment(
        base_url,
        environ,
        needs_key=operation.credential is not None,
        needs_model="{model}" in contract.template.values(),
        needs_org="orgId" in operation.path_parameters,
    )
    if target.org_id is not None and not _is_uuid(target.org_id):
        raise TargetError(f"CONFORMANCE_ORG_ID is {target.org_id!r}, which is no UUID; set the organization's UUID.")
    return target if named is None else replace(target, name=named.name)


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return len(text) == len(str(uuid.UUID(int=0)))


def _embedded(contract: Contract, settings: RunSettings, resources: contextlib.ExitStack) -> Target:
    from conformance.reference import EmbeddedReference

    if settings.profile not in shipped_profiles():
        raise TargetError(
            f"--base-url is missing: the reference deployment serves {', '.join(shipped_profiles())},"
            f" not {contract.profile.name}."
        )
    reference = resources.enter_context(EmbeddedReference(settings.profile, contract=contract))
    return Target(
        base_url=reference.base_url,
        api_key=reference.api_key,
        model=reference.model if "{model}" in contract.template.values() else None,
        org_id=reference.org_id,
        other_api_key=reference.other_api_key,
        other_org_id=reference.other_org_id,
        embedded=True,
    )


def replayed_session(
    settings: RunSettings,
    contract: Contract,
    *,
    environ: Mapping[str, str],
    waivers: tuple[Waiver, ...] = (),
    release: Release | None = None,
) -> Session:
    """A session over the evidence of an earlier run, which `settings.replay` names.

    Raises:
        TargetError, EvidenceError: the evidence is unusable, or of another profile.
        ContractError: the release that it was scored by cannot be read.
    """
    assert settings.replay is not None
    run = replayed_run(settings.replay, contract)
    if release is None:
        release, contract = _released(contract, run.release)
    keys = {name: environ[name] for name in ("CONFORMANCE_API_KEY", "CONFORMANCE_OTHER_API_KEY") if environ.get(name)}
    return Session(
        settings=replace(settings, only=settings.only or run.only),
        contract=contract,
        target=run.target,
        redactor=Redactor(keys, _credential_headers(contract)),
        tier=run.tier,
        started=run.started,
        waivers=waivers,
        release=release,
        recorded=run.evidence,
    )
