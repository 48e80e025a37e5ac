"""One run of a registry: where its bundle stands, what it shows, and what clients made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from conformance.bundle.reexamined import Judged, Reexamined
from conformance.contract.model import Tier
from conformance.moments import moment
from conformance.registry.layout import BundleFile
from conformance.report.client_results import ClientResults
from conformance.suite.outcome import Verdict

_WEIGHTS: Final = {Tier.SMOKE: 0, Tier.STANDARD: 1, Tier.LOAD: 2, Tier.EXHAUSTIVE: 2}
_ID_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class Run:
    """A run whose bundle holds; `judged` is the moment when this program judged it first."""

    file: BundleFile
    sha256: str
    shown: Reexamined
    judged: str
    clients: ClientResults | None = None

    @property
    def id(self) -> str:
        """What it is called in addresses: the beginning of its bundle's digest."""
        return self.sha256[:_ID_LENGTH]

    @property
    def newest(self) -> Judged:
        """What the newest release says of it."""
        return self.shown.newest

    @property
    def verdict(self) -> Verdict:
        """The verdict by the newest release."""
        return self.shown.newest.verdict

    @property
    def weight(self) -> int:
        """How much its tier shows, in comparison."""
        return _WEIGHTS[self.shown.tier]

    @property
    def started_at(self) -> datetime:
        """When it started."""
        started = moment(self.shown.started)
        assert started is not None  # the bundle would be refused
        return started

    @property
    def day(self) -> str:
        """The day of its start."""
        return self.started_at.date().isoformat()

    @property
    def order(self) -> tuple[datetime, str]:
        """Runs stand in this order: by their start, and by their digest where they started together."""
        return self.started_at, self.sha256
