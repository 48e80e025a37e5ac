"""Notices what tells a deployment apart and has a value that its last runs did not show."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from conformance.watch.drift import Drift, Kind
from conformance.watch.entry import ABSENT, Entry

REMEMBERED: Final = 10
"""Runs whose values are known: instances behind one address may take turns."""
_MOST_NEW: Final = 3
"""New values among the remembered ones from which on a fact counts as restless: it tells nothing apart."""


@dataclass(slots=True)
class _Known:
    """The values of one fact in the last runs, and which of them were new when they came."""

    values: deque[tuple[str, date]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    new: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def is_restless(self) -> bool:
        return sum(self.new) >= _MOST_NEW


@dataclass(slots=True)
class Facts:
    """The facts of a deployment, and of what judged it, over its runs."""

    _known: dict[str, _Known] = field(default_factory=dict)
    _judged_by: Mapping[str, str] = field(default_factory=dict)
    _last: date | None = None
    _began: date | None = None

    @property
    def restless(self) -> tuple[str, ...]:
        """The facts that change all the time, and are not told any more."""
        return tuple(name for name, known in self._known.items() if known.is_restless)

    def step(self, entry: Entry) -> Iterator[Drift]:
        """Take in a run; gives what is new in it."""
        if entry.facts:
            yield from self._of_deployment(entry)
        if self._last is not None:
            yield from self._of_suite(entry, self._last)
        self._judged_by, self._last = entry.judged_by, entry.day

    def _of_deployment(self, entry: Entry) -> Iterator[Drift]:
        first, self._began = self._began is None, self._began or entry.day
        # What only a run of one tier can say is not gone where another one does not say it.
        lasting = {name for name in self._known if not name.startswith("left out in ")}
        for name in dict.fromkeys((*entry.facts, *sorted(lasting - entry.facts.keys()))):
            value = entry.facts.get(name, ABSENT)
            known = self._known.get(name)
            if known is None:
                known = self._known[name] = _Known()
                if not first and not name.startswith("left out in "):
                    known.values.append((ABSENT, self._last or entry.day))
            is_new = bool(known.values) and value not in {one for one, _ in known.values}
            known.new.append(is_new)
            if is_new and not known.is_restless:
                before, until = known.values[-1]
                yield Drift(Kind.FINGERPRINT, name, before, value, entry.day, until, entry.day)
            known.values.append((value, entry.day))

    def _of_suite(self, entry: Entry, last: date) -> Iterator[Drift]:
        for name, value in entry.judged_by.items():
            before = self._judged_by.get(name)
            if before is not None and before != value:
                yield Drift(Kind.RELEASE, name, before, value, entry.day, last, entry.day)
