"""The kill matrix: what each fault and allowed variation changed, compared with what it declares."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache

from conformance.contract.model import Contract, Level, Requirement, Section, Tier
from conformance.lab.judging import JudgedTarget
from conformance.lab.targets import CONTROLS, LabTarget
from conformance.reference.faults import EFFECT_BROKEN, Fault, keywords_without_fault
from conformance.suite.outcome import BROKEN, Outcome

TIMED = frozenset({"stream.delivered", "stream.delivered-coded"})
"""Requirements that a fast target may answer too quickly to judge: skipped and passed count as the same outcome."""
_NOT_BROKEN = frozenset({"passed", "skipped"})


_FAMILIES_OF_AGENTS = frozenset({8, 9})
_SECTIONS_OF_AGENTS = (Section.TOOLS, Section.STRUCTURED, Section.REASONING, Section.PARTS)


class Detection(StrEnum):
    """What the suite made of one target."""

    CAUGHT = "caught"
    """A fault, through every requirement that it breaks."""
    WRONG_REQUIREMENT = "caught through the wrong requirement"
    """A fault with findings, but not against all the requirements that it breaks."""
    MISSED = "missed"
    """A fault without a finding."""
    CLEAN = "clean"
    """A control or an allowed variation without a finding."""
    FALSE_ALARM = "accused falsely"
    """A control or an allowed variation with a finding."""


@dataclass(frozen=True, slots=True)
class LabResult:
    """What came of one target. Outcomes are by requirement id; `changed` are those that differ from the control's."""

    id: str
    tier: Tier
    """The tier in which it was judged."""
    fault: Fault | None = field(hash=False)
    changed: Mapping[str, str] = field(hash=False)
    messages: Mapping[str, str] = field(hash=False)
    undeclared: Mapping[str, str] = field(hash=False)
    """Of `changed`, what the fault does not declare."""
    absent: Mapping[str, str] = field(hash=False)
    """The outcomes that the fault declares and that did not come."""
    requests: int
    seconds: float
    broken: tuple[str, ...] = ()
    failed_checks: tuple[str, ...] = ()
    """Which checks of its run's evidence failed, a sentence each."""
    tries: int = 1
    """How often it was judged; the last time counts."""
    behind: frozenset[str] = frozenset()
    """Of `changed`, what is blocked by a requirement that the fault declares to break: it follows, and is declared."""

    @property
    def is_fault(self) -> bool:
        """Whether it must be caught."""
        return self.fault is not None and not self.fault.is_variation

    @property
    def found(self) -> tuple[str, ...]:
        """The requirements with a finding."""
        return tuple(name for name, outcome in self.changed.items() if outcome in BROKEN)

    @property
    def caught_by(self) -> tuple[str, ...]:
        """The requirements with a finding, of those that the fault breaks."""
        return tuple(name for name in self.found if self.fault is not None and name in self.fault.breaks)

    @property
    def detection(self) -> Detection:
        """What the suite made of the target."""
        if not self.is_fault:
            return Detection.FALSE_ALARM if self.found else Detection.CLEAN
        assert self.fault is not None
        if set(self.fault.breaks) <= set(self.found):
            return Detection.CAUGHT
        return Detection.WRONG_REQUIREMENT if self.found else Detection.MISSED


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """All targets of one profile, and the requirements that they were judged by."""

    contract: Contract = field(hash=False, repr=False)
    control: Mapping[str, str] = field(hash=False)
    """The outcome of each requirement without a fault."""
    results: tuple[LabResult, ...]
    """The controls first."""
    partial: bool = False
    """Whether only some of the profile's targets were judged."""
    seconds: float = 0.0

    @property
    def faults(self) -> tuple[LabResult, ...]:
        """The targets that must be caught."""
        return tuple(one for one in self.results if one.is_fault)

    @property
    def variations(self) -> tuple[LabResult, ...]:
        """The targets that must have no finding, without the controls."""
        return tuple(one for one in self.results if one.fault is not None and one.fault.is_variation)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What the suite judges."""
        return tuple(row for row in self.contract.requirements if row.level is not Level.MAY)

    @property
    def caught(self) -> tuple[LabResult, ...]:
        """The faults that were caught through all that they break."""
        return tuple(one for one in self.faults if one.detection is Detection.CAUGHT)

    @property
    def false_alarms(self) -> tuple[LabResult, ...]:
        """The controls and allowed variations with a finding."""
        return tuple(one for one in self.results if one.detection is Detection.FALSE_ALARM)

    @property
    def detection_rate(self) -> float:
        """The share of faults that were caught, from 0 to 1; 1 if there are none."""
        return len(self.caught) / len(self.faults) if self.faults else 1.0

    def killers(self) -> Mapping[str, tuple[str, ...]]:
        """For each requirement, the faults that break it and were caught through it."""
        killers: dict[str, list[str]] = {row.id: [] for row in self.requirements}
        for one in self.faults:
            for name in one.caught_by:
                killers.setdefault(name, []).append(one.id)
        return {name: tuple(ids) for name, ids in killers.items()}

    @property
    def killed(self) -> tuple[str, ...]:
        """The requirements that a fault was caught through."""
        return tuple(name for name, ids in self.killers().items() if ids)

    @property
    def unkilled(self) -> tuple[str, ...]:
        """The requirements that no fault was caught through, except those that no request could break."""
        cannot = {name for name, _ in keywords_without_fault(self.contract)}
        return tuple(name for name, ids in self.killers().items() if not ids and name not in cannot)

    @property
    def unbreakable(self) -> tuple[str, ...]:
        """The requirements that no fault was caught through, because no request could break them."""
        without = {*self.killed, *self.unkilled}
        return tuple(name for name in self.killers() if name not in without)

    @property
    def missed(self) -> tuple[LabResult, ...]:
        """The faults without a finding."""
        return tuple(one for one in self.faults if one.detection is Detection.MISSED)

    @property
    def found_by_one(self) -> tuple[LabResult, ...]:
        """The faults against which only one requirement has a finding."""
        return tuple(one for one in self.faults if len(one.found) == 1)


def matrix_of(
    contract: Contract,
    targets: Iterable[LabTarget],
    judged: Iterable[JudgedTarget],
    *,
    partial: bool = False,
    seconds: float = 0,
) -> KillMatrix:
    """The matrix of these targets, in their order.

    Raises:
        KeyError: a target, or the control of its tier, is missing in `judged`.
    """
    by_id = {one.target: one for one in judged}
    controls = {tier: by_id[name].outcomes for name, tier in CONTROLS.items() if name in by_id}
    results = tuple(_result(target, by_id[target.id], _usual(target, controls), contract) for target in targets)
    merged = {name: outcome for outcomes in controls.values() for name, outcome in outcomes.items()}
    return KillMatrix(contract, merged, results, partial, seconds)


def _usual(target: LabTarget, controls: Mapping[Tier, Mapping[str, str]]) -> Mapping[str, str]:
    """The outcomes without a fault of all that was sent to a target."""
    whole = controls[target.tier]
    if target.focus is None:
        return whole
    return {**controls[Tier.STANDARD], **{name: whole[name] for name in target.looked_at if name in whole}}


def _result(target: LabTarget, judged: JudgedTarget, control: Mapping[str, str], contract: Contract) -> LabResult:
    fault = target.fault
    if fault is None:
        # It has no fault, so that its findings are themselves the changes.
        changed = {name: outcome for name, outcome in control.items() if outcome in BROKEN | {Outcome.INCONCLUSIVE}}
        return _lab_result(target, judged, changed, {}, {})
    changed = dict(changes(control, judged.outcomes))
    expected = {name: outcome for name, outcome in expectation(fault, contract).items() if name in control}
    behind = frozenset(_behind(judged, changed, {*expected, *fault.may}))
    follows = following(fault, contract)
    undeclared = {
        name: outcome
        for name, outcome in changed.items()
        if name not in fault.may and name not in behind and name not in follows and expected.get(name) != outcome
    }
    absent = {
        name: outcome for name, outcome in expected.items() if changed.get(name) != outcome and name not in behind
    }
    return replace(_lab_result(target, judged, changed, undeclared, absent), behind=behind)


@cache
def _ids_by_section(contract: Contract) -> Mapping[Section, frozenset[str]]:
    ids: dict[Section, set[str]] = {}
    for row in contract.requirements:
        ids.setdefault(row.section, set()).add(row.id)
    return {section: frozenset(found) for section, found in ids.items()}


def following(fault: Fault, contract: Contract) -> frozenset[str]:
    """What a fault may change without declaring it: what is judged of tools, documents, reasoning and parts.

    Their requests pass the same stages as all others, so that only a fault of their own families declares what it does
    to them. An allowed variation has no finding there, either.
    """
    if fault.family in _FAMILIES_OF_AGENTS or fault.is_variation:
        return frozenset()
    by_section = _ids_by_section(contract)
    return frozenset().union(*(by_section.get(section, frozenset()) for section in _SECTIONS_OF_AGENTS))


def _behind(judged: JudgedTarget, changed: Mapping[str, str], declared: Container[str]) -> Iterator[str]:
    """What cannot be seen because of a requirement that is broken, and declared to be."""
    for name, blocker in judged.blocked_by.items():
        if changed.get(name) == Outcome.BLOCKED and changed.get(blocker) in BROKEN and blocker in declared:
            yield name


def _lab_result(
    target: LabTarget,
    judged: JudgedTarget,
    changed: Mapping[str, str],
    undeclared: Mapping[str, str],
    absent: Mapping[str, str],
) -> LabResult:
    return LabResult(
        id=target.id,
        tier=target.tier,
        fault=target.fault,
        changed=changed,
        messages=judged.messages,
        undeclared=undeclared,
        absent=absent,
        requests=judged.requests,
        seconds=judged.seconds,
        broken=judged.broken,
        failed_checks=judged.failed_checks,
        tries=judged.tries,
    )


def changes(control: Mapping[str, str], outcomes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The outcomes that differ from the control's; a requirement that was not judged at all is `untested`."""
    for name in sorted({*control, *outcomes}):
        usual, came = control.get(name, "untested"), outcomes.get(name, "untested")
        if usual == came or (name in TIMED and {usual, came} <= _NOT_BROKEN):
            continue
        yield name, came


def expectation(fault: Fault, contract: Contract) -> Mapping[str, str]:
    """The outcomes that a fault declares, by requirement id."""
    levels = {row.id: row.level for row in contract.requirements}
    declared = {**fault.effects, **dict.fromkeys(fault.breaks, EFFECT_BROKEN)}
    return {
        name: ("failed" if levels[name] is Level.MUST else "warning") if outcome == EFFECT_BROKEN else outcome
        for name, outcome in declared.items()
    }
