"""What a run has seen of its target: sent in this process, sent by another one, or read from recorded evidence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.contract import Contract
from conformance.evidence import FILE_NAME as EVIDENCE_FILE
from conformance.evidence import Evidence, read_evidence
from conformance.probes import plan_from
from conformance.running.recorded_target import target_from_record
from conformance.running.retries import of_round
from conformance.running.run import Run
from conformance.suite.observations import Observations
from conformance.suite.setup import SetupProblem, setup_problem
from conformance.targets.deployment_dialect import DeploymentDialect
from conformance.wire import OUT_OF_TIME, Exchange

INTERRUPTED = "it was interrupted"
FAILED_FAST = "--fail-fast ended it at the first broken MUST"


@dataclass(frozen=True, slots=True)
class Observed:
    """What a run has seen of its target so far."""

    observations: Observations
    """The exchanges of the run itself, as the tests read them."""
    retries: tuple[Exchange, ...] = ()
    """The exchanges of further rounds, in which findings were tried again."""
    interrupted: str | None = None
    """Why the run ended early, or None."""
    dialect: DeploymentDialect | None = None
    """How the target takes requests, as the preflight found out; None where there was none."""
    problem: SetupProblem | None = None
    """Why there is nothing to judge, where the preflight ended the run."""

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges, those of further rounds last."""
        return (*self.observations.exchanges, *self.retries)

    @property
    def everything(self) -> Observations:
        """What was observed in the run and in its further rounds, as one."""
        return self.observations.with_exchanges(self.exchanges) if self.retries else self.observations


def from_evidence(contract: Contract, evidence: Evidence) -> Observed:
    """What was recorded, as the tests look at it: the plan, too, is the one that was recorded."""
    interrupted = None
    if evidence.interrupted:
        whys = evidence.unsent.values()
        interrupted = FAILED_FAST if FAILED_FAST in whys else out_of_time(whys) or INTERRUPTED
    elif not evidence.complete:
        interrupted = "its evidence is incomplete"
    planned = plan_from(evidence.header["probes"])
    retries = tuple(one for one in evidence.exchanges if one.round)
    target = target_from_record(evidence.header["target"], contract)
    own = of_round(evidence.exchanges, 0)
    problem = setup_problem(own, contract, target) if evidence.header.get("stopped") else None
    observations = Observations(contract, planned, own, evidence.unsent)
    dialect = target.dialect if "stopped" in evidence.header else None
    return Observed(observations, retries, interrupted, dialect, problem)


def out_of_time(whys: Iterable[str]) -> str | None:
    """That the time of a run was over, in words, where that is among the reasons why probes were not sent."""
    return next((why for why in whys if why.startswith(OUT_OF_TIME)), None)


def read_back(run: Run) -> Observed | None:
    """What another process of this run recorded, or None where nothing was sent.

    Raises:
        EvidenceError: it cannot be read.
    """
    if run.recorded is not None:
        return from_evidence(run.contract, run.recorded)
    if not (run.evidence_directory / EVIDENCE_FILE).exists():
        return None
    return from_evidence(run.contract, read_evidence(run.evidence_directory))
