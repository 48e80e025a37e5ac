"""Generated requests are valid or invalid as they claim, the same every time, cheap, and leave no files behind."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from planning_samples import OWN, PROFILES, TARGET, planned_contract
from shipped_contracts import shipped_contract

from conformance.contract import Contract, Tier, load_contract
from conformance.probes import Intent, Probe, plan
from conformance.probes.generated import CHEAP_TOKENS, generated_probes
from conformance.probes.request_body import RequestBody

COUNT = 5


@pytest.fixture(scope="module", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return planned_contract(request.param, tmp_path_factory.mktemp("own"))


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caches: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(caches))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("caches")


def _generated(contract: Contract) -> list[Probe]:
    return list(generated_probes(RequestBody(contract, TARGET), Tier.EXHAUSTIVE, COUNT))


def test_generated_requests_are_what_they_claim_cheap_and_leave_nothing_behind(
    contract: Contract, working_directory: Path
) -> None:
    probes = _generated(contract)
    schema: Any = contract.operation.request_schema
    validator = Draft202012Validator(schema, validate_formats=True)
    names = [probe.name for probe in probes]
    assert len(names) == len(set(names))
    assert {probe.intent for probe in probes} == {Intent.SERVED, Intent.REFUSED}
    for probe in probes:
        json.dumps(probe.body, allow_nan=False, ensure_ascii=False).encode()
        assert validator.is_valid(probe.body) is (probe.intent is Intent.SERVED), probe.name
        assert probe.name.startswith(f"generated/{'valid' if probe.intent is Intent.SERVED else 'invalid'}/")
        assert probe.completion_tokens <= CHEAP_TOKENS, probe.name
    assert list(working_directory.iterdir()) == []

    _valid_ones_have_text_and_the_target_s_own_model(contract, probes)
    _no_invalid_one_asks_for_a_model_that_the_target_may_lack(contract, probes)


def test_a_field_that_is_tied_to_one_that_the_target_lacks_is_left_out() -> None:
    body = RequestBody(shipped_contract("openai"), replace(TARGET, unsupported=("logprobs",)))
    asked = {**body.base, "top_logprobs": 5, "seed": 1}
    assert body.spoken(asked) == {**body.base, "seed": 1}
    assert RequestBody(shipped_contract("openai"), TARGET).spoken(asked) == asked


def _valid_ones_have_text_and_the_target_s_own_model(contract: Contract, probes: list[Probe]) -> None:
    for probe in (probe for probe in probes if probe.intent is Intent.SERVED):
        assert probe.body["messages"]
        for message in probe.body["messages"]:
            assert message["content"]
            assert all(message["content"])
        assert probe.body["messages"][-1]["role"] == "user"
        roles = [message["role"] for message in probe.body["messages"]]
        turns = roles[1:] if roles[0] in ("system", "developer") else roles
        assert all(one != other for one, other in itertools.pairwise(turns)), "no model need take two turns of one"
        if "model" in contract.operation.properties:
            assert probe.body["model"] == TARGET.model


def _no_invalid_one_asks_for_a_model_that_the_target_may_lack(contract: Contract, probes: list[Probe]) -> None:
    for probe in (probe for probe in probes if probe.intent is Intent.REFUSED):
        model = probe.body.get("model") if isinstance(probe.body, dict) else None
        assert not isinstance(model, str) or model == TARGET.model or "model" not in contract.operation.properties


def test_they_are_the_same_every_time_whatever_else_is_imported(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    contract = load_contract("kodexa")
    first = _generated(contract)
    directory = tmp_path_factory.mktemp("sources")
    literals = "\n".join(f"NAME_{number} = 'literal-{number}', {number + 1}_000_017" for number in range(200))
    (directory / "module_full_of_literals.py").write_text(literals, encoding="utf-8")
    monkeypatch.syspath_prepend(directory)
    try:
        importlib.import_module("module_full_of_literals")
        assert _generated(contract) == first
    finally:
        sys.modules.pop("module_full_of_literals", None)


@pytest.mark.parametrize("tier", [Tier.SMOKE, Tier.STANDARD])
def test_the_smaller_tiers_have_no_generated_requests(tier: Tier) -> None:
    assert plan(load_contract("openai"), TARGET, ["generated/*"], tier).probes == ()


def test_requests_are_only_generated_where_a_pattern_selects_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def generate(*_: object) -> None:
        raise AssertionError("requests were generated")

    monkeypatch.setattr("conformance.probes.schemathesis_requests._generate", generate)
    assert plan(load_contract("openai"), TARGET, ["request.*", "error/*"], Tier.EXHAUSTIVE).probes
    with pytest.raises(AssertionError, match="requests were generated"):
        plan(load_contract("openai"), TARGET, ["generated/valid/*"], Tier.EXHAUSTIVE)
