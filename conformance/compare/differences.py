"""What changed from one run to another, requirement by requirement, and why it may have changed."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from conformance.compare.identity import FindingIdentity, identities, identity, newly_broken
from conformance.compare.runs import CompareError
from conformance.contract.model import Level, Section
from conformance.quoting import one_line
from conformance.report.quantities import listed
from conformance.report.results import RequirementResult, Results
from conformance.suite.outcome import BROKEN, UNDECIDED, Finding, Outcome, Waiver

_MOST_NAMED = 10
"""Waivers that are named."""
_MOST_FACTS = 40
"""Differing circumstances that are told: a record may have any number of traits of its target."""
_LONGEST_FACT = 200


class ChangeKind(StrEnum):
    """What happened to a requirement, the gravest first."""

    REGRESSION = "regression"
    """It is broken and was not, or in another way."""
    UNDECIDED = "undecided"
    """It was decided and no longer is."""
    FIX = "fix"
    """It was broken and no longer is, or has lost findings."""
    ELSEWHERE = "elsewhere"
    """It was broken and is, but by other requests: so does a defect that comes by chance."""
    NEW = "new"
    """The older run does not have it."""
    GONE = "gone"
    """The newer run does not have it."""
    OTHER = "other"
    """Its outcome changed in another way: it is waived, decided, or no longer applies."""


@dataclass(frozen=True, slots=True)
class Change:
    """One requirement whose outcome or findings changed.

    `before` and `after` are None if a run does not have it. `came` are the new findings, `went` counts those that are
    gone. `why` names what else changed about it.
    """

    id: str
    level: Level
    section: Section
    statement: str
    kind: ChangeKind
    before: Outcome | None
    after: Outcome | None
    came: tuple[Finding, ...] = ()
    went: int = 0
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differences:
    """Everything that changed from `old` to `new`: the circumstances, in sentences, and the requirements."""

    old: Results
    new: Results
    circumstances: tuple[str, ...]
    changes: tuple[Change, ...]

    def of(self, kind: ChangeKind) -> tuple[Change, ...]:
        """The changes of one kind, in the catalogue's order."""
        return tuple(change for change in self.changes if change.kind is kind)


def differences(old: Results, new: Results) -> Differences:
    """What changed between two runs of one profile.

    Raises:
        CompareError: they are of different profiles.
    """
    if old.profile.name != new.profile.name:
        raise CompareError(
            f"the older run is of the profile {old.profile.name}, the newer of {new.profile.name};"
            " compare runs of one profile, or use matrix to set them side by side."
        )
    before = {row.id: row for row in old.requirements}
    after = {row.id: row for row in new.requirements}
    order = [*after, *(row_id for row_id in before if row_id not in after)]
    left_out = _LeftOut.of(old, new)
    changes = (_change(before.get(row_id), after.get(row_id), new, left_out) for row_id in order)
    return Differences(old, new, tuple(_circumstances(old, new)), tuple(one for one in changes if one is not None))


def _change(
    before: RequirementResult | None, after: RequirementResult | None, new: Results, left_out: _LeftOut
) -> Change | None:
    row = after or before
    assert row is not None
    known = identities(before) if before else frozenset()
    now = identities(after) if after else frozenset()
    kind = _kind(before, after, known, now)
    if kind is None:
        return None
    found = after.findings if after else ()
    return Change(
        id=row.id,
        level=row.level,
        section=row.section,
        statement=row.statement,
        kind=kind,
        before=before.outcome if before else None,
        after=after.outcome if after else None,
        came=_once(finding for finding in found if identity(finding) not in known),
        went=len(known - now) if after and after.outcome not in UNDECIDED else 0,
        why=tuple(_why(before, after, new, left_out)),
    )


def _kind(
    before: RequirementResult | None,
    after: RequirementResult | None,
    known: frozenset[FindingIdentity],
    now: frozenset[FindingIdentity],
) -> ChangeKind | None:
    if before is None:
        return ChangeKind.NEW
    if after is None:
        return ChangeKind.GONE
    return _kind_of_both(before, after, known, now)


def _kind_of_both(
    before: RequirementResult,
    after: RequirementResult,
    known: frozenset[FindingIdentity],
    now: frozenset[FindingIdentity],
) -> ChangeKind | None:
    # What the newer run does not score is reported, but does not fail.
    failed, fails = before.outcome in BROKEN, after.outcome in BROKEN and after.scored
    if fails and (not failed or newly_broken(now, known)):
        return ChangeKind.REGRESSION
    if after.outcome in UNDECIDED:
        return None if before.outcome in UNDECIDED else ChangeKind.UNDECIDED
    if failed and fails and now != known:
        return ChangeKind.ELSEWHERE if now - known else ChangeKind.FIX
    if failed and after.outcome is Outcome.PASSED:
        return ChangeKind.FIX
    return ChangeKind.OTHER if before.outcome is not after.outcome else None


