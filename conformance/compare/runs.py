"""Reads the records of runs, and gives each run a name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from conformance.report.client_results import ClientResults, client_results_beside
from conformance.report.record import FILE_NAME, read_results
from conformance.report.results import Results


class CompareError(Exception):
    """Runs cannot be compared. The message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class NamedRun:
    """The record of a run, and its name among others."""

    name: str
    results: Results
    clients: ClientResults | None = None
    """What clients understood of its answers, where they were run."""


def read_runs(paths: Sequence[Path]) -> tuple[NamedRun, ...]:
    """The runs at these paths (records, or directories that runs wrote), each with a name of its own.

    A run is named after its target, or else after its directory.

    Raises:
        ResultsError: one cannot be read.
    """
    runs = [_read(path) for path in paths]
    names = Counter(run.name for run in runs)
    seen: Counter[str] = Counter()
    unique = []
    for run in runs:
        seen[run.name] += 1
        unique.append(replace(run, name=f"{run.name} ({seen[run.name]})") if names[run.name] > 1 else run)
    return tuple(unique)


def _read(path: Path) -> NamedRun:
    file = path / FILE_NAME if path.is_dir() else path
    results = read_results(file)
    place = file.absolute().parent.name if file.name == FILE_NAME else file.stem
    name = results.target.name or place or results.target.base_url
    return NamedRun(name, results, _clients_of(results, file))


def _clients_of(results: Results, record: Path) -> ClientResults | None:
    """What clients understood of a run, where that stands beside its record."""
    beside = client_results_beside(record.parent) if record.name == FILE_NAME else None
    return beside if beside is not None and beside.started == results.started else None
