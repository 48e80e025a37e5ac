"""Generated requests find what no fixed case finds, and report it with the smallest request that still shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from shipped_contracts import shipped_contract

from conformance.contract import Tier
from conformance.probes import Intent, Probe
from conformance.probes.request_body import RequestBody
from conformance.probes.shrinking import MOST_SHRUNK, MOST_STEPS, SHRUNK, Shrinking, origin_of
from conformance.reference import EmbeddedReference
from conformance.reference.errors import Refusal
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.run import RunSettings
from conformance.running.suite_run import SuiteRun
from conformance.suite import Judgement, Outcome
from conformance.targets import Limits, Target
from conformance.wire import Exchange, observe_sync

pytestmark = pytest.mark.network

PROPERTIES = ("request.generated-valid", "request.generated-invalid")
ORG = "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"
COUNT = 150


@cache
def request_body() -> RequestBody:
    """What makes and checks bodies of the profile, for a deployment that nothing is sent to."""
    target = Target("http://127.0.0.1:9", api_key="k", model="gpt-4o", parameters={"orgId": ORG})
    return RequestBody(shipped_contract("kodexa"), target)


@contextmanager
def judging(stages: Stages, out: Path, **settings: Any) -> Iterator[SuiteRun]:
    with EmbeddedReference("kodexa", stages=stages, contract=shipped_contract("kodexa")) as reference:
        target = replace(reference.target, other_api_key=None, other_parameters={})
        run_settings = RunSettings(
            "kodexa",
            base_url=reference.base_url,
            tier=Tier.EXHAUSTIVE,
            only=PROPERTIES,
            out=out,
            generated=COUNT,
            **settings,
        )
        with open_run(run_settings, {}, asdict(target)) as opened:
            run, _ = judge(opened)
            assert not run.broken
            yield run


def checking(check: Callable[[RequestRules, Any], None]) -> Stages:
    return replace(Stages(), check_body=check)


def sent_in(run: SuiteRun, judgement: Judgement, number: int = 0) -> Any:
    exchange = next(one for one in run.exchanges if one.id == judgement.findings[number].exchange)
    return json.loads(exchange.request.body)


def test_the_reference_keeps_both_properties(tmp_path: Path) -> None:
    with judging(Stages(), tmp_path) as run:
        assert {one.outcome for one in run.judgements.values()} == {Outcome.PASSED}
        names = [exchange.probe for exchange in run.exchanges]
    assert not any(SHRUNK in name for name in names)
    kinds = {name.split("/")[1] for name in names if name.startswith("generated/")}
    assert kinds == {"valid", "invalid", "mutated"}


def crashes_for_two_fields_together(rules: RequestRules, body: Any) -> None:
    rules.check_body(body)
    if "temperature" in body and "stop" in body:
        raise Refusal(500, "internal", "Something broke.")


def test_a_valid_request_that_breaks_the_server_is_reported_with_the_fewest_fields(tmp_path: Path) -> None:
    with judging(checking(crashes_for_two_fields_together), tmp_path) as run:
        judgement = run.judgements["request.generated-valid"]
        shrunk = [n for n, one in enumerate(judgement.findings) if "shrunk from generated/valid/" in one.expected]
        body = sent_in(run, judgement, shrunk[0])
    assert judgement.outcome is Outcome.FAILED
    assert body.keys() == {"model", "messages", "max_tokens", "temperature", "stop"}
    assert len(body["messages"]) == 1
    assert len(body["stop"]) == 1
    assert SHRUNK in str(judgement.findings[shrunk[0]].exchange)


def takes_any_temperature(rules: RequestRules, body: Any) -> None:
    bounded = isinstance(body, dict) and isinstance(body.get("temperature"), int | float)
    rules.check_body({**body, "temperature": 1} if bounded else body)


def test_an_invalid_request_that_is_served_is_reduced_to_what_is_invalid(tmp_path: Path) -> None:
    with judging(checking(takes_any_temperature), tmp_path) as run:
        judgement = run.judgements["request.generated-invalid"]
        bodies = [sent_in(run, judgement, number) for number in range(len(judgement.findings))]
    assert judgement.outcome is Outcome.FAILED
    smallest = min(bodies, key=lambda body: len(json.dumps(body)))
    assert smallest.keys() == {"model", "messages", "max_tokens", "temperature"}
    assert not 0 <= smallest["temperature"] <= 2


def test_replaying_gives_the_same_judgements(tmp_path: Path) -> None:
    with judging(checking(crashes_for_two_fields_together), tmp_path / "live") as run:
        live = dict(run.judgements)
    settings = RunSettings("kodexa", replay=tmp_path / "live")
    with open_run(settings, {}) as opened:
        again, _ = judge(opened)
    assert {name: one for name, one in again.judgements.items() if name in live} == live


def test_a_field_that_the_target_declines_is_not_a_finding(tmp_path: Path) -> None:
    def check(rules: RequestRules, body: Any) -> None:
        rules.check_body(body)
        if "top_p" in body:
            raise Refusal(400, "unsupported", "top_p is not supported here.", param="top_p")

    with judging(checking(check), tmp_path) as run:
        judgement = run.judgements["request.generated-valid"]
    assert judgement.outcome is Outcome.PASSED


def test_a_mutation_of_a_request_that_is_not_served_decides_nothing(tmp_path: Path) -> None:
    def refuse(_: RequestRules, __: Any) -> None:
        raise Refusal(400, "invalid_value", "The request has an invalid value.")

    with judging(checking(refuse), tmp_path) as run:
        assert run.judgements["request.generated-valid"].outcome is Outcome.FAILED
        notes = run.judgements["request.generated-invalid"].messages
    assert any("decide nothing" in note for note in notes)


def test_no_generated_request_is_sent_after_their_time_is_over(tmp_path: Path) -> None:
    with judging(Stages(), tmp_path, limits=Limits(generated_time=0.05)) as run:
        judgement = run.judgements["request.generated-valid"]
    assert judgement.outcome is Outcome.UNTESTED
    assert "the 0.05 s for generated requests are over" in judgement.messages[0]


def test_a_resumed_run_shrinks_the_same_requests() -> None:
    with EmbeddedReference(
        "kodexa", stages=checking(crashes_for_two_fields_together), contract=shipped_contract("kodexa")
    ) as reference:
        target = replace(reference.target, other_api_key=None, other_parameters={})

        def observed(known: tuple[Exchange, ...]) -> list[str]:
            seen = observe_sync(
                [valid_probe(0, **MANY)],
                shipped_contract("kodexa").operation,
                target,
                Limits(),
                lambda exchange: exchange,
                resume=known,
                follow_ups=Shrinking(RequestBody(shipped_contract("kodexa"), target)),
            )
            exchanges.append(seen.exchanges)
            return [exchange.probe for exchange in seen.exchanges]

        exchanges: list[tuple[Exchange, ...]] = []
        whole = observed(())
        assert len(whole) > 5
        for known in (1, 3, len(whole) - 1, len(whole)):
            assert observed(exchanges[0][:known]) == whole


# --- the shrinking by itself ---------------------------------------------------------------------------------------


def answered(check: Callable[[Any], bool], probe: Probe) -> list[Probe]:
    """The smaller probes that are tried one after another against a target that breaks where `check` is true."""
    shrinking, tried, ahead = Shrinking(request_body()), [], [probe]
    while ahead:
        one = ahead.pop()
        tried.append(one)
        ahead += shrinking(one, 500 if check(one.body) else 200)
    return tried[1:]


def valid_probe(number: int, **fields: Any) -> Probe:
    return Probe(
        f"generated/valid/{number}", "a valid request", Intent.SERVED, body={**request_body().capped(2), **fields}
    )


MANY = {"temperature": 1.25, "top_p": 0.5, "stop": ["one two", "three"], "n": 2, "stream": False}


def test_each_smaller_request_is_valid_smaller_and_within_the_bound() -> None:
    tried = answered(lambda body: "stop" in body and body.get("n") == 2, valid_probe(0, **MANY))
    assert 0 < len(tried) <= MOST_STEPS
    for one in tried:
        assert request_body().accepts(one.body)
        assert origin_of(one.name) == "generated/valid/0"
        assert one.intent is Intent.SERVED
    smallest = [one.body for one in tried if "stop" in one.body and one.body.get("n") == 2][-1]
    assert smallest.keys() == {"model", "messages", "max_tokens", "stop", "n"}


def test_the_same_answers_lead_to_the_same_steps() -> None:
    first, again = (answered(lambda body: "top_p" in body, valid_probe(0, **MANY)) for _ in range(2))
    assert first == again


def test_only_the_first_of_each_kind_are_made_smaller() -> None:
    shrinking = Shrinking(request_body())
    begun = [bool(shrinking(valid_probe(number, **MANY), 500)) for number in range(MOST_SHRUNK + 2)]
    assert begun == [True] * MOST_SHRUNK + [False, False]


@pytest.mark.parametrize("status", [None, 200, 429, 503])
def test_nothing_is_made_smaller_for_an_answer_that_breaks_nothing(status: int | None) -> None:
    assert Shrinking(request_body())(valid_probe(0, **MANY), status) == []


def test_a_case_that_is_not_generated_is_left_as_it_is() -> None:
    probe = replace(valid_probe(0, **MANY), name="completion/plain")
    assert Shrinking(request_body())(probe, 500) == []
