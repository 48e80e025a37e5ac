"""Decides the verdict on a run from the outcomes of its requirements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from conformance.contract.model import Level
from conformance.quoting import one_line
from conformance.report.quantities import counted, listed
from conformance.suite.outcome import BROKEN, Outcome, Verdict

_MOST_REASONS = 4
_BLOCKED = "(blocked)"
_LONGEST_REASON = 160
_PROBE = re.compile(r"^\S+#\d+: ")
"""The exchange at the beginning of a message: what it says of one, it may say of many."""


class Judged(Protocol):
    """What the verdict and its reasons depend on, of one requirement."""

    @property
    def id(self) -> str: ...  # noqa: D102 - said by the class
    @property
    def level(self) -> Level: ...  # noqa: D102
    @property
    def outcome(self) -> Outcome: ...  # noqa: D102
    @property
    def messages(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def blocked_by(self) -> str | None: ...  # noqa: D102
    @property
    def lacks(self) -> str | None: ...  # noqa: D102
    @property
    def leniency(self) -> bool: ...  # noqa: D102


class Reported(Judged, Protocol):
    """One requirement of a whole run, which the verdict may not depend on."""

    @property
    def scored(self) -> bool: ...  # noqa: D102


def decide(
    judged: Iterable[Judged],
    *,
    strict: bool = False,
    selection: str | None = None,
    interrupted: str | None = None,
    gone: Sequence[str] = (),
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and the reasons for it in whole sentences.

    Nonconformant if a MUST failed and is not waived or, in a `strict` run, if anything is broken at all. Otherwise
    inconclusive if a MUST is blocked, inconclusive or untested, if the run was `interrupted` (the reason, as the middle
    of a sentence), or if no MUST passed: nothing passes for lack of evidence. Otherwise conformant. `selection` is the
    user's restriction of the run, named where it explains a gap. `gone` are the ids that a release requires and that
    nothing judges any more: a gap as well.
    """
    rows = tuple(judged)
    musts = [row for row in rows if row.level is Level.MUST]
    warnings = _warnings(rows, strict)
    failures = [*_failures(musts), *(warnings if strict else ())]
    gaps = [*_gaps(musts, selection), *_gone(gone), *_interruption(interrupted)] or _emptiness(rows, musts, selection)
    if failures:
        return Verdict.NONCONFORMANT, (*failures, *gaps, *(() if strict else warnings))
    if gaps:
        return Verdict.INCONCLUSIVE, (*gaps, *warnings)
    return Verdict.CONFORMANT, (_success(musts), *warnings)


def is_about_blocked(reason: str) -> bool:
    """Whether a reason of a verdict is about requirements that are blocked."""
    return _BLOCKED in reason


def _ids(rows: Iterable[Judged], *outcomes: Outcome) -> list[str]:
    return [row.id for row in rows if row.outcome in outcomes]


def _requirements(ids: Sequence[str], level: str) -> str:
    return counted(len(ids), f"{level} requirement")


def _failures(musts: Sequence[Judged]) -> list[str]:
    # A broken MUST is a failure, whichever of the two outcomes it has.
    failed = _ids(musts, Outcome.FAILED, Outcome.WARNING)
    if not failed:
        return []
    lenient = sum(row.leniency for row in musts if row.id in set(failed))
    apart = f", {lenient} of them leniency (an invalid value is served)" if lenient else ""
    return [f"{_requirements(failed, 'MUST')} failed{apart}: {listed(failed)}."]


def _warnings(rows: Sequence[Judged], strict: bool) -> list[str]:
    # Below MUST, nothing is more than a warning.
    ids = _ids((row for row in rows if row.level is not Level.MUST), Outcome.WARNING, Outcome.FAILED)
    if not ids:
        return []
    verb = "is" if len(ids) == 1 else "are"
    ending = "; a strict run counts this as a failure" if strict else ""
    return [f"{counted(len(ids), 'recommendation')} {verb} broken (warning): {listed(ids)}{ending}."]


def _gaps(musts: Sequence[Judged], selection: str | None) -> list[str]:
    sentences = [*_blocked(musts), *_undecided(musts)]
    for why, untested in _untested(musts, selection).items():
        verb = "was" if len(untested) == 1 else "were"
        sentences.append(f"{_requirements(untested, 'MUST')} {verb} not tested{why}: {listed(untested)}.")
    return sentences


