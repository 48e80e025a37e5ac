"""Reads what a finished run left: its record, its exchanges, and which requirements each of them breaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.clients.scenarios import Chosen, scenarios_of
from conformance.evidence import Evidence, read_evidence
from conformance.report.record import FILE_NAME, read_results
from conformance.report.results import Results
from conformance.suite.outcome import BROKEN_OR_WAIVED

_EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run whose answers are shown to clients."""

    directory: Path
    results: Results
    evidence: Evidence

    @property
    def chosen(self) -> Chosen:
        """The exchanges to show."""
        return scenarios_of(self.evidence.exchanges, broken_by_exchange(self.results))


def read_run(directory: Path) -> FinishedRun:
    """The run in a directory.

    Raises:
        ResultsError: its record cannot be used.
        EvidenceError: its evidence cannot be used.
    """
    results = read_results(directory / FILE_NAME)
    return FinishedRun(directory, results, read_evidence(directory / _EVIDENCE))


def broken_by_exchange(results: Results) -> dict[str, tuple[str, ...]]:
    """The ids of the requirements with findings on each exchange, in the order of the record."""
    broken: dict[str, dict[str, None]] = {}
    for result in results.requirements:
        if result.outcome in BROKEN_OR_WAIVED:
            for finding in result.findings:
                if finding.exchange is not None:
                    broken.setdefault(finding.exchange, {})[result.id] = None
    return {name: tuple(ids) for name, ids in broken.items()}
