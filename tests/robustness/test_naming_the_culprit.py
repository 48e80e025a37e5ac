"""The report names the hostile request that a target did not survive, as far as the evidence shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from robustness_judge import LIMITS, judge_at
from shipped_contracts import shipped_contract

from conformance.contract.model import Tier
from conformance.probes.completions import LONG_ANSWER
from conformance.reference import EmbeddedReference
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.registry import hooks_with
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome

pytestmark = pytest.mark.network

HEALTH = "robustness.healthy-afterwards"


def judged(out: Path, tier: Tier, name: str, **parameters: object) -> Judgement:
    with EmbeddedReference(
        "openai", hooks=hooks_with([FaultAction(name, parameters)]), contract=shipped_contract("openai")
    ) as reference:
        found = judge_at(
            reference.base_url,
            out,
            (HEALTH,),
            tier,
            LIMITS,
            CONFORMANCE_API_KEY=reference.api_key,
            CONFORMANCE_MODEL=reference.model,
        )
    return found[HEALTH]


def test_a_request_that_brings_the_target_down_is_named(tmp_path: Path) -> None:
    judgement = judged(tmp_path, Tier.EXHAUSTIVE, "engine.gone-after", text='"top_logprobs":1000000')
    assert judgement.outcome is Outcome.FAILED
    # A connection that is refused is tried again before it counts.
    assert judgement.exchanges[-1].partition("#")[0] == "robustness/health-after-extreme-top-logprobs"
    assert "the connection of robustness/extreme-top-logprobs#1 was the first to break" in judgement.messages[0]


@pytest.mark.parametrize(
    ("text", "culprit"),
    [('"top_k":0.01', "extreme-top-k-fraction"), ('"temperature":999999', "extreme-temperature")],
)
def test_a_request_after_which_all_are_errors_is_named(text: str, culprit: str, tmp_path: Path) -> None:
    judgement = judged(tmp_path, Tier.EXHAUSTIVE, "engine.killed-by", text=text)
    assert judgement.outcome is Outcome.FAILED
    assert f"the only hostile request since a plain one was served is robustness/{culprit}#1" in judgement.messages[0]


def test_without_a_plain_request_between_them_all_suspects_are_named(tmp_path: Path) -> None:
    nested = "x_chat_conformance_nested"
    judgement = judged(tmp_path, Tier.STANDARD, "engine.killed-by", text=nested)
    assert judgement.outcome is Outcome.FAILED
    message = judgement.messages[0]
    # In this tier they are sent at once, with one plain request after all of them.
    assert "hostile requests came after a plain one was last served: " in message
    assert "robustness/deep-nesting#1" in message
    assert "error/json-cut#1" in message


def test_an_answer_that_the_same_prompt_got_before_is_nobodys_fault(tmp_path: Path) -> None:
    place = "/messages/*/content"
    judgement = judged(tmp_path, Tier.STANDARD, "request.refuse", at=place, equal=LONG_ANSWER, status=404)
    assert judgement.outcome is Outcome.BLOCKED
    assert "as completion/long-answer#1 got before anything hostile was sent" in judgement.messages[0]


def test_a_target_that_refuses_for_load_is_not_blamed(tmp_path: Path) -> None:
    judgement = judged(tmp_path, Tier.STANDARD, "engine.killed-by", text="robustness", status=503)
    assert judgement.outcome is Outcome.PASSED
    judgement = judged(tmp_path / "again", Tier.STANDARD, "engine.killed-by", text="nested", status=503)
    assert judgement.outcome is Outcome.INCONCLUSIVE
