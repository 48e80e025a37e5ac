"""One run as a value, before anything is sent: how it is to be done, by which contract, against which target."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from conformance.contract import Contract, Release
from conformance.contract.model import Tier
from conformance.evidence import Evidence, Redactor
from conformance.evidence.bounds import OWN, Bounds
from conformance.probes import Challenge, Plan, plan
from conformance.probes.request_body import SEED, RequestBody
from conformance.running.replay import EVIDENCE, RecordedRun
from conformance.suite.outcome import Waiver
from conformance.targets import Limits, NamedTarget, Reach, Target, TargetError


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that a run is asked to do.

    Without `base_url` and `replay`, the embedded reference deployment is judged. `only` are ids or globs of
    requirements. `out` is the directory that the run writes to; None writes no report. `resume` says that `out` holds
    an interrupted run, which is to be taken to its end. `baseline` is the record whose findings are known.
    `retry_findings` says how often the requests of a finding are sent again. `release` is the version of the frozen
    requirement set to score by; None scores by all that the profile requires today. `bundle` is the archive that the
    finished run goes into, `sign` the file of the private key that signs it. `force` says that an earlier run in `out`
    is to be replaced.
    """

    profile: str
    base_url: str | None = None
    named: NamedTarget | None = None
    tier: Tier = Tier.STANDARD
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Ids or globs of requirements that are not judged, also where `only` names them."""
    out: Path | None = None
    limits: Limits = field(default_factory=Limits)
    waivers: Path | None = None
    replay: Path | None = None
    strict: bool = False
    release: str | None = None
    trust_environment: bool = False
    reach: Reach = field(default_factory=Reach)
    resume: bool = False
    baseline: Path | None = None
    retry_findings: int = 0
    fail_fast: bool = False
    """Whether the run ends as soon as a MUST is certain to be broken."""
    generated: int | None = None
    """Generated requests of each kind at most; as many as the tier has where it is None."""
    seed: int | None = None
    """What random requests are drawn by; None for the usual one, or where it follows from a challenge."""
    bundle: Path | None = None
    sign: Path | None = None
    preflight: bool = True
    """Whether a setup that cannot be judged ends the run; otherwise all is judged all the same."""
    without: tuple[str, ...] = ()
    """Capabilities that the target is declared to lack."""
    second_tenant: bool | None = None
    """Whether the target has a second tenant; None where nothing is declared."""
    require_all: bool = False
    """Whether what the operator did not configure, or declared to be missing, counts as not tested."""
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Values of the contract's parameters by their names, where they are given and not taken from the environment."""
    may_cost_much: bool = False
    """Whether the operator has agreed to a plan that may cost more than `sending.COSTS_MUCH` completion tokens."""
    focus: tuple[str, ...] | None = None
    """Names or globs of probes that alone are sent of what the tier has beyond the standard one; None for all."""
    force: bool = False
    challenge: Challenge | None = None
    """The certifier's challenge that a new run is made for; a resumed or replayed one has that of its evidence."""
    bounds: Bounds = OWN
    """How much evidence is read at most where it is replayed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite: what it was asked to do, and what it was given."""

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
    """The interrupted run that this one completes, or None for a new run."""
    release: Release | None = None
    """The frozen requirement set that is scored by, or None for all that the profile requires."""
    seed: int | None = None
    """What random requests are drawn by, where that is not the usual seed."""
    challenge: Challenge | None = None
    """The certifier's challenge from which the texts of the requests follow, or None."""
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    """The day by which waivers hold."""
    opened: float = field(default_factory=time.monotonic)
    """When the run was opened, by the monotonic clock."""

    def plan(self, needs: Iterable[str]) -> Plan:
        """The probes that the tests need (names and globs), within the tier."""
        generated, focus = self.settings.generated, self.settings.focus
        if focus is None:
            drawn_by: dict[str, Any] = {"challenge": self.challenge, "seed": self.seed}
            return plan(self.contract, self.target, needs, self.tier, generated=generated, **drawn_by)
        usual = plan(self.contract, self.target, needs, Tier.STANDARD, generated=generated)
        return usual.beside(plan(self.contract, self.target, focus, self.tier, generated=0))

    @property
    def request_body(self) -> RequestBody:
        """What the bodies of this run's requests are made by."""
        return RequestBody(self.contract, self.target, self.challenge, self.seed)

    @property
    def recorded_seed(self) -> int | None:
        """The seed that the record of this run names; None where it follows from a challenge, or nothing was drawn."""
        if self.recorded is not None:
            seed = self.recorded.header.get("seed")
            return seed if type(seed) is int else None
        if self.challenge is not None:
            return None
        return SEED if self.seed is None else self.seed

    @property
    def target_data(self) -> dict[str, Any]:
        """The target as plain data, with its secrets: for another process of the same run, never for a file."""
        return asdict(self.target)

    @property
    def evidence_directory(self) -> Path:
        """Where the evidence of this run is kept.

        Raises:
            TargetError: the run has no directory.
        """
        if self.settings.out is None:
            raise TargetError("a run that sends must have a directory to keep its evidence in; give --out.")
        return self.settings.out / EVIDENCE
