"""Puts into the record what tells the target apart, and says so where it changed while it was judged."""

from __future__ import annotations

from dataclasses import replace

from conformance.quoting import one_line
from conformance.report.results import Fingerprint, Results
from conformance.running.observed import Observed
from conformance.suite.fingerprint import target_traits

_LONGEST = 80


def with_fingerprint(results: Results, observed: Observed | None) -> Results:
    """The record with the target's fingerprint; a change of the target is one more of the verdict's reasons."""
    if observed is None:
        return results
    traits = target_traits(observed.everything)
    changes = tuple(
        f"The target changed while it was judged: its {name} was {_shown(traits.start.get(name))} at the start and"
        f" {_shown(traits.end.get(name))} at the end."
        for name in traits.changes
    )
    found = Fingerprint(traits.start, traits.end, changes)
    return replace(results, fingerprint=found, reasons=(*results.reasons, *changes))


def _shown(value: str | None) -> str:
    return "not told" if value is None else f"{one_line(value, _LONGEST)!r}"
