"""The kill matrix: what each fault and trap changed, held against what it declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.contract.model import Contract, Level, Requirement
from conformance.lab.judging import Seen
from conformance.lab.targets import CONTROLS, LabTarget
from conformance.reference.faults import EFFECT_BROKEN, Fault, keywords_without_fault
from conformance.suite.outcome import BROKEN, Outcome

TIMED = frozenset({"stream.delivered", "stream.delivered-coded"})
"""Requirements that a fast target's times may be too short for: that they were skipped or passed is all the same."""
_UNHARMED = frozenset({"passed", "skipped"})


class Result(StrEnum):
    """What the suite made of one target."""

    CAUGHT = "caught"
    """A fault, through every requirement that it breaks."""
    ASIDE = "caught through the wrong requirement"
    """A fault that something was found against, but not all that it breaks."""
    MISSED = "missed"
    """A fault that nothing was found against."""
    CLEAN = "clean"
    """The control or a trap, without a finding."""
    ACCUSED = "accused falsely"
    """The control or a trap, with a finding."""


@dataclass(frozen=True, slots=True)
class Row:
    """One target of the lab. Outcomes are by requirement id; `changed` are those that differ from the control's."""

    id: str
    fault: Fault | None = field(hash=False)
    changed: Mapping[str, str] = field(hash=False)
    messages: Mapping[str, str] = field(hash=False)
    undeclared: Mapping[str, str] = field(hash=False)
    """Of `changed`, what the fault does not declare."""
    absent: Mapping[str, str] = field(hash=False)
    """What the fault declares and did not come, by the outcome that was expected."""
    requests: int
    seconds: float
    broken: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    """What the evidence of its run does not show, of what was to be shown."""
    tries: int = 1
    """How often it was judged; the last time counts."""

    @property
    def is_fault(self) -> bool:
        """Whether it must be caught."""
        return self.fault is not None and not self.fault.is_variation

    @property
    def found(self) -> tuple[str, ...]:
        """The requirements through which something was found."""
        return tuple(name for name, outcome in self.changed.items() if outcome in BROKEN)

    @property
    def caught_by(self) -> tuple[str, ...]:
        """Those of the requirements that it breaks through which it was caught."""
        return tuple(name for name in self.found if self.fault is not None and name in self.fault.breaks)

    @property
    def result(self) -> Result:
        """What the suite made of it."""
        if not self.is_fault:
            return Result.ACCUSED if self.found else Result.CLEAN
        assert self.fault is not None
        if set(self.fault.breaks) <= set(self.found):
            return Result.CAUGHT
        return Result.ASIDE if self.found else Result.MISSED


@dataclass(frozen=True, slots=True)
class Matrix:
    """All targets of one profile, and the requirements that they were judged by."""

    contract: Contract = field(hash=False, repr=False)
    control: Mapping[str, str] = field(hash=False)
    """The outcome of each requirement without a fault."""
    rows: tuple[Row, ...]
    """The controls first."""
    partial: bool = False
    """Whether only some of the profile's targets were judged."""
    seconds: float = 0.0

    @property
    def faults(self) -> tuple[Row, ...]:
        """The targets that must be caught."""
        return tuple(row for row in self.rows if row.is_fault)

    @property
    def traps(self) -> tuple[Row, ...]:
        """The targets that must not be accused, without the control."""
        return tuple(row for row in self.rows if row.fault is not None and row.fault.is_variation)

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What the suite judges."""
        return tuple(row for row in self.contract.requirements if row.level is not Level.MAY)

    @property
    def caught(self) -> tuple[Row, ...]:
        """The faults that were caught through all that they break."""
        return tuple(row for row in self.faults if row.result is Result.CAUGHT)

    @property
    def accused(self) -> tuple[Row, ...]:
        """The control and traps that something was found against."""
        return tuple(row for row in self.rows if row.result is Result.ACCUSED)

    @property
    def detection(self) -> float:
        """The share of faults that were caught, from 0 to 1; 1 where there is none."""
        return len(self.caught) / len(self.faults) if self.faults else 1.0

    def killers(self) -> Mapping[str, tuple[str, ...]]:
        """For each requirement, the faults that declare it and were caught through it."""
        killers: dict[str, list[str]] = {row.id: [] for row in self.requirements}
        for row in self.faults:
            for name in row.caught_by:
                killers.setdefault(name, []).append(row.id)
        return {name: tuple(ids) for name, ids in killers.items()}

    @property
    def idle(self) -> tuple[str, ...]:
        """The requirements that no fault was caught through, but those that no request could break."""
        cannot = {name for name, _ in keywords_without_fault(self.contract)}
        return tuple(name for name, ids in self.killers().items() if not ids and name not in cannot)

    @property
    def single(self) -> tuple[Row, ...]:
        """The faults that one requirement alone has anything to say of."""
        return tuple(row for row in self.faults if len(row.found) == 1)


def matrix_of(
    contract: Contract, targets: Iterable[LabTarget], seen: Iterable[Seen], *, partial: bool = False, seconds: float = 0
) -> Matrix:
    """The matrix of what was seen; the targets' order is kept.

    Raises:
        KeyError: a control, or another target, was not seen.
    """
    by_id = {one.target: one for one in seen}
    controls = {tier: by_id[name].outcomes for name, tier in CONTROLS.items()}
    rows = tuple(_row(target, by_id[target.id], controls[target.tier], contract) for target in targets)
    merged = {name: outcome for outcomes in controls.values() for name, outcome in outcomes.items()}
    return Matrix(contract, merged, rows, partial, seconds)


def _row(target: LabTarget, seen: Seen, control: Mapping[str, str], contract: Contract) -> Row:
    fault = target.fault
    if fault is None:
        # Nothing may be wrong with it, so that its findings are what the lab is told of it.
        changed = {name: outcome for name, outcome in control.items() if outcome in BROKEN | {Outcome.INCONCLUSIVE}}
        return Row(
            target.id,
            None,
            changed,
            seen.messages,
            {},
            {},
            seen.requests,
            seen.seconds,
            seen.broken,
            seen.gaps,
            seen.tries,
        )
    changed = dict(changes(control, seen.outcomes))
    expected = {name: outcome for name, outcome in expectation(fault, contract).items() if name in control}
    return Row(
        id=target.id,
        fault=fault,
        changed=changed,
        messages=seen.messages,
        undeclared={
            name: outcome
            for name, outcome in changed.items()
            if name not in fault.may and expected.get(name) != outcome
        },
        absent={name: outcome for name, outcome in expected.items() if changed.get(name) != outcome},
        requests=seen.requests,
        seconds=seen.seconds,
        broken=seen.broken,
        gaps=seen.gaps,
        tries=seen.tries,
    )


def changes(control: Mapping[str, str], outcomes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The outcomes that differ from the control's; a requirement that was not judged at all is `untested`."""
    for name in sorted({*control, *outcomes}):
        usual, came = control.get(name, "untested"), outcomes.get(name, "untested")
        if usual == came or (name in TIMED and {usual, came} <= _UNHARMED):
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
