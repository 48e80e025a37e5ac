"""Prints a kill matrix as a screen of text: the score, and the rules that do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from conformance.lab.kill_matrix import Detection, KillMatrix
from conformance.lab.rules import RuleViolation

_MOST = 40
"""Violations of one rule that are printed."""


def lab_text(matrix: KillMatrix, violations: Sequence[RuleViolation], written: Mapping[str, Path]) -> str:
    """The summary as plain text; `written` are the reports' paths by name."""
    lines = [*_score(matrix), "", *_rules(violations), *([""] if written else [])]
    lines += [f"{name:<12}{path}" for name, path in written.items()]
    return "\n".join(lines)


def _score(matrix: KillMatrix) -> list[str]:
    faults = matrix.faults
    unbreakable = len(matrix.unbreakable)
    cannot = f", which no request could break {unbreakable}" if unbreakable else ""
    wrong = sum(one.detection is Detection.WRONG_REQUIREMENT for one in faults)
    requests = sum(one.requests for one in matrix.results)
    rechecked = [one.id for one in matrix.results if one.tries > 1]
    twice = f"judged twice  {len(rechecked):>5}   because they violated a rule the first time: {', '.join(rechecked)}"
    return [
        f"Fault lab, {matrix.contract.profile.name} {matrix.contract.profile.version}",
        "",
        f"faults        {len(faults):>5}   caught {len(matrix.caught)} ({100 * matrix.detection_rate:.1f} %),"
        f" through the wrong requirement {wrong}, missed {len(matrix.missed)}",
        f"variations    {len(matrix.variations):>5}   allowed; accused falsely {len(matrix.false_alarms)}",
        f"requirements  {len(matrix.killers()):>5}   killed by a fault {len(matrix.killed)}{cannot};"
        f" {len(matrix.found_by_one)} faults are found by one requirement only",
        f"cost                  {requests} requests in {matrix.seconds:.0f} s,"
        f" {1000 * matrix.seconds / max(len(matrix.results), 1):.0f} ms a verdict",
        *([twice] if rechecked else []),
    ]


def _rules(violations: Sequence[RuleViolation]) -> list[str]:
    if not violations:
        return ["All rules hold."]
    lines: list[str] = []
    for rule, group in groupby(sorted(violations, key=lambda one: one.rule), key=lambda one: one.rule):
        sentences = [violation.sentence for violation in group]
        lines.append(f"Does not hold: {rule}.")
        lines += [f"  {sentence}" for sentence in sentences[:_MOST]]
        if len(sentences) > _MOST:
            lines.append(f"  … and {len(sentences) - _MOST} more")
    return lines
