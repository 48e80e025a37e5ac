"""A deployment may say that it does not support an optional field; what all must do cannot be declined."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from faulty_reference import outcomes_of

from conformance.contract import load_contract
from conformance.reference.errors import Refusal
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules
from conformance.suite import Outcome

CONTRACT = load_contract("openai")


def refusing(field: str, value: Any, message: str) -> Stages:
    """A deployment that refuses a field with a value (any that is not None, where the value is Ellipsis)."""

    def check(rules: RequestRules, body: Any) -> None:
        rules.check_body(body)
        asked = body.get(field) if isinstance(body, dict) else None
        if asked == value or (value is ... and asked not in (None, 1, False)):
            raise Refusal(400, "invalid_value", message, param=field)

    return replace(Stages(), check_body=check)


def test_a_stop_that_is_not_supported_is_skipped() -> None:
    outcomes = outcomes_of(CONTRACT, refusing("stop", ..., "stop is not supported."), "completion.stop", "stream.stop")
    assert outcomes["completion.stop"] is Outcome.SKIPPED


def test_several_choices_that_are_not_supported_are_skipped() -> None:
    outcomes = outcomes_of(CONTRACT, refusing("n", ..., "n above 1 is not supported."), "request.n.*")
    assert Outcome.FAILED not in outcomes.values()


def test_several_choices_that_are_refused_without_such_words_are_a_fault() -> None:
    outcomes = outcomes_of(CONTRACT, refusing("n", 128, "n must be at most 127."), "request.n.*")
    assert outcomes["request.n.maximum"] is Outcome.FAILED


def test_streaming_cannot_be_declined() -> None:
    stages = refusing("stream", True, "streaming is not supported.")
    outcomes = outcomes_of(CONTRACT, stages, "stream.*", "request.stream.*")
    assert outcomes["stream.status"] is Outcome.FAILED
    assert outcomes["stream.done-once"] is Outcome.FAILED


def test_the_smallest_request_cannot_be_declined() -> None:
    def refuse(_: RequestRules, __: Any) -> None:
        raise Refusal(400, "unsupported", "messages are not supported.", param="messages")

    outcomes = outcomes_of(CONTRACT, replace(Stages(), check_body=refuse), "completion.*")
    assert Outcome.PASSED not in outcomes.values()
    assert outcomes["completion.served"] is Outcome.FAILED
