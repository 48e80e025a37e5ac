"""Kill matrices of a few made-up runs, for tests of the reports made from them."""

from __future__ import annotations

from dataclasses import replace

from shipped_contracts import shipped_contract

from conformance.lab.judging import JudgedTarget
from conformance.lab.kill_matrix import KillMatrix, expectation, matrix_of
from conformance.lab.targets import CONTROLS, LabTarget, targets_of
from conformance.reference.faults import Fault
from conformance.reference.faults.actions import FaultAction

NO_DONE = Fault(
    id="stream-end.no-done",
    about="The stream has no sentinel.",
    family=1,
    seen=("someone/project#1",),
    actions=(FaultAction("events.drop", {"of": "done"}),),
    breaks=("stream.done-once",),
    effects={"stream.done-last": "skipped"},
)
VARIATION = replace(NO_DONE, id="trap.variation", about="A variation.", breaks=(), effects={}, is_variation=True)
DECLARED = {"stream.done-once": "warning", "stream.done-last": "skipped"}
"""What the fault declares."""


def usual_outcomes(profile: str) -> dict[str, str]:
    """The outcomes of a deployment without a fault."""
    return {row.id: "passed" for row in shipped_contract(profile).requirements}


def matrix(
    fault: dict[str, str] | None = None, variation: dict[str, str] | None = None, tries: int = 1, **changes: Fault
) -> KillMatrix:
    """The matrix of a run in which the fault and the allowed variation changed these outcomes."""
    contract, usual = shipped_contract("loop-health"), usual_outcomes("loop-health")
    row = changes.get("fault_row", NO_DONE)
    targets = [
        *(LabTarget(name, "loop-health", tier) for name, tier in CONTROLS.items()),
        LabTarget(row.id, "loop-health", fault=row),
        LabTarget(VARIATION.id, "loop-health", fault=VARIATION),
    ]
    seen = [JudgedTarget(name, dict(usual), requests=9, seconds=0.5) for name in CONTROLS]
    outcomes = usual | (DECLARED if fault is None else fault)
    seen.append(JudgedTarget(row.id, outcomes, {"stream.done-once": "<b>none</b>"}, 9, 0.5, tries=tries))
    seen.append(JudgedTarget(VARIATION.id, usual | (variation or {}), {}, 9, 0.5))
    return matrix_of(contract, targets, seen, partial=True, seconds=1.0)


def whole_matrix(profile: str) -> KillMatrix:
    """The matrix of a whole lab in which every outcome is as declared; nothing is judged for it."""
    contract, usual, targets = shipped_contract(profile), usual_outcomes(profile), targets_of(profile)
    seen = [
        JudgedTarget(one.id, usual | (dict(expectation(one.fault, contract)) if one.fault else {}), {}, 97, 0.4)
        for one in targets
    ]
    return matrix_of(contract, targets, seen, seconds=240.0)
