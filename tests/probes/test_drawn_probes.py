"""What every run draws at random is what it claims to be, cheap, soon drawn, and the same for the same seed."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from planning_samples import OWN, PROFILES, TARGET, planned_contract
from shipped_contracts import shipped_contract

from conformance.contract import Contract, Tier
from conformance.contract.model import Level
from conformance.probes import Intent, Probe, plan
from conformance.probes.common_requests import MATTER_OF_THE_MODEL
from conformance.probes.drawn import INVALID, MOST_INVALID, MOST_VALID, VALID, base_of, drawn_probes, requirement_of
from conformance.probes.narrowing import DRAWN
from conformance.probes.request_body import SEED, RequestBody
from conformance.targets import Target


@pytest.fixture(scope="module", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return planned_contract(request.param, tmp_path_factory.mktemp("own"))


def drawn(contract: Contract, target: Target = TARGET, seed: int | None = None) -> dict[str, Probe]:
    return {probe.name: probe for probe in drawn_probes(RequestBody(contract, target, seed=seed))}


def test_they_are_valid_and_invalid_as_they_claim_and_cost_little(contract: Contract) -> None:
    body, probes = RequestBody(contract, TARGET), drawn(contract)
    for name, probe in probes.items():
        if probe.intent is Intent.SERVED:
            assert body.is_surely_served(probe.body), name
            assert body.is_spoken(probe.body), name
        else:
            assert body.forbids(probe.body), name
            assert body.accepts(probes[base_of(name)].body), name
        assert probe.completion_tokens <= (8 if not _has_extra(probe) else 96), name
    valid = [name for name in probes if name.startswith(VALID)]
    invalid = [name for name in probes if name.startswith(INVALID)]
    extended = [name for name in valid if _has_extra(probes[name])]
    assert len(invalid) == MOST_INVALID
    rich = contract.profile.name == "openai"
    assert (len(valid) - len(extended), len(extended)) == ((1, MOST_VALID) if rich else (MOST_VALID, 0))
    assert sum(probes[name].completion_tokens for name in {*valid} - {*extended}) <= 3 * MOST_VALID


def test_instructions_and_extras_meet_the_usual_fields_in_streams_and_in_whole_answers() -> None:
    """What only breaks beside something else is seen where the two meet."""
    extended = [probe.body for probe in drawn(shipped_contract("openai")).values() if _has_extra(probe)]
    served = [body for body in extended if body["messages"]]
    assert {body.get("stream") is True for body in served} == {True, False}
    assert {"tools", "response_format"} <= {name for body in served for name in body}
    for body in served:
        assert body["messages"][0]["role"] in ("system", "developer")
        assert len(body.keys() - {"messages", "model", "tools", "tool_choice", "response_format"}) >= 4


def _has_extra(probe: Probe) -> bool:
    """Whether a valid request has tools or a form of the answer, and so room for them."""
    return probe.intent is Intent.SERVED and bool({"tools", "response_format"} & probe.body.keys())


def test_what_is_broken_is_a_must_of_the_standard_tier(contract: Contract) -> None:
    rows = {row.id: row for row in contract.requirements}
    for name in drawn(contract):
        if name.startswith(INVALID):
            row = rows[requirement_of(name)]
            assert (row.level, Tier.STANDARD.includes(row.tier)) == (Level.MUST, True), name


def test_nothing_that_is_a_matter_of_the_model_is_drawn(contract: Contract) -> None:
    optional = (
        MATTER_OF_THE_MODEL - RequestBody(contract, TARGET).required - {"tools", "tool_choice", "response_format"}
    )
    for name, probe in drawn(contract).items():
        if name.startswith(VALID):
            assert not optional & probe.body.keys(), name
            assert None not in probe.body.values(), name


def test_a_field_that_the_target_refuses_is_not_drawn() -> None:
    contract = shipped_contract("openai")
    lacking = replace(TARGET, unsupported=("temperature", "stream", "n", "max_tokens"))
    probes = drawn(contract, lacking)
    assert len(probes) > MOST_VALID
    for name, probe in probes.items():
        if name.startswith(VALID):
            assert not {"temperature", "stream", "n", "max_tokens"} & probe.body.keys(), name


def test_one_seed_draws_the_same_and_another_draws_others(contract: Contract) -> None:
    assert drawn(contract) == drawn(contract) == drawn(contract, seed=SEED)
    first, second = drawn(contract, seed=7), drawn(contract, seed=8)
    assert first == drawn(contract, seed=7)
    assert first != second != drawn(contract)


def test_they_are_soon_drawn(contract: Contract) -> None:
    began = time.process_time()
    drawn(contract)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(("tier", "expected"), [(Tier.SMOKE, False), (Tier.STANDARD, True), (Tier.EXHAUSTIVE, True)])
def test_every_run_but_the_smallest_draws_them(tier: Tier, expected: bool) -> None:
    planned = plan(shipped_contract("kodexa"), TARGET, [f"{DRAWN}*"], tier)
    assert bool(planned.probes) is expected


def test_a_document_without_fields_draws_nothing(tmp_path: Path) -> None:
    contract = planned_contract(OWN, tmp_path)
    anything = replace(contract, operation=replace(contract.operation, request_schema=True))
    assert drawn(anything) == {}