def _once(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The first finding of each identity."""
    first: dict[FindingIdentity, Finding] = {}
    for finding in findings:
        first.setdefault(identity(finding), finding)
    return tuple(first.values())


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """The ids of the requirements that one of two runs did not judge: left to a larger tier, or not observable."""

    beyond_tier: frozenset[str]
    excluded: frozenset[str]

    @classmethod
    def of(cls, *runs: Results) -> _LeftOut:
        beyond_tier = frozenset(one.id for run in runs for one in run.beyond_tier)
        return cls(beyond_tier, frozenset(one.id for run in runs for one in run.excluded))


def _why(
    before: RequirementResult | None, after: RequirementResult | None, new: Results, left_out: _LeftOut
) -> Iterable[str]:
    """What changed about a requirement apart from the target's answers."""
    if before is None or after is None:
        row = after or before
        assert row is not None
        if row.id in left_out.beyond_tier:
            yield f"it belongs to the {row.tier.value} tier"
        elif row.id in left_out.excluded:
            yield "one of the runs counts it among those that cannot be observed"
        return
    if before.digest != after.digest or before.statement != after.statement:
        yield "the requirement itself was changed"
    if not after.scored:
        yield "the release of the newer run does not score it"
    if before.level is not after.level:
        yield f"its level was {before.level.value}"
    if before.waiver != after.waiver:
        yield _of_waiver(before, after, new)


def _of_waiver(before: RequirementResult, after: RequirementResult, new: Results) -> str:
    if after.waiver is not None:
        return f"it is waived by {after.waiver.owner} until {after.waiver.expires}"
    assert before.waiver is not None
    judged = datetime.datetime.fromisoformat(new.started).date()
    ended = f"expired on {before.waiver.expires}" if before.waiver.expired(judged) else "is not in force"
    return f"its waiver by {before.waiver.owner} {ended}"


def _circumstances(old: Results, new: Results) -> Iterable[str]:
    """How the circumstances of the runs differ, in sentences; nothing that a record says makes them long."""
    differing = ((what, before, after) for what, before, after in _facts(old, new) if before != after)
    for what, *values in islice(differing, _MOST_FACTS):
        shown = [one_line(value, _LONGEST_FACT) if value else "none" for value in values]
        yield f"The {one_line(what, _LONGEST_FACT)} changed from {shown[0]} to {shown[1]}."
    if next(differing, None) is not None:
        yield f"More than {_MOST_FACTS} circumstances differ; the rest is in the records."
    before, after = dict.fromkeys(old.waivers), dict.fromkeys(new.waivers)
    added = [_short(waiver) for waiver in after if waiver not in before]
    removed = [_short(waiver) for waiver in before if waiver not in after]
    if added:
        yield f"Waivers were added or changed: {listed(added, _MOST_NAMED)}."
    if removed:
        yield f"Waivers were removed or changed: {listed(removed, _MOST_NAMED)}."


def _short(waiver: Waiver) -> str:
    return one_line(waiver.about, _LONGEST_FACT)


def _facts(old: Results, new: Results) -> Iterable[tuple[str, str | None, str | None]]:
    yield "target", old.target.base_url, new.target.base_url
    yield "model", old.target.model, new.target.model
    yield "server", old.target.server, new.target.server
    yield "version of the suite", old.suite_version, new.suite_version
    yield "version of the profile", old.profile.version, new.profile.version
    yield "profile's document", old.profile.sha256[:12], new.profile.sha256[:12]
    first_release, second_release = (run.release.version if run.release else None for run in (old, new))
    yield "release that is scored by", first_release, second_release
    yield "tier", old.tier.value, new.tier.value
    yield "selection", old.selection, new.selection
    yield "left out", _left_out(old), _left_out(new)
    first, second = old.fingerprint, new.fingerprint
    if first is not None and second is not None:
        for trait in sorted({*first.end, *second.start} - {"server"}):
            yield f"target's {trait}", first.end.get(trait), second.start.get(trait)


def _left_out(results: Results) -> str | None:
    """What the scope of a verdict leaves out; None where it leaves out nothing."""
    return ", ".join((*results.scope.without, *results.scope.remarks)) or None
