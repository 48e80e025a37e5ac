"""Tells a kill matrix in a screen of text: the score, what is worth looking at, and which rules do not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from conformance.lab.matrix import Matrix, Result
from conformance.lab.rules import Breach

_MOST = 40


def lab_text(matrix: Matrix, broken: Sequence[Breach], written: Mapping[str, Path]) -> str:
    """The summary as plain text."""
    lines = [*_score(matrix), "", *_rules(broken), *([""] if written else [])]
    lines += [f"{name:<12}{path}" for name, path in written.items()]
    return "\n".join(lines)


def _score(matrix: Matrix) -> list[str]:
    faults, traps = matrix.faults, matrix.traps
    killers = matrix.killers()
    killed = sum(bool(ids) for ids in killers.values())
    aside = sum(row.result is Result.ASIDE for row in faults)
    requests = sum(row.requests for row in matrix.rows)
    twice = [row.id for row in matrix.rows if row.tries > 1]
    again = f"judged twice  {len(twice):>5}   which broke a rule the first time: {', '.join(twice)}"
    return [
        f"Fault lab, {matrix.contract.profile.name} {matrix.contract.profile.version}",
        "",
        f"faults        {len(faults):>5}   caught {len(matrix.caught)} ({100 * matrix.detection:.1f} %),"
        f" through the wrong requirement {aside}, missed {len(faults) - len(matrix.caught) - aside}",
        f"traps         {len(traps):>5}   accused falsely {len(matrix.accused)}",
        f"requirements  {len(killers):>5}   killed by a fault {killed};"
        f" {len(matrix.single)} faults are told by one requirement alone",
        f"cost                  {requests} requests in {matrix.seconds:.0f} s,"
        f" {1000 * matrix.seconds / max(len(matrix.rows), 1):.0f} ms a verdict",
        *([again] if twice else []),
    ]


def _rules(broken: Sequence[Breach]) -> list[str]:
    if not broken:
        return ["All rules hold."]
    lines: list[str] = []
    for rule, some in groupby(sorted(broken, key=lambda breach: breach.rule), key=lambda breach: breach.rule):
        told = list(some)
        lines.append(f"Does not hold: {rule}.")
        lines += [f"  {breach.sentence}" for breach in told[:_MOST]]
        if len(told) > _MOST:
            lines.append(f"  … and {len(told) - _MOST} more")
    return lines
