"""A plan is made of what is needed, the same every time, within its tier, and holds no secret."""

from __future__ import annotations

import dataclasses
import json

import pytest
from planning_samples import (
    ALL_BUT_GENERATED,
    API_KEY,
    OTHER_API_KEY,
    OWN,
    PROFILES,
    TARGET,
    planned_contract,
    request_requirements,
)

from conformance.contract import Contract, Tier, load_contract
from conformance.probes import Intent, Plan, Probe, ProbeError, check_request, plan, plan_data, plan_from
from conformance.targets import Target
from conformance.wire.request import build_request


@pytest.fixture(scope="module", params=[*PROFILES, OWN])
def contract(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return planned_contract(request.param, tmp_path_factory.mktemp("own"))


def _names(planned: Plan) -> list[str]:
    return [probe.name for probe in planned.every_probe()]


@pytest.mark.parametrize("tier", Tier)
def test_names_are_unique_and_the_plan_is_the_same_every_time(contract: Contract, tier: Tier) -> None:
    planned = plan(contract, TARGET, ALL_BUT_GENERATED, tier)
    names = _names(planned)
    assert len(names) == len(set(names)) > 0
    assert plan(contract, TARGET, ALL_BUT_GENERATED, tier) == planned


def test_each_tier_includes_the_one_before(contract: Contract) -> None:
    smoke, standard, exhaustive, load = (
        {probe.name: probe for probe in plan(contract, TARGET, ALL_BUT_GENERATED, tier).every_probe()} for tier in Tier
    )
    assert smoke.items() <= standard.items() <= exhaustive.items()
    assert len(smoke) < len(standard) < len(exhaustive)
    assert standard.items() < load.items()


def test_only_the_load_tier_sends_what_may_harm(contract: Contract) -> None:
    exhaustive, load = (
        {probe.name for probe in plan(contract, TARGET, ALL_BUT_GENERATED, tier).every_probe()}
        for tier in (Tier.EXHAUSTIVE, Tier.LOAD)
    )
    of_load = {name for name in load if name.startswith("load/")}
    assert of_load
    assert not of_load & exhaustive
    assert not any(probe.startswith("load/") for probe in exhaustive)


def test_only_what_is_needed_is_planned(contract: Contract) -> None:
    assert _names(plan(contract, TARGET, [], Tier.EXHAUSTIVE)) == []
    assert _names(plan(contract, TARGET, ["no-such-probe", "no/such/*"], Tier.EXHAUSTIVE)) == []
    assert _names(plan(contract, TARGET, ["completion/plain"], Tier.STANDARD)) == ["completion/plain"]


def test_a_need_that_is_named_twice_is_planned_once(contract: Contract) -> None:
    planned = plan(contract, TARGET, ["error/*", "error/method", "error/*"], Tier.STANDARD)
    assert _names(planned).count("error/method") == 1


def test_a_keyword_is_planned_with_nothing_but_its_own_probes(contract: Contract) -> None:
    for row in request_requirements(contract)[::9]:
        for probe in plan(contract, TARGET, [f"{row.id}/*"], Tier.EXHAUSTIVE).probes:
            names = [probe.name, *(part.name for part in probe.instead)]
            assert any(name.startswith(f"{row.id}/") for name in names), (row.id, probe.name)


def test_a_tier_that_does_not_reach_a_probe_leaves_it_out(contract: Contract) -> None:
    assert "error/json-cut" in _names(plan(contract, TARGET, ["error/*"], Tier.SMOKE))
    assert "error/json-empty" not in _names(plan(contract, TARGET, ["error/*"], Tier.SMOKE))
    assert "error/json-null" not in _names(plan(contract, TARGET, ["error/*"], Tier.STANDARD))


def test_waves_follow_one_another_and_the_smallest_tier_comes_first(contract: Contract) -> None:
    probes = plan(contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).probes
    order = [(probe.wave, list(Tier).index(probe.tier)) for probe in probes]
    assert order == sorted(order)
    assert {probe.wave for probe in probes} > {0}


def test_no_key_stands_in_a_plan(contract: Contract) -> None:
    planned = plan(contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE)
    assert planned.probes
    for text in (repr(planned), json.dumps(plan_data(planned))):
        assert API_KEY not in text
        assert OTHER_API_KEY not in text


def test_every_probe_can_be_sent(contract: Contract) -> None:
    for probe in plan(contract, TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).every_probe():
        request = build_request(probe, contract.operation, TARGET)
        assert request.method == (probe.method or "POST"), probe.name


LONG = {
    *("completion/longer", "stream/longer", "stream/longer-again", "delivery/longer"),
    *("completion/uncapped", "completion/uncapped-again", "completion/generous"),
}
"""Probes about answers of some hundred tokens, in the exhaustive tier alone, or only where others do not decide."""
LONG_DOCUMENTS = {"all-together": 1200, "beside-tools": 1200, "very-long": 24_000}
"""The most tokens of calls and documents of more than 1 KB, and of more than 16 KB, by a part of the probe's name."""


@pytest.mark.parametrize("profile", PROFILES)
def test_every_probe_says_what_it_is_about_and_none_is_expensive(profile: str) -> None:
    for probe in plan(load_contract(profile), TARGET, ALL_BUT_GENERATED, Tier.EXHAUSTIVE).every_probe():
        assert probe.about, probe.name
        document = next((most for name, most in LONG_DOCUMENTS.items() if name in probe.name), 256)
        assert 0 <= probe.completion_tokens <= (600 if probe.name in LONG else document), probe.name
        if probe.intent is Intent.SERVED:
            assert probe.completion_tokens > 0, probe.name


@pytest.mark.parametrize("profile", PROFILES)
def test_the_tiers_keep_to_their_budgets(profile: str) -> None:
    contract = load_contract(profile)
    smoke, standard = (plan(contract, TARGET, ["*"], tier) for tier in (Tier.SMOKE, Tier.STANDARD))
    assert len(smoke.probes) <= 15
    agents = {"openai": (50, 12_000)}.get(profile, (0, 0))  # what the requests about tools, formats and parts add
    conditional = [probe for probe in standard.probes if probe.name.startswith("delivery/")]
    paid = [probe for probe in standard.probes if probe.intent is not Intent.REFUSED and probe not in conditional]
    assert len(paid) <= 85 + agents[0]
    assert Plan(tuple(paid)).worst_case_tokens <= 3000 + agents[1]
    assert len(standard.probes) - len(paid) <= 135, "what is refused costs nothing but time"
    assert standard.worst_case_tokens <= 5000 + agents[1]
    assert Plan(tuple(conditional)).worst_case_tokens <= 402  # spent only where shorter streams do not decide


def test_probes_of_the_second_tenant_are_only_planned_where_there_is_one() -> None:
    contract = load_contract("kodexa")
    alone = Target(base_url=TARGET.base_url, api_key=API_KEY, model="gpt-4o", parameters=TARGET.parameters)
    with_second = set(_names(plan(contract, TARGET, ["access/*"], Tier.STANDARD)))
    without = set(_names(plan(contract, alone, ["access/*"], Tier.STANDARD)))
    at_once = {f"access/tenant-at-once-{number}" for number in range(4)}
    assert with_second - without == {"access/foreign-organization", "access/second-tenant"} | at_once


def test_the_worst_case_counts_each_part_of_a_combined_probe() -> None:
    parts = tuple(Probe(name, "a part", Intent.SERVED, completion_tokens=3) for name in ("b", "c"))
    planned = Plan((Probe("a", "a whole", Intent.SERVED, completion_tokens=5, instead=parts),))
    assert (planned.worst_case_requests, planned.worst_case_tokens) == (3, 11)


def test_two_probes_of_one_name_are_refused(contract: Contract) -> None:
    row = next(row for row in request_requirements(contract) if row.id == "request.messages.required")
    twice = dataclasses.replace(contract, requirements=(*contract.requirements, row))
    with pytest.raises(ProbeError, match=r"two probes are named 'request\.messages\.required/enforced/left-out'"):
        plan(twice, TARGET, ["*required/*"], Tier.STANDARD)


def test_a_template_without_messages_is_refused_with_what_to_do(contract: Contract) -> None:
    bare = dataclasses.replace(contract, template={"prompt": "Say hello."})
    with pytest.raises(ProbeError, match=r"give one as x-conformance\.request"):
        check_request(bare, TARGET)


def test_a_target_whose_model_the_contract_does_not_have_is_refused_with_what_to_check() -> None:
    target = dataclasses.replace(TARGET, model="no-such-model")
    with pytest.raises(ProbeError, match=r"model breaks `enum`; check CONFORMANCE_MODEL"):
        check_request(load_contract("loop-health"), target)


def test_a_recorded_plan_is_enough_to_judge_by(contract: Contract) -> None:
    planned = plan(contract, TARGET, ALL_BUT_GENERATED, Tier.STANDARD)
    recorded = plan_from(json.loads(json.dumps(plan_data(planned))))
    for probe, again in zip(planned.every_probe(), recorded.every_probe(), strict=True):
        assert (again.name, again.about, again.intent) == (probe.name, probe.about, probe.intent)
        assert again.asks_for_stream == probe.asks_for_stream
    assert [len(probe.instead) for probe in recorded.probes] == [len(probe.instead) for probe in planned.probes]


@pytest.mark.parametrize("data", [[{}], [3], [{"name": "a", "about": "b", "intent": "guessed"}], None])
def test_a_broken_record_of_a_plan_is_a_value_error(data: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        plan_from(data)  # type: ignore[arg-type]
