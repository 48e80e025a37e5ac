"""Makes the page of a kill matrix: one HTML file that needs no network, in which any fault is found in seconds."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conformance
from conformance.lab.matrix import Matrix, Result, Row
from conformance.lab.rules import breaches
from conformance.report.html import assembled, html_environment
from conformance.suite.outcome import BROKEN

_TEMPLATES = Path(__file__).parent / "templates"
_LOOKS = Path(__file__).parents[1] / "report" / "templates" / "compliance.css"
_MOST = 60
_CELL = 4
"""Pixels of the overview for one fault and one requirement."""

FAMILIES: Mapping[int, str] = {
    1: "framing and transport",
    2: "chunks",
    3: "whole answers",
    4: "errors",
    5: "requests",
    6: "access and isolation",
    7: "robustness",
}
_KINDS = {
    Result.CAUGHT: "passed",
    Result.CLEAN: "passed",
    Result.ASIDE: "warning",
    Result.MISSED: "failed",
    Result.ACCUSED: "failed",
}
_KILLED, _IDLE = "killed", "kills nothing"
_GLYPHS = {"passed": "✓", "warning": "!", "failed": "✕"}


def kill_matrix_page(matrix: Matrix) -> str:
    """The whole page as HTML text."""
    boundary = uuid.uuid4().hex
    rows = [row for row in matrix.rows if row.fault is not None]
    broken = breaches(matrix)
    columns = {row.id: number for number, row in enumerate(matrix.requirements)}
    html = (
        html_environment(_TEMPLATES)
        .get_template("kill-matrix.html.j2")
        .render(
            boundary=boundary,
            profile=matrix.contract.profile,
            version=conformance.__version__,
            faults=len(matrix.faults),
            caught=len(matrix.caught),
            traps=len(matrix.traps),
            false_alarms=len(matrix.accused),
            killed=len(matrix.requirements) - len(matrix.idle),
            requests=sum(row.requests for row in matrix.rows),
            seconds=matrix.seconds,
            per_verdict=matrix.seconds / max(len(matrix.rows), 1),
            partial=matrix.partial,
            breaches=broken,
            most=_MOST,
            known={*columns, *(row.id for row in rows)},
            families=_families(matrix),
            rows=[_view(number, row, columns) for number, row in enumerate(rows)],
            requirements=list(_requirements(matrix)),
            results=_results(matrix),
            outcomes=sorted({outcome for row in rows for outcome in row.changed.values()}),
            sections=list(dict.fromkeys(row.section.value for row in matrix.requirements)),
            glyphs=_GLYPHS,
            cell=_CELL,
        )
    )
    style = _LOOKS.read_text(encoding="utf-8") + (_TEMPLATES / "kill-matrix.css").read_text(encoding="utf-8")
    script = (_TEMPLATES / "kill-matrix.js").read_text(encoding="utf-8")
    return assembled(html.split(boundary), style, script)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One requirement whose outcome a fault changes, or should have changed."""

    requirement: str
    outcome: str
    kind: str
    label: str
    message: str
    column: int


def _view(number: int, row: Row, columns: Mapping[str, int]) -> Mapping[str, Any]:
    fault = row.fault
    assert fault is not None
    cells = [_cell(row, name, outcome, columns) for name, outcome in row.changed.items()]
    cells += [
        _Cell(name, f"{outcome} was expected", "wrong", "Not changed", "", columns.get(name, 0))
        for name, outcome in row.absent.items()
        if name not in row.changed
    ]
    return {
        "number": number,
        "id": row.id,
        "about": fault.about,
        "family": fault.family,
        "label": "trap" if fault.is_variation else FAMILIES[fault.family],
        "result": row.result.value,
        "kind": _KINDS[row.result],
        "breaks": fault.breaks,
        "when": fault.when,
        "seen": fault.seen,
        "generated": fault.generated,
        "requests": row.requests,
        "seconds": row.seconds,
        "tries": row.tries,
        "cells": sorted(cells, key=lambda cell: ("caught", "wrong", "also", "other").index(cell.kind)),
        "outcomes": sorted(set(row.changed.values())),
        "sections": sorted({name.partition(".")[0] for name in (*row.changed, *fault.breaks)}),
    }


def _cell(row: Row, name: str, outcome: str, columns: Mapping[str, int]) -> _Cell:
    assert row.fault is not None
    if name in row.undeclared:
        kind, label = "wrong", "Not declared"
    elif name in row.fault.breaks:
        kind, label = "caught", "Caught by"
    else:
        kind, label = ("also", "Also told by") if outcome in BROKEN else ("other", "Changes")
    return _Cell(name, outcome, kind, label, row.messages.get(name, ""), columns.get(name, 0))


def _requirements(matrix: Matrix) -> Iterator[Mapping[str, Any]]:
    killers = matrix.killers()
    told: dict[str, list[str]] = {}
    for row in matrix.faults:
        for name in row.found:
            told.setdefault(name, []).append(row.id)
    for requirement in matrix.requirements:
        own = killers[requirement.id]
        yield {
            "id": requirement.id,
            "level": requirement.level.value,
            "section": requirement.section.value,
            "statement": requirement.statement,
            "control": matrix.control.get(requirement.id, "untested"),
            "killers": own,
            "others": [name for name in told.get(requirement.id, ()) if name not in own],
            "result": _KILLED if own else _IDLE,
            "kind": "passed" if own else "failed",
        }


def _families(matrix: Matrix) -> Sequence[Mapping[str, Any]]:
    single = {row.id for row in matrix.single}
    families = []
    for number, name in FAMILIES.items():
        some = [row for row in matrix.rows if row.fault is not None and row.fault.family == number]
        families.append(
            {
                "number": number,
                "name": name,
                "faults": sum(row.is_fault for row in some),
                "caught": sum(row.result is Result.CAUGHT for row in some),
                "single": sum(row.id in single for row in some),
                "traps": sum(not row.is_fault for row in some),
                "accused": sum(row.result is Result.ACCUSED for row in some),
            }
        )
    return families


def _results(matrix: Matrix) -> Sequence[tuple[str, str, int]]:
    counts = Counter(row.result for row in matrix.rows if row.fault is not None)
    found = [(result.value, _KINDS[result], counts[result]) for result in Result if counts[result]]
    idle = len(matrix.idle)
    killed = len(matrix.requirements) - idle
    return [*found, *((name, kind, n) for name, kind, n in ((_KILLED, "passed", killed), (_IDLE, "failed", idle)) if n)]
