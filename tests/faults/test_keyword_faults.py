"""For each keyword of a request schema, a deployment that ignores just it, and one that over-enforces it, is caught."""

from __future__ import annotations

import pytest
from faulty_reference import outcomes_of

from conformance.contract import load_contract
from conformance.reference.faults import KeywordFault, keyword_faults
from conformance.reference.stages import Stages
from conformance.suite import Outcome

CONTRACT = load_contract("loop-health")

UNSEEN = {
    # A body that is no object is refused before any schema is asked.
    "ignores:request.type",
    # A model that is no string is no model that is served; the list of those that are decides, not the schema.
    "ignores:request.model.type",
    "ignores:request.model.enum",
}
"""Faults that no caller can see, because another part of the deployment refuses the same requests."""

ALSO_BROKEN = {
    "ignores:request.messages.items.role.type": {"request.messages.items.role.enum"},
    "over-enforces:request.messages.items.role.enum": {"request.conversation"},
}
"""What a fault breaks beside its keyword. One that refuses the smallest request of all breaks everything."""
REFUSES_EVERYTHING = {"over-enforces:request.messages.min-items"}

FAULTS = [fault for fault in keyword_faults(CONTRACT) if fault.id not in UNSEEN]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.id)
def test_a_fault_is_caught_through_its_keyword_and_no_other(fault: KeywordFault) -> None:
    broken = broken_by(fault.stages)
    assert fault.requirement in broken
    if fault.id not in REFUSES_EVERYTHING:
        assert broken == {fault.requirement} | ALSO_BROKEN.get(fault.id, set())


def test_the_deployment_without_a_fault_breaks_nothing() -> None:
    assert broken_by(Stages()) == set()


def test_every_keyword_of_the_request_has_a_fault() -> None:
    keywords = {
        row.id for row in CONTRACT.requirements if row.keyword is not None and row.keyword.location == "request"
    }
    assert {fault.requirement for fault in keyword_faults(CONTRACT)} == keywords


def broken_by(stages: Stages) -> set[str]:
    """The requirements on requests that a deployment with these stages breaks."""
    outcomes = outcomes_of(CONTRACT, stages, "request.*")
    assert outcomes
    return {name for name, outcome in outcomes.items() if outcome in {Outcome.FAILED, Outcome.WARNING}}
