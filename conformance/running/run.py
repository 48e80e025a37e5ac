"""One run as a value, before anything is sent: how it is to be done, by which contract, against which target."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from conformance.contract import Contract, Release
from conformance.contract.model import Tier
from conformance.evidence import Evidence, Redactor
from conformance.probes import Plan, plan
from conformance.running.replay import EVIDENCE, RecordedRun
from conformance.running.settings import RunSettings
from conformance.suite.outcome import Waiver
from conformance.targets import Target, TargetError


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
    """The interrupted run that this one completes, or None where it begins anew."""
    release: Release | None = None
    """The frozen requirement set that is scored by, or None for all that the profile requires."""
    today: date = field(default_factory=lambda: datetime.now(UTC).date())
    """The day by which waivers hold."""
    opened: float = field(default_factory=time.monotonic)
    """When the run was opened, by the monotonic clock."""

    def plan(self, needs: Iterable[str]) -> Plan:
        """The probes that the tests need (names and globs), within the tier."""
        return plan(self.contract, self.target, needs, self.tier, generated=self.settings.generated)

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
