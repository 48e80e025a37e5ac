"""Writes what a fleet came to: fleet.json, and the runs of each profile side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import conformance
from conformance.compare import NamedRun, matrix, matrix_json, matrix_page
from conformance.fleet.distribution import Judged
from conformance.fleet.results_folder import FORMAT, file_of, run_data
from conformance.fleet.storage import Storage
from conformance.fleet.task import BROKE, FAILED, PASSED, UNDECIDED, UNUSABLE, Task
from conformance.report.record import parse_results
from conformance.strict_json import load

RECORD: Final = "fleet.json"
MOST_SIDE_BY_SIDE: Final = 100
"""Runs on one page of a matrix: those that are not conformant come first."""
_WORST_FIRST = (FAILED, BROKE, UNUSABLE, UNDECIDED, PASSED)


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The page of the runs of one profile, and how many requirements differ among them."""

    page: str
    runs: int
    differing: int
    left_out: int


def exit_status(results: Sequence[Judged], expected: int) -> int:
    """The exit status of a fleet: 1 if a run failed, else 4 if the suite broke, else 3 if anything is not decided.

    Where not one run could be made as it is configured, it is 2.
    """
    statuses = Counter(one.outcome.status for one in results)
    if statuses[FAILED]:
        return FAILED
    if statuses[BROKE]:
        return BROKE
    if results and statuses[UNUSABLE] == len(results):
        return UNUSABLE
    return PASSED if statuses[PASSED] == expected else UNDECIDED


def write_record(storage: Storage, tasks: Sequence[Task], results: Sequence[Judged], seconds: float) -> None:
    """Write fleet.json: every run with what came of it, also those that were not made.

    Raises:
        FleetError, OSError: it cannot be written.
    """
    known = {one.task.name: one for one in results}
    document = {
        "format": FORMAT,
        "suite": {"name": "chat-conformance", "version": conformance.__version__},
        "complete": all(task.name in known for task in tasks),
        "seconds": round(seconds, 1),
        "runs": [_entry(task, known.get(task.name)) for task in tasks],
    }
    storage.write(RECORD, (json.dumps(document, indent=1) + "\n").encode())


def _entry(task: Task, judged: Judged | None) -> dict[str, Any]:
    if judged is None:
        named = {"target": task.target, "profile": task.profile, "version": task.version, "tier": task.tier.value}
        return {**named, "digest": task.digest, "outcome": None}
    data = run_data(judged)
    return {name: value for name, value in data.items() if name not in {"format", "suite"}}


def write_matrices(storage: Storage, results: Sequence[Judged]) -> tuple[SideBySide, ...]:
    """Write a matrix for each version of each profile that a run was made for.

    Raises:
        FleetError, OSError: it cannot be written.
    """
    groups: dict[str, list[Judged]] = {}
    for one in results:
        if one.outcome.verdict is not None:
            groups.setdefault(f"{one.task.version}/{one.task.profile}", []).append(one)
    shown = (_write_matrix(storage, folder, group) for folder, group in groups.items())
    return tuple(one for one in shown if one is not None)


def _write_matrix(storage: Storage, folder: str, group: list[Judged]) -> SideBySide | None:
    group.sort(key=lambda one: (_WORST_FIRST.index(one.outcome.status), one.task.name))
    runs = tuple(_named_runs(storage, group[:MOST_SIDE_BY_SIDE]))
    if not runs:
        return None
    shown = matrix(runs)
    storage.write(f"{folder}/matrix.json", matrix_json(shown).encode())
    storage.write(f"{folder}/matrix.html", matrix_page(shown).encode())
    return SideBySide(f"{folder}/matrix.html", len(shown.runs), shown.differing, max(0, len(group) - MOST_SIDE_BY_SIDE))


def _named_runs(storage: Storage, group: Iterable[Judged]) -> Iterable[NamedRun]:
    tiers = len({one.task.tier for one in group}) > 1
    for one in group:
        name = file_of(one.task, "results.json")
        content = storage.read([name]).get(name)
        if content is not None:
            label = f"{one.task.target} ({one.task.tier.value})" if tiers else one.task.target
            yield NamedRun(label, parse_results(load(content)))
