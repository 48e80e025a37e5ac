"""Explains each change of a verdict: by the suite, by the document, by the deployment, or by the run itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

import conformance
from conformance.bundle.reexamined import Judged, Reexamined, Row
from conformance.moments import moment
from conformance.registry.run import Run
from conformance.registry.subjects import Subject
from conformance.suite.outcome import BROKEN, UNDECIDED, Outcome, Verdict


class Cause(StrEnum):
    """What a change of a verdict, or of an outcome, comes from."""

    SUITE = "suite"
    """Another state of the program judges the same evidence otherwise, under the same words."""
    DOCUMENT = "document"
    """The release requires something else, or in other words."""
    DEPLOYMENT = "deployment"
    """The same release, judged by the same program, and other answers."""
    RUN = "run"
    """The run showed more or less: another tier, other parts left out, other waivers."""


MEANINGS = {
    Cause.SUITE: "another state of the suite judges the same evidence otherwise",
    Cause.DOCUMENT: "the release requires something else",
    Cause.DEPLOYMENT: "the deployment answers otherwise",
    Cause.RUN: "the run showed more, or less",
}


@dataclass(frozen=True, slots=True)
class RowChange:
    """A requirement that takes part in a change, and why; None where one side does not have it."""

    requirement: str
    before: Outcome | None
    after: Outcome | None
    cause: Cause
    why: str


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """A verdict that changed, with the requirements that it changed by.

    `earlier` is the run before, or None where the same run was judged anew; `at` is the moment from which on it shows.
    """

    subject: Subject
    run: Run
    earlier: Run | None
    before: Verdict
    after: Verdict
    rows: tuple[RowChange, ...]
    at: datetime
    under: str
    """In which words the two judgements differ."""
    causes: tuple[Cause, ...]

    @property
    def is_worse(self) -> bool:
        """Whether it was conformant, and is not."""
        return self.before is Verdict.CONFORMANT


def changes_of(subjects: Iterable[Subject]) -> tuple[VerdictChange, ...]:
    """Every change of a verdict, the latest first."""
    found = [change for subject in subjects for change in _of_subject(subject)]
    return tuple(sorted(found, key=lambda one: (one.at, one.run.sha256), reverse=True))


def judged_anew(subject: Subject, run: Run) -> VerdictChange | None:
    """What the newest release says otherwise of a run than its bundle; None where the verdict is the same."""
    shown = run.shown
    if shown.recorded.verdict is shown.newest.verdict:
        return None
    rows = tuple(_between_judgements(shown))
    judged = moment(run.judged)
    assert judged is not None  # written by this program
    return VerdictChange(
        subject,
        run,
        None,
        shown.recorded.verdict,
        shown.newest.verdict,
        rows,
        judged,
        _judgements_in_words(shown),
        _causes(rows) or ((Cause.SUITE,) if shown.made_elsewhere else (Cause.DOCUMENT,)),
    )


def _of_subject(subject: Subject) -> Iterator[VerdictChange]:
    for run in subject.runs:
        anew = judged_anew(subject, run)
        if anew is not None:
            yield anew
    for before, after in pairwise(subject.runs):
        if before.verdict is not after.verdict:
            rows = tuple(_between_runs(before, after))
            yield VerdictChange(
                subject,
                after,
                before,
                before.verdict,
                after.verdict,
                rows,
                after.started_at,
                f"both judged by release {after.newest.release} and this program",
                _causes(rows) or (Cause.RUN,),
            )


def _causes(rows: Iterable[RowChange]) -> tuple[Cause, ...]:
    found = {row.cause for row in rows}
    return tuple(cause for cause in Cause if cause in found)


# --- one run, judged twice -----------------------------------------------------------------------------------------


def _between_judgements(shown: Reexamined) -> Iterator[RowChange]:
    before, after = shown.recorded, shown.newest
    for name in dict.fromkeys((*after.rows, *before.rows)):
        one, other = before.rows.get(name), after.rows.get(name)
        if _matters(one) == _matters(other):
            continue
        document = _new_words(one, other, after)
        cause = Cause.SUITE if document is None else Cause.DOCUMENT
        said = f"chat-conformance {conformance.__version__} judges the same evidence otherwise than {_program(shown)}"
        yield RowChange(name, _outcome(one), _outcome(other), cause, document or said)


def _outcome(row: Row | None) -> Outcome | None:
    return None if row is None else row.outcome


def _matters(row: Row | None) -> Outcome | None:
    """The outcome as far as the verdict depends on it."""
    return row.outcome if row is not None and row.binds and row.outcome in BROKEN | UNDECIDED else None


def _new_words(one: Row | None, other: Row | None, after: Judged) -> str | None:
    """What the newest release says of a requirement that the recorded one did not."""
    release = f"release {after.release}"
    if other is None or not other.scored:
        return f"{release} does not have it" if one is not None and one.scored else None
    if one is None or not one.scored:
        return f"{release} has it, and what the run was scored by did not"
    if one.level is not other.level:
        return f"{release} has it as a {other.level.value}, and what the run was scored by as a {one.level.value}"
    return f"it rests on other words in {release}" if one.digest != other.digest else None


def _judgements_in_words(shown: Reexamined) -> str:
    recorded = f"release {shown.recorded.release}" if shown.recorded.release else "no release"
    return f"recorded by {recorded} ({_program(shown)}), judged again by release {shown.newest.release}"


def _program(shown: Reexamined) -> str:
    return shown.made_elsewhere or "the same program"


# --- two runs, judged by the same ----------------------------------------------------------------------------------


def _between_runs(before: Run, after: Run) -> Iterator[RowChange]:
    one, other = before.newest, after.newest
    apart = _shown_otherwise(before.shown, after.shown)
    for name in dict.fromkeys((*other.rows, *one.rows)):
        was, now = one.rows.get(name), other.rows.get(name)
        if _matters(was) == _matters(now):
            continue
        if was is None or now is None:
            with_it = "later" if was is None else "earlier"
            yield RowChange(
                name,
                _outcome(was),
                _outcome(now),
                Cause.RUN,
                f"only the {with_it} run tested it ({apart or 'it depends on the answers'})",
            )
        elif apart is not None and (_is_open(was) or _is_open(now)):
            yield RowChange(name, was.outcome, now.outcome, Cause.RUN, apart)
        else:
            yield RowChange(name, was.outcome, now.outcome, Cause.DEPLOYMENT, "the answers are other ones")


def _is_open(row: Row) -> bool:
    return row.outcome in UNDECIDED | {Outcome.SKIPPED, Outcome.WAIVED}


def _shown_otherwise(one: Reexamined, other: Reexamined) -> str | None:
    """In which way two runs were not made to show the same; None where they were."""
    if one.tier is not other.tier:
        return f"the {one.tier.value} tier before, and the {other.tier.value} tier now"
    if one.without != other.without:
        return f"without {_listed(one.without)} before, and without {_listed(other.without)} now"
    if one.waived != other.waived:
        return f"waivers of {_listed(one.waived)} before, and of {_listed(other.waived)} now"
    return None


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "nothing"
