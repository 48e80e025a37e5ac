"""The rules of the lab: what must hold for a kill matrix, and the sentence for each violation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from conformance.lab.kill_matrix import Detection, KillMatrix, LabResult

CAUGHT = "every fault is caught through what it breaks"
NO_FALSE_ALARM = "nothing is accused falsely"
KILLED = "every requirement is killed by a fault"
AS_DECLARED = "a fault changes what it declares, and nothing else"
SUITE_WORKS = "the suite itself does not break"
EVIDENCE_AGREES = "evidence shows again what a run found"


@dataclass(frozen=True, slots=True)
class RuleViolation:
    """One violation of a rule: the rule's name, the target or requirement, and a sentence."""

    rule: str
    subject: str
    sentence: str


def rule_violations(matrix: KillMatrix) -> tuple[RuleViolation, ...]:
    """Every violation of a rule; in a partial matrix, requirements that no fault killed violate none.

    A user's own contract is held to fewer: its faults declare nothing, and its rows have none.
    """
    is_own = matrix.contract.is_own
    found = [violation for result in matrix.results for violation in _of_result(result, is_own=is_own)]
    if not matrix.partial and not is_own:
        found += [
            RuleViolation(KILLED, name, f"no fault was caught through {name}, so nothing shows that its test can fail")
            for name in matrix.unkilled
        ]
    return tuple(found)


def _of_result(one: LabResult, *, is_own: bool) -> Iterator[RuleViolation]:
    for line in one.broken:
        yield RuleViolation(SUITE_WORKS, one.id, f"{one.id}: the suite broke: {line}")
    for line in one.failed_checks:
        yield RuleViolation(EVIDENCE_AGREES, one.id, f"{one.id}: {line}")
    if one.detection is Detection.FALSE_ALARM:
        findings = "; ".join(f"{name}: {one.messages.get(name, one.changed[name])}" for name in one.found)
        yield RuleViolation(NO_FALSE_ALARM, one.id, f"{one.id} is allowed, but has findings: {findings}")
    elif one.detection is Detection.MISSED or (one.detection is Detection.WRONG_REQUIREMENT and not is_own):
        assert one.fault is not None
        missing = [name for name in one.fault.breaks if name not in one.found]
        through = f", only through {', '.join(one.found[:5])}" if one.found else ""
        yield RuleViolation(CAUGHT, one.id, f"{one.id} was not caught through {', '.join(missing)}{through}")
    if one.fault is None:
        yield from _of_control(one)
    elif not is_own:
        # What else a fault changes is only known of the shipped contracts.
        yield from _of_declaration(one)


def _of_control(one: LabResult) -> Iterator[RuleViolation]:
    undecided = [name for name, outcome in one.changed.items() if outcome == "inconclusive"]
    if undecided:
        yield RuleViolation(
            NO_FALSE_ALARM, one.id, f"{one.id} has no fault, but is inconclusive in {', '.join(undecided)}"
        )


def _of_declaration(one: LabResult) -> Iterator[RuleViolation]:
    assert one.fault is not None
    undeclared = {
        name: outcome for name, outcome in one.undeclared.items() if not (one.fault.is_variation and name in one.found)
    }
    if undeclared:
        listed = ", ".join(f"{name} ({outcome}{_why(one, name)})" for name, outcome in undeclared.items())
        yield RuleViolation(AS_DECLARED, one.id, f"{one.id} changes what it does not declare: {listed}")
    absent = {name: outcome for name, outcome in one.absent.items() if name not in one.fault.breaks}
    if absent:
        listed = ", ".join(f"{name} ({outcome})" for name, outcome in absent.items())
        yield RuleViolation(AS_DECLARED, one.id, f"{one.id} does not change what it declares: {listed}")


def _why(one: LabResult, name: str) -> str:
    """Why a requirement is inconclusive; the messages of findings are in the matrix."""
    return f": {one.messages[name]}" if one.changed[name] == "inconclusive" and name in one.messages else ""
