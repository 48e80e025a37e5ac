"""A request whose fields break one another is brought down to them in a few steps, which follow from the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest
from planning_samples import TARGET
from shipped_contracts import shipped_contract

from conformance.probes import Intent, Probe
from conformance.probes.narrowing import MOST_NARROWED, MOST_STEPS, Narrowing, failure_of
from conformance.probes.request_body import RequestBody
from conformance.probes.shrinking import SHRUNK, origin_of

FIELDS: Mapping[str, Any] = {
    "temperature": 0.5,
    "top_p": 0.5,
    "n": 1,
    "seed": 7,
    "user": "a",
    "presence_penalty": 0.5,
    "frequency_penalty": 0.5,
    "stop": ["a"],
    "logprobs": True,
    "top_logprobs": 1,
    "stream": True,
    "stream_options": {"include_usage": True},
}
Breaks = Callable[[Mapping[str, Any]], bool]


@cache
def usual_body() -> RequestBody:
    return RequestBody(shipped_contract("openai"), TARGET)


def combined(number: int = 0) -> Probe:
    parts = tuple(
        Probe(f"part/{number}/{name}", name, Intent.SERVED, {**usual_body().around((name,)), name: value})
        for name, value in FIELDS.items()
    )
    whole = {**usual_body().capped(2), **FIELDS}
    return Probe(f"request/at-the-edge/{number}", "all at once", Intent.SERVED, whole, instead=parts)


def answered(breaks: Breaks, probe: Probe, narrowing: Narrowing, status: int = 500) -> list[Probe]:
    """The smaller probes that are tried, each after the answer to the one before."""
    tried: list[Probe] = []
    ahead = [probe, *probe.instead]
    while ahead:
        one = ahead.pop(0)
        tried.append(one)
        ahead += narrowing(one, status if breaks(one.body) else 200)
    return [one for one in tried if SHRUNK in one.name]


def smallest(breaks: Breaks, tried: list[Probe]) -> set[str]:
    broken = [one.body for one in tried if breaks(one.body)]
    return {*min(broken, key=len)} - {"model", "messages", "max_tokens"}


def pair(one: str, other: str) -> Breaks:
    return lambda body: {one, other} <= body.keys()


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("one", "other"), [("temperature", "stop"), ("seed", "user"), ("stream", "logprobs"), ("top_p", "temperature")]
)
def test_a_pair_is_found_in_few_steps(one: str, other: str, status: int) -> None:
    tried = answered(pair(one, other), combined(), Narrowing(usual_body()), status)
    assert 0 < len(tried) <= MOST_STEPS
    assert smallest(pair(one, other), tried) == {one, other}
    for probe in tried:
        assert usual_body().is_surely_served(probe.body)
        assert origin_of(probe.name) == "request/at-the-edge/0"
        assert probe.instead == ()


def test_three_fields_are_found_as_far_as_the_steps_reach() -> None:
    def breaks(body: Mapping[str, Any]) -> bool:
        return {"temperature", "seed", "stop"} <= body.keys()

    tried = answered(breaks, combined(), Narrowing(usual_body()))
    assert len(tried) <= MOST_STEPS
    assert {"temperature", "seed", "stop"} <= smallest(breaks, tried) < {*FIELDS}


def test_nothing_is_narrowed_where_a_part_breaks_by_itself() -> None:
    assert answered(lambda body: "stop" in body, combined(), Narrowing(usual_body())) == []


@pytest.mark.parametrize("status", [None, 200, 429, 503])
def test_nothing_is_narrowed_for_an_answer_that_breaks_nothing(status: int | None) -> None:
    narrowing, whole = Narrowing(usual_body()), combined()
    assert narrowing(whole, status) == []
    assert all(narrowing(part, 200) == [] for part in whole.instead)


def test_a_drawn_request_is_brought_down_to_a_single_field() -> None:
    drawn = Probe("drawn/valid/3", "drawn", Intent.SERVED, {**usual_body().capped(2), **FIELDS})
    tried = answered(lambda body: "user" in body, drawn, Narrowing(usual_body()))
    assert 0 < len(tried) <= MOST_STEPS
    assert smallest(lambda body: "user" in body, tried) == {"user"}


def test_an_invalid_one_stays_as_invalid_as_it_was() -> None:
    body = {**usual_body().capped(2), **FIELDS, "top_p": 7}
    drawn = Probe("drawn/invalid/3/request.top_p.maximum/above", "drawn", Intent.REFUSED, body)
    tried = answered(lambda sent: "seed" in sent, drawn, Narrowing(usual_body()), status=200)
    served = answered(lambda sent: True, drawn, Narrowing(usual_body()), status=200)
    for probe in (*tried, *served):
        assert probe.body["top_p"] == 7
    assert smallest(lambda sent: True, served) == {"top_p"}


def test_only_the_first_few_are_narrowed() -> None:
    narrowing = Narrowing(usual_body())
    begun = [bool(answered(pair("seed", "user"), combined(number), narrowing)) for number in range(MOST_NARROWED + 1)]
    assert begun == [True] * MOST_NARROWED + [False]


def test_the_same_answers_lead_to_the_same_steps() -> None:
    first, again = (answered(pair("seed", "stop"), combined(), Narrowing(usual_body())) for _ in range(2))
    assert first == again


def test_a_status_of_a_busy_target_is_no_failure() -> None:
    assert failure_of(Intent.SERVED, 503) is None
    assert failure_of(Intent.REFUSED, 422) is None
