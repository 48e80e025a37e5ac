"""Kill matrices of a few made-up runs, for tests of the reports made from them."""

from __future__ import annotations

from dataclasses import replace

from conformance.contract import load_contract
from conformance.lab.judging import Seen
from conformance.lab.kill_matrix import KillMatrix, expectation, matrix_of
from conformance.lab.targets import CONTROLS, LabTarget, targets_of
from conformance.reference.faults import Fault
from conformance.reference.faults.actions import FaultAction

CONTRACT = load_contract("loop-health")
USUAL = {row.id: "passed" for row in CONTRACT.requirements}
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


def matrix(
    fault: dict[str, str] | None = None, variation: dict[str, str] | None = None, tries: int = 1, **changes: Fault
) -> KillMatrix:
    """The matrix of a run in which the fault and the allowed variation changed these outcomes."""
    row = changes.get("fault_row", NO_DONE)
    targets = [
        *(LabTarget(name, "loop-health", tier) for name, tier in CONTROLS.items()),
        LabTarget(row.id, "loop-health", fault=row),
        LabTarget(VARIATION.id, "loop-health", fault=VARIATION),
    ]
    seen = [Seen(name, dict(USUAL), requests=9, seconds=0.5) for name in CONTROLS]
    outcomes = USUAL | (DECLARED if fault is None else fault)
    seen.append(Seen(row.id, outcomes, {"stream.done-once": "<b>none</b>"}, 9, 0.5, tries=tries))
    seen.append(Seen(VARIATION.id, USUAL | (variation or {}), {}, 9, 0.5))
    return matrix_of(CONTRACT, targets, seen, partial=True, seconds=1.0)


def whole_matrix(profile: str) -> KillMatrix:
    """The matrix of a whole lab in which every outcome is as declared; nothing is judged for it."""
    contract, targets = load_contract(profile), targets_of(profile)
    usual = {row.id: "passed" for row in contract.requirements}
    seen = [
        Seen(one.id, usual | (dict(expectation(one.fault, contract)) if one.fault else {}), {}, 97, 0.4)
        for one in targets
    ]
    return matrix_of(contract, targets, seen, seconds=240.0)
