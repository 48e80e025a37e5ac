"""One thing that has changed: what it was, what it is, since when, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from conformance.quoting import one_line
from conformance.report.quantities import counted
from conformance.watch.stream import Counts

_LONGEST = 200


class Kind(StrEnum):
    """What has changed, the gravest first."""

    VERDICT = "verdict"
    REQUIREMENT = "requirement"
    """It was kept and is broken, or it was broken and is kept: in every answer."""
    RATE = "rate"
    """Another share of the answers breaks a requirement."""
    FINGERPRINT = "fingerprint"
    """What tells the deployment apart, or which requests it takes."""
    RELEASE = "release"
    """Not the deployment, but what judges it: suite, contract or release."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One change. `subject` is the id of a requirement or the name of a fact."""

    kind: Kind
    subject: str
    before: str
    after: str
    since: date
    """The first run that shows it."""
    until: date
    """The last run that does not."""
    told: date
    """The run that confirmed it."""
    tier: str = ""
    counts: tuple[Counts, Counts] | None = None
    """What was counted before, and since."""
    evidence: float = 0.0
    threshold: float = 0.0

    @property
    def worse(self) -> bool:
        """Whether a requirement is broken in more answers than before."""
        return self.counts is not None and self.counts[1].share > self.counts[0].share

    @property
    def confirmed_by(self) -> str:
        """Why it is no chance, in words; empty where nothing is left to chance."""
        if self.counts is None:
            return ""
        before, since = self.counts
        return (
            f"{since.failed} of {counted(since.exchanges, 'answer')} broke it since, and {before.failed} of"
            f" {before.exchanges:,} before; the statistic is {_rounded(self.evidence)}, and"
            f" {_rounded(self.threshold)} would be enough"
        )

    @property
    def sentence(self) -> str:
        """The change in one sentence, with nothing in it that acts on who shows it."""
        before, after = (one_line(one, _LONGEST) for one in (self.before, self.after))
        where = f" ({self.tier} tier)" if self.tier else ""
        since = f"since {self.since} (last seen otherwise on {self.until})"
        return f"{self.kind.value}: {one_line(self.subject, _LONGEST)}{where} was {before} and is {after}, {since}."


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if value < 1e9 else "more than a billion"
