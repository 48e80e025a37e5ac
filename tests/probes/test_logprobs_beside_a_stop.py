"""Log probabilities beside a stop sequence: together where the target takes both, and each alone where it does not."""

from __future__ import annotations

import dataclasses

import pytest
from planning_samples import TARGET
from shipped_contracts import shipped_contract

from conformance.contract import Tier
from conformance.probes import Probe, plan
from conformance.probes.completions import BEGINS_OFTEN, LOGPROBS
from conformance.probes.streams import STREAM_LOGPROBS
from conformance.targets import Target

BOTH = (LOGPROBS, STREAM_LOGPROBS)


def probes(target: Target) -> dict[str, Probe]:
    planned = plan(shipped_contract("openai"), target, BOTH, Tier.STANDARD)
    return {probe.name: probe for probe in planned.every_probe()}


@pytest.mark.parametrize("name", BOTH)
def test_they_are_asked_for_together_and_alone_where_that_is_not_served(name: str) -> None:
    together = probes(TARGET)[name]
    assert together.body["stop"] == [BEGINS_OFTEN]
    (alone,) = together.instead
    assert alone.name == f"{name}/alone"
    assert {**alone.body, "stop": [BEGINS_OFTEN]} == together.body


@pytest.mark.parametrize("name", BOTH)
def test_a_target_without_stop_sequences_is_asked_for_log_probabilities_alone(name: str) -> None:
    alone = probes(dataclasses.replace(TARGET, unsupported=("stop",)))[name]
    assert "stop" not in alone.body
    assert not alone.instead
