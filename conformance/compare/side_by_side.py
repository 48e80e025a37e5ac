"""Arranges runs side by side for a reader: the best run first, and first of all what breaks clients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conformance.compare.matrix import MatrixRow, RunMatrix, first_words
from conformance.compare.runs import NamedRun
from conformance.contract.model import Section
from conformance.suite.outcome import BROKEN, BROKEN_OR_WAIVED, UNDECIDED, Outcome


@dataclass(frozen=True, slots=True)
class Column:
    """One run at the head of its column: how many requirements failed, are warnings, and are not decided."""

    key: str
    run: NamedRun
    failed: int
    warnings: int
    undecided: int


@dataclass(frozen=True, slots=True)
class SideRow:
    """One requirement with its outcome in each run, in the order of the columns.

    `broken_in` has the keys of the columns where it is broken. `said` is what was found, and the names of the runs that
    it was found in.
    """

    row: MatrixRow
    section: Section
    outcomes: Sequence[Outcome | None]
    broken_in: Sequence[str]
    said: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one kind; `folded` if a reader does not need them at first."""

    key: str
    title: str
    about: str
    folded: bool
    rows: Sequence[SideRow]


def ordered(shown: RunMatrix) -> list[int]:
    """The places of the runs, those with the fewest failures first; then the fewest undecided, then warnings."""
    return sorted(range(len(shown.runs)), key=lambda place: _weight(shown.runs[place]))


def columns(shown: RunMatrix, order: Sequence[int]) -> list[Column]:
    """The heads of the columns, in this order of the runs."""
    return [_column(place, shown.runs[place]) for place in order]


def parts(shown: RunMatrix, order: Sequence[int]) -> list[Part]:
    """All rows by what they mean to a reader; within a part, what is broken in most runs comes first."""
    rows = [(row, section) for section, found in shown.sections for row in found]
    made = []
    left = rows
    for key, title, about, folded, fits in _KINDS:
        chosen = [one for one in left if fits(one[0])]
        left = [one for one in left if not fits(one[0])]
        chosen.sort(key=lambda one: -sum(outcome in BROKEN for outcome in one[0].outcomes))
        if chosen:
            made.append(Part(key, title, about, folded, [_side(row, section, shown, order) for row, section in chosen]))
    return made


def _harms(row: MatrixRow) -> bool:
    return row.worst is Outcome.FAILED and not _is_leniency(row)


def _is_leniency(row: MatrixRow) -> bool:
    """Whether all that fails it only serves what it should refuse."""
    failed = [result for result in row.results if result is not None and result.outcome is Outcome.FAILED]
    return bool(failed) and all(result.leniency for result in failed)


def _is_broken(row: MatrixRow) -> bool:
    return row.worst in BROKEN_OR_WAIVED


def _is_undecided(row: MatrixRow) -> bool:
    return any(outcome in UNDECIDED for outcome in row.outcomes)


_KINDS: Sequence[tuple[str, str, str, bool, Callable[[MatrixRow], bool]]] = (
    ("failed", "What breaks clients", "a MUST that is broken in at least one run", False, _harms),
    ("leniency", "Leniency", "invalid values are served; no valid request is harmed", False, _is_leniency),
    ("warning", "Recommendations", "broken in at least one run, or waived", False, _is_broken),
    ("undecided", "Not decided", "broken nowhere, and without evidence in at least one run", True, _is_undecided),
    ("kept", "Kept", "by every run that it applies to", True, lambda _: True),
)


def _weight(run: NamedRun) -> tuple[int, int, int, str]:
    column = _column(0, run)
    return column.failed, column.undecided, column.warnings, run.name


def _column(place: int, run: NamedRun) -> Column:
    totals = run.results.totals
    return Column(
        key=f"run-{place}",
        run=run,
        failed=totals.get(Outcome.FAILED, 0),
        warnings=totals.get(Outcome.WARNING, 0),
        undecided=sum(totals.get(outcome, 0) for outcome in UNDECIDED),
    )


def _side(row: MatrixRow, section: Section, shown: RunMatrix, order: Sequence[int]) -> SideRow:
    said: dict[str, list[str]] = {}
    for place in order:
        result = row.results[place]
        words = first_words(result) if result is not None and result.outcome is not Outcome.PASSED else ""
        if words:
            said.setdefault(words, []).append(shown.runs[place].name)
    outcomes = [row.outcomes[place] for place in order]
    return SideRow(
        row=row,
        section=section,
        outcomes=outcomes,
        broken_in=[f"run-{place}" for place in order if row.outcomes[place] in BROKEN],
        said=list(said.items()),
    )
