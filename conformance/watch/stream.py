"""Follows one requirement from run to run: whether it is kept, or in which share it is usually broken, and a change.

A requirement that no answer of its first run broke counts as kept: broken in no more of its answers than the tolerance.
One that was broken from the beginning has a usual share, whose range its first runs tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from conformance.watch.change_test import ChangeTest, Trials
from conformance.watch.usual_share import usual_range

SETTLED: Final = 5
"""Runs from which the usual share of a requirement is told."""
_NARROWED: Final = frozenset({20, 80, 320})
"""Numbers of runs after which the range is told again, and made narrower if it can be."""


class Usual(StrEnum):
    """What is usual for a requirement."""

    UNKNOWN = "unknown"
    """Too few runs have shown it."""
    KEPT = "kept"
    SHARE = "share"
    """It is broken in a share of its answers."""


@dataclass(frozen=True, slots=True)
class Counts:
    """So many of so many exchanges broke a requirement, in so many runs."""

    failed: int = 0
    exchanges: int = 0
    runs: int = 0

    @property
    def share(self) -> float:
        """The share that broke it."""
        return self.failed / self.exchanges if self.exchanges else 0.0


@dataclass(frozen=True, slots=True)
class Change:
    """A change that the test has confirmed, with what was counted on both sides of it.

    `began` is the number of the first run that shows it, `until` that of the last one that does not.
    """

    began: int
    until: int
    before: Counts
    after: Counts
    was_kept: bool
    evidence: float
    """The statistic of the test; the threshold that it reached is at most this."""

    @property
    def worse(self) -> bool:
        """Whether more answers break the requirement than before."""
        return self.after.share > self.before.share


@dataclass(slots=True)
class Stream:
    """One requirement in one tier."""

    tolerance: float
    usual: Usual = Usual.UNKNOWN
    suspected: bool = False
    """Whether the last run broke a requirement that is usually kept, and nothing is confirmed."""
    _test: ChangeTest | None = None
    _failed: int = 0
    _exchanges: int = 0
    _runs: int = 0
    _last: int = 0
    """The number of the run before."""

    @property
    def counts(self) -> Counts:
        """What was counted since the last change."""
        return Counts(self._failed, self._exchanges, self._runs)

    def step(self, number: int, trials: Trials, threshold: float) -> Change | None:
        """Take in the run with this number; returns the change that it confirms, if it confirms one."""
        testing, previous, self._last = self._test, self._last, number
        self._failed += trials.failed
        self._exchanges += trials.exchanges
        self._runs += 1
        self.suspected = False
        if testing is None:
            self._settle()
            return None
        value = testing.step(number, previous, trials)
        if value >= threshold:
            return self._changed(testing, value)
        self.suspected = self.usual is Usual.KEPT and trials.failed > 0
        self._settle()
        return None

    def _changed(self, testing: ChangeTest, value: float) -> Change:
        since = testing.likeliest
        before = Counts(self._failed - since.failed, self._exchanges - since.exchanges, self._runs - since.runs)
        after = Counts(since.failed, since.exchanges, since.runs)
        change = Change(since.began, since.until, before, after, self.usual is Usual.KEPT, value)
        self._test, self.usual = None, Usual.UNKNOWN
        self._failed, self._exchanges, self._runs = after.failed, after.exchanges, after.runs
        self._settle()
        return change

    def _settle(self) -> None:
        """Say what is usual, where the runs so far tell."""
        if self.usual is Usual.UNKNOWN and not self._failed:
            self.usual, self._test = Usual.KEPT, ChangeTest(0.0, self.tolerance)
        elif self._runs == SETTLED and self.usual is not Usual.SHARE and self._failed:
            # Also what began as kept: so few runs cannot tell a rare mistake from a change.
            self.usual, self._test = Usual.SHARE, ChangeTest(*usual_range(self._exchanges, self._failed))
        elif self._runs > SETTLED and self.usual is Usual.UNKNOWN:
            self.usual, self._test = Usual.SHARE, ChangeTest(*usual_range(self._exchanges, self._failed))
        elif self.usual is Usual.SHARE and self._runs in _NARROWED and self._test is not None:
            self._test.narrow(*usual_range(self._exchanges, self._failed))
