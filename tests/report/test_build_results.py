"""The record of a run holds every requirement of the contract, once, in its place."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_sample as sample

from conformance.contract.model import Tier
from conformance.report import Judgement, build_results, target_view
from conformance.suite.outcome import Outcome, Verdict
from conformance.targets import Target


def by_outcome(results: object, outcome: Outcome) -> set[str]:
    return {result.id for result in results.with_outcome(outcome)}  # type: ignore[attr-defined]


def test_every_requirement_of_the_contract_has_exactly_one_place() -> None:
    contract = sample.contract()
    results = build_results(contract, sample.judgements(contract, sample.exchanges()), sample.facts())
    places = [row.id for group in (results.requirements, results.excluded, results.beyond_tier) for row in group]
    assert sorted(places) == sorted(row.id for row in (*contract.requirements, *contract.excluded))
    assert [row.id for row in results.excluded] == ["access.key-stored"]
    assert [row.id for row in results.beyond_tier] == ["robustness.soak"]


def test_what_nobody_judged_is_untested_and_says_why() -> None:
    contract = sample.contract(0)
    plain = build_results(contract, (), sample.facts())
    restricted = build_results(contract, (), sample.facts(selection="stream.*"))
    stopped = build_results(contract, (), sample.facts(interrupted="the user stopped it"))
    assert {row.outcome for row in plain.requirements} == {Outcome.UNTESTED}
    assert plain.verdict is Verdict.INCONCLUSIVE
    assert plain.requirements[0].messages == ("Nothing was sent that could decide this.",)
    assert restricted.requirements[0].messages == ("The run was restricted to stream.*.",)
    assert "the user stopped it" in stopped.requirements[0].messages[0]


def test_a_larger_tier_judges_more() -> None:
    results = build_results(sample.contract(0), (), sample.facts(tier=Tier.EXHAUSTIVE))
    assert "robustness.soak" in by_outcome(results, Outcome.UNTESTED)
    assert results.beyond_tier == ()


def test_the_order_is_that_of_the_contract() -> None:
    contract = sample.contract(3)
    judgements = list(sample.judgements(contract, sample.exchanges()))
    assert build_results(contract, judgements, sample.facts()) == build_results(
        contract, reversed(judgements), sample.facts()
    )


def test_counts_add_up_for_all_levels_and_sections() -> None:
    results = sample.sample_results()
    assert results.totals[Outcome.FAILED] == 5
    for groups in (results.by_level, results.by_section):
        for outcome in Outcome:
            assert sum(row.get(outcome, 0) for row in groups.values()) == results.totals.get(outcome, 0)
    assert results.by_section["stream"] == {
        Outcome.FAILED: 2, Outcome.WARNING: 1, Outcome.SKIPPED: 1, Outcome.PASSED: 3,
    }  # fmt: skip


def test_a_judgement_that_contradicts_the_contract_is_a_defect_of_the_suite() -> None:
    contract = sample.contract(0)
    must = contract.requirements[0]
    should = next(row for row in contract.requirements if row.level == "SHOULD")
    cases = [
        ([Judgement(replace(must, id="stream.unknown"), Outcome.PASSED)], "has no such requirement"),
        ([Judgement(must, Outcome.PASSED)] * 2, "judged twice"),
        ([Judgement(must, Outcome.WARNING)], "is a MUST"),
        ([Judgement(should, Outcome.FAILED)], "is a SHOULD"),
        ([Judgement(must, Outcome.WAIVED)], "contradicts its waiver"),
        ([Judgement(must, Outcome.PASSED, waiver=sample.waiver())], "contradicts its waiver"),
    ]
    for judgements, message in cases:
        with pytest.raises(ValueError, match=message):
            build_results(contract, judgements, sample.facts())


def test_the_view_of_a_target_holds_no_secret() -> None:
    target = Target("https://api.example.test", api_key=sample.KEY, model="m", other_api_key=sample.KEY + "2")
    view = target_view(target, sample.contract(0), server="nginx")
    assert sample.KEY not in repr(view)
    assert (view.base_url, view.model, view.server) == ("https://api.example.test", "m", "nginx")
