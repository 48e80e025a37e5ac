"""Reads what a finished run left: its record, its exchanges, and which requirements each of them breaks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from conformance.clients.scenarios import Chosen, scenarios_of
from conformance.evidence import Evidence, EvidenceError, read_evidence
from conformance.probes import Intent, plan_from
from conformance.probes.shrinking import origin_of
from conformance.report.record import FILE_NAME, read_results
from conformance.report.results import Results
from conformance.suite.outcome import BROKEN_OR_WAIVED, Outcome
from conformance.wire.exchange import Exchange

_EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run whose answers are shown to clients."""

    directory: Path
    results: Results
    evidence: Evidence
    invalid: frozenset[str] = frozenset()
    """The names of the requests that the deployment had to refuse."""

    @property
    def kept(self) -> frozenset[str]:
        """The ids of the requirements that the run saw kept."""
        return frozenset(one.id for one in self.results.requirements if one.outcome is Outcome.PASSED)

    @property
    def chosen(self) -> Chosen:
        """The exchanges to show.

        What was served although it had to be refused is not among them: no client asks for it, so that what it makes of
        the answer says nothing. An error is shown whatever it answers, also one with the status 200.
        """
        return scenarios_of(
            [one for one in self.evidence.exchanges if origin_of(one.probe) not in self.invalid or not _is_served(one)],
            broken_by_exchange(self.results),
        )


def read_run(directory: Path) -> FinishedRun:
    """The run in a directory.

    Raises:
        ResultsError: its record cannot be used.
        EvidenceError: its evidence cannot be used.
    """
    results, evidence = read_results(directory / FILE_NAME), read_evidence(directory / _EVIDENCE)
    try:
        probes = plan_from(evidence.header.get("probes", ())).every_probe()
    except ValueError as error:
        raise EvidenceError(f"{error}; give evidence as a run wrote it.", path=directory / _EVIDENCE, line=1) from error
    invalid = frozenset(one.name for one in probes if one.intent is Intent.REFUSED)
    return FinishedRun(directory, results, evidence, invalid)


def _is_served(exchange: Exchange) -> bool:
    answer = exchange.answer
    return answer is not None and answer.status == 200 and b'"error"' not in answer.body


def broken_by_exchange(results: Results) -> dict[str, tuple[str, ...]]:
    """The ids of the requirements with findings on each exchange, in the order of the record."""
    broken: dict[str, dict[str, None]] = {}
    for result in results.requirements:
        if result.outcome in BROKEN_OR_WAIVED:
            for finding in result.findings:
                if finding.exchange is not None:
                    broken.setdefault(finding.exchange, {})[result.id] = None
    return {name: tuple(ids) for name, ids in broken.items()}