def _untested(musts: Sequence[Judged], selection: str | None) -> dict[str, list[str]]:
    """What was not tested, by the reason as it continues a sentence: what was demanded and is lacking says so."""
    by_reason: dict[str, list[str]] = {}
    for row in musts:
        if row.outcome is Outcome.UNTESTED:
            demanded = row.lacks is not None and bool(row.messages)
            why = f" ({one_line(row.messages[0], _LONGEST_REASON)})" if demanded else ""
            by_reason.setdefault(why, []).append(row.id)
    restricted = f", because the run was restricted to {selection}" if selection else ""
    return {why or restricted: ids for why, ids in by_reason.items()}


def _blocked(musts: Sequence[Judged]) -> list[str]:
    """A sentence for each requirement that blocks others."""
    by_cause: dict[str, list[str]] = {}
    for row in musts:
        if row.outcome is Outcome.BLOCKED:
            by_cause.setdefault(row.blocked_by or "", []).append(row.id)
    return [
        f"{_requirements(ids, 'MUST')} cannot be seen while {cause} is broken {_BLOCKED}: {listed(ids)}."
        for cause, ids in by_cause.items()
    ]


def _undecided(musts: Sequence[Judged]) -> list[str]:
    """A sentence for each reason why requirements could not be decided, the most frequent first."""
    by_reason: dict[str, list[str]] = {}
    for row in musts:
        if row.outcome is Outcome.INCONCLUSIVE:
            why = one_line(row.messages[0], _LONGEST_REASON) if row.messages else "no reason is known"
            by_reason.setdefault(_PROBE.sub("", why).rstrip("."), []).append(row.id)
    ordered = sorted(by_reason.items(), key=lambda pair: -len(pair[1]))
    told = [
        f"{_requirements(ids, 'MUST')} could not be decided ({why}): {listed(ids)}."
        for why, ids in ordered[:_MOST_REASONS]
    ]
    rest = [row_id for _, ids in ordered[_MOST_REASONS:] for row_id in ids]
    if rest:
        told.append(f"{_requirements(rest, 'MUST')} could not be decided for other reasons: {listed(rest)}.")
    return told


def _interruption(interrupted: str | None) -> list[str]:
    return [f"The run did not finish: {interrupted}."] if interrupted else []


def _gone(ids: Sequence[str]) -> list[str]:
    if not ids:
        return []
    verb = "is" if len(ids) == 1 else "are"
    return [f"{counted(len(ids), 'requirement')} of the release {verb} not judged by this version: {listed(ids)}."]


def unscored_reasons(rows: Iterable[Reported], release: str) -> tuple[str, ...]:
    """A sentence on what is broken and newer than the release that is scored by, if anything is.

    `rows` are those of the whole run; each has `scored`.
    """
    broken = [row.id for row in rows if not row.scored and row.outcome in BROKEN]
    if not broken:
        return ()
    verb = "is" if len(broken) == 1 else "are"
    return (
        f"{counted(len(broken), 'requirement')} newer than release {release} {verb} broken and not scored:"
        f" {listed(broken)}.",
    )


def _emptiness(rows: Sequence[Judged], musts: Sequence[Judged], selection: str | None) -> list[str]:
    if not rows:
        why = f": nothing matches {selection}" if selection else ""
        return [f"No requirement was judged{why}."]
    if not musts:
        return ["None of the requirements judged is a MUST, so nothing binding was decided."]
    if not _ids(musts, Outcome.PASSED):
        return ["No MUST requirement passed: all are skipped or waived, so nothing was shown."]
    return []


def _success(musts: Sequence[Judged]) -> str:
    passed, waived = len(_ids(musts, Outcome.PASSED)), _ids(musts, Outcome.WAIVED)
    if not waived:
        return (
            "The one MUST requirement that applies passed."
            if passed == 1
            else (f"All {counted(passed, 'MUST requirement')} that apply passed.")
        )
    verb = "is" if len(waived) == 1 else "are"
    return f"{counted(passed, 'MUST requirement')} passed; {len(waived)} {verb} broken and waived: {listed(waived)}."
