"""One run in several processes (pytest-xdist): the first worker observes, the others read what it recorded.

Judgements travel between the processes as plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conformance.contract import Contract
from conformance.evidence import read_evidence
from conformance.running.observed import Observed, from_evidence
from conformance.running.run import Run
from conformance.running.sending import observe
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Finding, Outcome
from conformance.wire import Unreachable

_LOCK, _DONE = "observing.lock", "observed"


def observe_once(run: Run, needs: Sequence[str], meeting_place: Path) -> Observed:
    """Send the plan if no other worker has; otherwise read what the one who did recorded.

    `meeting_place` is a folder that the workers of this run share, and nobody else.

    Raises:
        Unreachable: nobody listens at the target's address.
        EvidenceError: the worker that sent left nothing that can be read.
    """
    from filelock import FileLock

    done = meeting_place / _DONE
    with FileLock(meeting_place / _LOCK):
        if not done.exists():
            reason = ""
            try:
                return observe(run, needs)
            except Unreachable as error:
                reason = str(error)
                raise
            finally:
                done.write_text(reason, encoding="utf-8")
    reason = done.read_text(encoding="utf-8")
    if reason:
        raise Unreachable(reason)
    return from_evidence(run.contract, run.recorded or read_evidence(run.evidence_directory))


@dataclass(frozen=True, slots=True)
class WorkerReport:
    """What a worker reports to the process that started it, beside the outcomes of its tests."""

    tests: dict[str, list[str]]
    """The names of the collected test functions, by requirement."""
    unreachable: str | None
    interrupted: str | None

    def data(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)


def judgement_data(judgement: Judgement) -> dict[str, Any]:
    """A judgement as dictionaries, lists and strings."""
    return {
        "requirement": judgement.requirement.id,
        "outcome": judgement.outcome.value,
        "messages": list(judgement.messages),
        "exchanges": list(judgement.exchanges),
        "findings": [asdict(finding) for finding in judgement.findings],
        "blocked_by": judgement.blocked_by,
        "lacks": judgement.lacks,
    }


def judgement_from(data: dict[str, Any], contract: Contract) -> Judgement:
    """The judgement that `judgement_data` made data of."""
    requirement = contract.requirement(data["requirement"])
    assert requirement is not None
    return Judgement(
        requirement,
        Outcome(data["outcome"]),
        tuple(data["messages"]),
        tuple(data["exchanges"]),
        tuple(Finding(**finding) for finding in data["findings"]),
        blocked_by=data["blocked_by"],
        lacks=data["lacks"],
    )
