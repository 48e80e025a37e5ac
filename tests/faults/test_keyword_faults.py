"""For each keyword of each request schema, a deployment that ignores it, and one that over-enforces it, is caught.

Each fault must break exactly the requirement of its keyword, and the few companions that are named here.
"""

from __future__ import annotations

from functools import cache

import pytest
from faulty_reference import outcomes_of
from keyword_bench import Bench, bench_of, judged
from shipped_contracts import PROFILES, shipped_contract

from conformance.contract import Tier
from conformance.probes.keyword_values import boundary_cases
from conformance.reference.faults import KeywordFault, keyword_faults, keywords_without_fault
from conformance.reference.stages import Stages
from conformance.suite.outcome import BROKEN

pytestmark = pytest.mark.network

ITEMS, PARTS = "request.messages.items", "request.messages.items.content.array"
REFUSES_EVERYTHING = {
    f"over-enforces:{name}"
    for name in ("request.messages.min-items", f"{ITEMS}.role.required", f"{ITEMS}.content.required")
}
"""Their boundary value is in the smallest possible request: a deployment that refuses it blocks everything."""
REFUSES_PARTS = {
    *(f"over-enforces:{PARTS}.items.{name}" for name in ("type.required", "text.required", "type.const")),
    f"over-enforces:{ITEMS}.content.any-of",
}
"""Their boundary value is in every content that is an array, so that no keyword inside it can be honoured."""
COMPANIONS = {
    # 128 choices are requested with one token each: more tokens would cost more, and decide nothing more.
    "over-enforces:request.max_tokens.minimum": {"request.n.maximum"},
}


@cache
def bench(profile: str) -> Bench:
    return bench_of(shipped_contract(profile))


@cache
def faults(profile: str) -> dict[str, KeywordFault]:
    """The faults of a profile's keywords that its standard tier judges, by their ids; the lab judges all others."""
    contract = shipped_contract(profile)
    judged_here = {row.id for row in contract.requirements if profile != "openai" or row.tier is not Tier.EXHAUSTIVE}
    return {fault.id: fault for fault in keyword_faults(contract) if fault.requirement in judged_here}


def companions(profile: str, fault: KeywordFault) -> set[str]:
    """What a fault breaks in addition to the requirement of its keyword."""
    every = {row.id for row in bench(profile).rows if row.id != "request.path.org-id.type"}
    if profile == "openai":
        every = {row.id for row in bench(profile).rows if row.tier is not Tier.EXHAUSTIVE}
    if fault.id in REFUSES_PARTS:
        inside = {name for name in every if name.startswith(f"{PARTS}.")}
        # A type that a constant narrows has no value of its own to honour.
        return inside - {f"{PARTS}.items.type.type"} | {f"{ITEMS}.content.any-of"}
    named = COMPANIONS.get(fault.id, set()) & every
    if fault.id.endswith(".required") and fault.id.startswith("over-enforces:"):
        # One keyword with a requirement for each of its names: demanding another member breaks them all.
        named = {
            name for name in every if name.endswith(".required") and name.count(".") == fault.requirement.count(".")
        }
    return named


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each fault, by its name; these names are the one thing that collecting must read contracts for."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize(("profile", "name"), [(profile, name) for profile in PROFILES for name in faults(profile)])


def test_a_fault_is_caught_through_its_keyword_and_no_other(profile: str, name: str) -> None:
    fault = faults(profile)[name]
    tier = (
        Tier.STANDARD if profile == "openai" else Tier.EXHAUSTIVE
    )  # of a thousand requests, few are about one keyword
    broken = bench(profile).broken_by(fault.stages, tier)
    if name in REFUSES_EVERYTHING:
        assert broken == set(), "nothing can be seen where the smallest request is refused"
        return
    assert broken == {fault.requirement} | companions(profile, fault), fault.about


@pytest.mark.parametrize("profile", PROFILES)
def test_the_deployment_without_a_fault_breaks_nothing(profile: str) -> None:
    found = bench(profile).judgements(bench(profile).observe(Stages(), Tier.EXHAUSTIVE))
    undecided = {name: one.messages for name, one in found.items() if one.outcome != "passed"}
    assert undecided.keys() <= {"request.path.org-id.type"}, undecided


@pytest.mark.parametrize("profile", PROFILES)
def test_every_keyword_has_both_faults_or_a_reason(profile: str) -> None:
    every = keyword_faults(shipped_contract(profile))
    made = {(fault.requirement, fault.id.partition(":")[0]) for fault in every}
    without = keywords_without_fault(shipped_contract(profile))
    assert not made & without.keys()
    assert all(without.values())
    rows = {row.id for row in bench(profile).rows}
    assert made | without.keys() == {(row, kind) for row in rows for kind in ("ignores", "over-enforces")}


@pytest.mark.parametrize("profile", PROFILES)
def test_a_keyword_without_an_over_enforcing_fault_has_no_edge_that_can_be_sent(profile: str) -> None:
    contract = shipped_contract(profile)
    for (requirement, kind), reason in keywords_without_fault(contract).items():
        if reason != "no stricter form of this keyword is known":
            continue
        row = contract.requirement(requirement)
        assert row is not None
        assert row.keyword is not None
        unsent = "model" in requirement or row.keyword.pointer.startswith("/properties/messages/items/t")
        # An object with one required member can be sent in another order, and no fault is made that minds the order.
        held = row.keyword.schema if isinstance(row.keyword.schema, dict) else {}
        unsent = unsent or (row.keyword.value == "object" and len(held.get("required", ())) == 1)
        # No stricter form of these is made yet, although their edges are sent.
        unsent = unsent or row.keyword.name in {"oneOf", "maxLength", "pattern"}
        if kind == "over-enforces" and row.keyword.location == "request" and not unsent:
            assert isinstance(row.keyword.schema, dict)
            assert not list(boundary_cases(row.keyword.name, row.keyword.schema))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_bench_judges_as_a_run_does(profile: str) -> None:
    """One fault of each kind, through the suite under pytest."""
    both = [fault for fault in faults(profile).values() if fault.requirement == "request.temperature.maximum"]
    assert len(both) == 2
    for fault in both:
        outcomes = outcomes_of(shipped_contract(profile), fault.stages, "request.*")
        assert {name for name, outcome in outcomes.items() if outcome in BROKEN} == {fault.requirement}


def test_the_standard_tier_catches_what_it_has_values_for() -> None:
    """Both faults of every keyword that belongs to the standard tier, of the profile with the tightest budget."""
    contract, missed = shipped_contract("openai"), []
    for fault in faults("openai").values():
        row = contract.requirement(fault.requirement)
        assert row is not None
        if row.tier is Tier.STANDARD and fault.id not in REFUSES_EVERYTHING:
            seen = bench("openai").observe(fault.stages, Tier.STANDARD)
            if judged(row, seen).outcome not in BROKEN:
                missed.append(fault.id)
    assert missed == []
