"""A pair of fields that breaks the server is found by a few more requests, and by the same ones when a run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from shipped_contracts import shipped_contract

from conformance.contract import Tier
from conformance.probes import plan
from conformance.probes.combined_probes import AT_THE_EDGE
from conformance.probes.narrowing import MOST_STEPS, follow_ups
from conformance.probes.request_body import RequestBody
from conformance.probes.shrinking import SHRUNK
from conformance.reference import EmbeddedReference
from conformance.reference.errors import Refusal
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules
from conformance.targets import Limits, Target
from conformance.wire import Exchange, observe_sync

pytestmark = pytest.mark.network
PROFILE = "kodexa"


def breaks_for_a_pair(rules: RequestRules, body: Any) -> None:
    rules.check_body(body)
    if body.get("temperature") is not None and body.get("stop") is not None:
        raise Refusal(500, "internal", "Something broke.")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    stages = replace(Stages(), check_body=breaks_for_a_pair)
    with EmbeddedReference(PROFILE, stages=stages, contract=shipped_contract(PROFILE)) as reference:
        yield replace(reference.target, other_api_key=None, other_parameters={})


def observed(target: Target, known: tuple[Exchange, ...] = ()) -> tuple[Exchange, ...]:
    probes = plan(shipped_contract(PROFILE), target, [f"{AT_THE_EDGE}*"], Tier.STANDARD).probes
    following = follow_ups(RequestBody(shipped_contract(PROFILE), target))
    limits = Limits(concurrency=1)
    seen = observe_sync(
        probes, shipped_contract(PROFILE).operation, target, limits, lambda one: one, resume=known, follow_ups=following
    )
    return seen.exchanges


def test_the_pair_is_sent_by_itself(target: Target) -> None:
    smaller = [one for one in observed(target) if SHRUNK in one.probe]
    assert 0 < len(smaller) <= MOST_STEPS
    broken = [json.loads(one.request.body) for one in smaller if one.answer is not None and one.answer.status == 500]
    assert {*min(broken, key=len)} == {"model", "messages", "max_tokens", "temperature", "stop"}


def test_a_resumed_run_narrows_the_same_requests(target: Target) -> None:
    whole = observed(target)
    names = sorted(one.probe for one in whole)
    first = next(number for number, one in enumerate(whole) if SHRUNK in one.probe)
    for known in (1, first - 1, first, first + 1, len(whole) - 1, len(whole)):
        assert sorted(one.probe for one in observed(target, whole[:known])) == names
