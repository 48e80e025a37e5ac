"""Tells from the runs of a history, one after the other, what has changed: a pure function of its lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from conformance.suite.outcome import BROKEN
from conformance.watch.change_test import Trials
from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import Entry, Row
from conformance.watch.facts import Facts
from conformance.watch.stream import SETTLED, Change, Counts, Stream

DAYS_A_YEAR: Final = 365.25
_DECIDED: Final = ("conformant", "nonconformant")
_ALWAYS: Final = 0.98
"""The share from which on answers are said to break a requirement always: all but a few, where many were counted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How sure a change has to be. With a run a day, `years` pass between two false alarms about one target.

    `tolerance` is the share of its answers in which a requirement that counts as kept may be broken.
    """

    years: float = 10.0
    tolerance: float = 0.001


@dataclass(slots=True)
class _Verdicts:
    """The verdict that stands in one tier, and another one that the last runs had."""

    standing: str
    last: date
    other: list[date] = field(default_factory=list)


@dataclass(slots=True)
class _Followed:
    """A requirement in one tier: its stream, and the digest of what is required."""

    stream: Stream
    digest: str


@dataclass(slots=True)
class Tracker:
    """What the runs so far have shown of one target."""

    rules: Rules = field(default_factory=Rules)
    facts: Facts = field(default_factory=Facts)
    _streams: dict[tuple[str, str], _Followed] = field(default_factory=dict)
    _verdicts: dict[str, _Verdicts] = field(default_factory=dict)
    _days: list[date] = field(default_factory=list)
    """The day of each run."""

    @property
    def threshold(self) -> float:
        """What the test of each requirement has to reach: the years in runs, times the number of tests."""
        return self.rules.years * DAYS_A_YEAR * max(len(self._streams), 1)

    @property
    def suspected(self) -> tuple[str, ...]:
        """The requirements that the last run broke, that are usually kept, and whose change is not confirmed."""
        return tuple(dict.fromkeys(name for (_, name), one in self._streams.items() if one.stream.suspected))

    def step(self, entry: Entry) -> tuple[Drift, ...]:
        """Take in a run; gives what it confirms, the gravest first."""
        self._days.append(entry.day)
        of_facts = tuple(self.facts.step(entry))
        of_rows = tuple(self._of_rows(entry))
        return (*self._of_verdict(entry, of_rows), *of_rows, *of_facts)

    def _of_rows(self, entry: Entry) -> Iterator[Drift]:
        tier = entry.choice.tier
        for one in self._streams.values():
            one.stream.suspected = False
        for name, row in entry.rows.items():
            if row.trials is not None:
                self._followed(tier, name, row)
        for name, row in entry.rows.items():
            if row.trials is not None:
                followed = self._streams[tier, name]
                drift = self._step(followed, name, entry, row.trials)
                if drift is not None:
                    yield drift

    def _followed(self, tier: str, name: str, row: Row) -> _Followed:
        """What is known of a requirement; nothing, where it is new or was changed itself."""
        known = self._streams.get((tier, name))
        if known is None or known.digest != row.digest:
            known = self._streams[tier, name] = _Followed(Stream(self.rules.tolerance), row.digest)
        return known

    def _step(self, followed: _Followed, name: str, entry: Entry, trials: Trials) -> Drift | None:
        number = len(self._days) - 1
        change = followed.stream.step(number, trials, self.threshold)
        if change is None:
            return None
        since, until = self._days[change.began], self._days[change.until]
        return _drift(name, entry, change, since, until, self.threshold)

    def _of_verdict(self, entry: Entry, changed: Iterable[Drift]) -> Iterator[Drift]:
        """A verdict has changed where a requirement has, or where it is another one in several runs in a row."""
        tier, verdict = entry.choice.tier, entry.verdict
        if entry.choice.only or verdict not in _DECIDED:
            return
        known = self._verdicts.setdefault(tier, _Verdicts(verdict, entry.day))
        if verdict == known.standing:
            known.last, known.other = entry.day, []
            return
        known.other.append(entry.day)
        if any(True for _ in changed) or len(known.other) >= SETTLED:
            since, until = known.other[0], known.last
            yield Drift(Kind.VERDICT, "the verdict", known.standing, verdict, since, until, entry.day, tier)
            self._verdicts[tier] = _Verdicts(verdict, entry.day)


def _drift(name: str, entry: Entry, change: Change, since: date, until: date, threshold: float) -> Drift:
    before, after = (_in_words(one) for one in (change.before, change.after))
    whole = all(one.failed == 0 or one.share >= _ALWAYS for one in (change.before, change.after))
    kind = Kind.REQUIREMENT if whole else Kind.RATE
    counts = change.before, change.after
    tier = entry.choice.tier
    return Drift(kind, name, before, after, since, until, entry.day, tier, counts, change.evidence, threshold)


def _in_words(counts: Counts) -> str:
    if not counts.failed:
        return "kept"
    return "broken" if counts.share >= _ALWAYS else f"broken in {100 * counts.share:.2g} % of its answers"


def is_broken(row: Row) -> bool:
    """Whether a run found a requirement broken, and no waiver accepts it."""
    return row.outcome in BROKEN


def track(entries: Iterable[Entry], rules: Rules) -> tuple[Tracker, tuple[tuple[Drift, ...], ...]]:
    """What the runs of a history have shown, and what each of them confirmed."""
    tracker = Tracker(rules)
    return tracker, tuple(tracker.step(entry) for entry in entries)
