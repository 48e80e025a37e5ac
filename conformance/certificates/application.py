"""What is put before a certifier: the runs that bundles show, whom they are said to be of, and the policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from conformance.certificates.policy import Policy
from conformance.certificates.subject import Subject
from conformance.moments import moment

if TYPE_CHECKING:
    from conformance.bundle.facts import Facts
    from conformance.probes import Challenge

Runner = Literal["certifier", "vendor"]


@dataclass(frozen=True, slots=True)
class ShownRun:
    """A run as a bundle shows it that holds; `name` is what the certifier calls the bundle."""

    name: str
    bundle_sha256: str
    facts: Facts

    @property
    def started_at(self) -> datetime:
        """When it started."""
        started = moment(self.facts.started)
        assert started is not None  # `verify` refuses others
        return started

    @property
    def ended_at(self) -> datetime:
        """When it ended."""
        return self.started_at + timedelta(seconds=self.facts.duration_s)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who issues: a name, and the fingerprint of the public key that belongs to the signature."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that decides whether a certificate is issued; the runs are in the order in which they started.

    `challenge` is the one that each bundle was held to, if they were held to one.
    """

    policy: Policy
    subject: Subject
    issuer: Issuer
    ran_by: Runner
    runs: tuple[ShownRun, ...]
    challenge: Challenge | None
    now: datetime
