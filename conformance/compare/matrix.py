"""Runs side by side: every requirement with its outcome in each run, those that differ first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.compare.runs import NamedRun
from conformance.contract.model import Level, Section
from conformance.report.client_results import ClientResults
from conformance.report.results import RequirementResult
from conformance.suite.outcome import Outcome

FORMAT = 1
"""Version of the format that specs/matrix.schema.json describes."""
_ORDER = list(Outcome)


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One requirement across the runs.

    `results` has an entry for each run, in the order of the runs: None if the run's contract or tier does not have it.
    """

    id: str
    section: Section
    level: Level
    statement: str
    results: tuple[RequirementResult | None, ...]

    @property
    def outcomes(self) -> tuple[Outcome | None, ...]:
        """The outcome in each run."""
        return tuple(result.outcome if result else None for result in self.results)

    @property
    def differs(self) -> bool:
        """Whether its outcome is not the same in all runs that have it."""
        return len({outcome for outcome in self.outcomes if outcome is not None}) > 1

    @property
    def worst(self) -> Outcome:
        """The worst outcome among the runs."""
        return min((outcome for outcome in self.outcomes if outcome is not None), key=_ORDER.index)


@dataclass(frozen=True, slots=True)
class RunMatrix:
    """Requirements by section, across runs; within a section those that differ come first, the worst on top."""

    runs: tuple[NamedRun, ...]
    sections: tuple[tuple[Section, tuple[MatrixRow, ...]], ...]

    @property
    def differing(self) -> int:
        """How many requirements differ."""
        return sum(row.differs for _, rows in self.sections for row in rows)

    @property
    def size(self) -> int:
        """How many requirements there are in all."""
        return sum(len(rows) for _, rows in self.sections)


def matrix(runs: Sequence[NamedRun]) -> RunMatrix:
    """The runs side by side, including requirements that only some of them have."""
    rows: dict[str, MatrixRow] = {}
    by_id = [{result.id: result for result in run.results.requirements} for run in runs]
    for results in by_id:
        for result in results.values():
            if result.id not in rows:
                found = tuple(one.get(result.id) for one in by_id)
                level = min((one.level for one in found if one), key=list(Level).index)
                rows[result.id] = MatrixRow(result.id, result.section, level, result.statement, found)
    sections = []
    for section in Section:
        chosen = [row for row in rows.values() if row.section is section]
        chosen.sort(key=lambda row: (not row.differs, _ORDER.index(row.worst)))
        if chosen:
            sections.append((section, tuple(chosen)))
    return RunMatrix(tuple(runs), tuple(sections))


def matrix_json(shown: RunMatrix) -> str:
    """The matrix as JSON, as specs/matrix.schema.json describes it."""
    document = {
        "format": FORMAT,
        "runs": [_run(run) for run in shown.runs],
        "requirements": [_row(row, section) for section, rows in shown.sections for row in rows],
    }
    return json.dumps(document, ensure_ascii=True, indent=2) + "\n"


def first_words(result: RequirementResult) -> str:
    """The first finding or else the first message, in one sentence; empty if there is neither."""
    if result.findings:
        return f"expected {result.findings[0].expected}; got {result.findings[0].actual}"
    return result.messages[0] if result.messages else ""


def _run(run: NamedRun) -> dict[str, Any]:
    results = run.results
    return {
        "name": run.name,
        "base_url": results.target.base_url,
        "model": results.target.model,
        "server": results.target.server,
        "profile": {"name": results.profile.name, "version": results.profile.version},
        "tier": results.tier.value,
        "started": results.started,
        "suite": results.suite_version,
        "verdict": results.verdict.value,
        "scope": results.about,
        "totals": {outcome.value: count for outcome, count in results.totals.items()},
        **({"clients": _clients(run.clients)} if run.clients is not None and run.clients.ran else {}),
    }


def _clients(clients: ClientResults) -> dict[str, int]:
    return {"run": len(clients.ran), "survive": len(clients.survivors)}


def both_axes(run: NamedRun) -> str | None:
    """What a run breaks of the contract and how many clients survive it, in words; None where no client was run."""
    if run.clients is None or not run.clients.ran:
        return None
    broken = sum(one.level is Level.MUST and one.outcome is Outcome.FAILED for one in run.results.requirements)
    return f"contract: {broken} MUST broken; clients: {run.clients.headline}"


def _row(row: MatrixRow, section: Section) -> dict[str, Any]:
    return {
        "id": row.id,
        "section": section.value,
        "level": row.level.value,
        "statement": row.statement,
        "differs": row.differs,
        "outcomes": [outcome.value if outcome else None for outcome in row.outcomes],
        "said": [first_words(result) if result else "" for result in row.results],
    }
