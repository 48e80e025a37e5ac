"""Makes the page of a kill matrix: one HTML file that needs no network, with search and filters."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import conformance
from conformance.lab.kill_matrix import Detection, KillMatrix, LabResult
from conformance.lab.rules import rule_violations
from conformance.report.html import assembled, html_environment, scripts, styles
from conformance.suite.outcome import BROKEN

_TEMPLATES = Path(__file__).parent / "templates"
_MOST = 60
_CELL = 4
"""Pixels of a cell in the overview."""

FAMILIES: Mapping[int, str] = {
    1: "framing and transport",
    2: "chunks",
    3: "whole answers",
    4: "errors",
    5: "requests",
    6: "access and isolation",
    7: "robustness",
    8: "tool calls",
    9: "structured output, reasoning and parts",
}
_KINDS = {
    Detection.CAUGHT: "passed",
    Detection.CLEAN: "passed",
    Detection.WRONG_REQUIREMENT: "warning",
    Detection.MISSED: "failed",
    Detection.FALSE_ALARM: "failed",
}
_KILLED, _UNKILLED, _UNBREAKABLE = "killed", "not killed", "cannot be broken"
_GLYPHS = {"passed": "✓", "warning": "!", "failed": "✕"}


def kill_matrix_page(matrix: KillMatrix) -> str:
    """The whole page as HTML text."""
    boundary = uuid.uuid4().hex
    results = [one for one in matrix.results if one.fault is not None]
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
            variations=len(matrix.variations),
            false_alarms=len(matrix.false_alarms),
            judged=len(matrix.killers()),
            killed=len(matrix.killed),
            unbreakable=len(matrix.unbreakable),
            requests=sum(one.requests for one in matrix.results),
            seconds=matrix.seconds,
            per_verdict=matrix.seconds / max(len(matrix.results), 1),
            partial=matrix.partial,
            violations=rule_violations(matrix),
            most=_MOST,
            known={*columns, *(one.id for one in results)},
            families=_families(matrix),
            results=[_view(number, one, columns) for number, one in enumerate(results)],
            requirements=list(_requirements(matrix)),
            counts=_counts(matrix),
            family_options=[(str(number), name) for number, name in FAMILIES.items()],
            outcome_options=_options(sorted({outcome for one in results for outcome in one.changed.values()})),
            section_options=_options(dict.fromkeys(row.section.value for row in matrix.requirements)),
            glyphs=_GLYPHS,
            cell=_CELL,
        )
    )
    return assembled(html.split(boundary), styles("kill-matrix.css", own=_TEMPLATES), scripts())


def _options(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


@dataclass(frozen=True, slots=True)
class _Cell:
    """One requirement whose outcome a fault changes, or should have changed."""

    requirement: str
    outcome: str
    kind: str
    label: str
    message: str
    column: int


def _view(number: int, one: LabResult, columns: Mapping[str, int]) -> Mapping[str, Any]:
    fault = one.fault
    assert fault is not None
    cells = [_cell(one, name, outcome, columns) for name, outcome in one.changed.items()]
    cells += [
        _Cell(name, f"{outcome} was expected", "wrong", "Not changed", "", columns.get(name, 0))
        for name, outcome in one.absent.items()
        if name not in one.changed
    ]
    return {
        "number": number,
        "id": one.id,
        "about": fault.about,
        "family": fault.family,
        "label": "allowed variation" if fault.is_variation else FAMILIES[fault.family],
        "result": one.detection.value,
        "kind": _KINDS[one.detection],
        "breaks": fault.breaks,
        "when": fault.when,
        "seen": fault.seen,
        "generated": fault.generated,
        "requests": one.requests,
        "seconds": one.seconds,
        "tries": one.tries,
        "cells": sorted(cells, key=lambda cell: ("caught", "wrong", "also", "other").index(cell.kind)),
        "outcomes": sorted(set(one.changed.values())),
        "sections": sorted({name.partition(".")[0] for name in (*one.changed, *fault.breaks)}),
    }


def _cell(one: LabResult, name: str, outcome: str, columns: Mapping[str, int]) -> _Cell:
    assert one.fault is not None
    if name in one.undeclared:
        kind, label = "wrong", "Not declared"
    elif name in one.fault.breaks:
        kind, label = "caught", "Caught by"
    else:
        kind, label = ("also", "Also found by") if outcome in BROKEN else ("other", "Changes")
    return _Cell(name, outcome, kind, label, one.messages.get(name, ""), columns.get(name, 0))


def _requirements(matrix: KillMatrix) -> Iterator[Mapping[str, Any]]:
    killers, unbreakable = matrix.killers(), frozenset(matrix.unbreakable)
    found: dict[str, list[str]] = {}
    for one in matrix.faults:
        for name in one.found:
            found.setdefault(name, []).append(one.id)
    for requirement in matrix.requirements:
        own = killers[requirement.id]
        yield {
            "id": requirement.id,
            "level": requirement.level.value,
            "section": requirement.section.value,
            "statement": requirement.statement,
            "control": matrix.control.get(requirement.id, "untested"),
            "killers": own,
            "others": [name for name in found.get(requirement.id, ()) if name not in own],
            "result": _KILLED if own else _UNBREAKABLE if requirement.id in unbreakable else _UNKILLED,
            "kind": "passed" if own else "warning" if requirement.id in unbreakable else "failed",
        }


def _families(matrix: KillMatrix) -> Sequence[Mapping[str, Any]]:
    found_by_one = {one.id for one in matrix.found_by_one}
    families = []
    for number, name in FAMILIES.items():
        some = [one for one in matrix.results if one.fault is not None and one.fault.family == number]
        families.append(
            {
                "number": number,
                "name": name,
                "faults": sum(one.is_fault for one in some),
                "caught": sum(one.detection is Detection.CAUGHT for one in some),
                "found_by_one": sum(one.id in found_by_one for one in some),
                "variations": sum(not one.is_fault for one in some),
                "false_alarms": sum(one.detection is Detection.FALSE_ALARM for one in some),
            }
        )
    return families


def _counts(matrix: KillMatrix) -> Sequence[tuple[str, str, int]]:
    """How many faults and requirements each filter of the page leaves: its name, its look and the number."""
    number_of = Counter(one.detection for one in matrix.results if one.fault is not None)
    counts = [(one.value, _KINDS[one], number_of[one]) for one in Detection]
    counts += [
        (_KILLED, "passed", len(matrix.killed)),
        (_UNKILLED, "failed", len(matrix.unkilled)),
        (_UNBREAKABLE, "warning", len(matrix.unbreakable)),
    ]
    return [count for count in counts if count[2]]
