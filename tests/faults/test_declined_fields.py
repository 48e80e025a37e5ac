"""A deployment may decline an optional field or streams, but not what every deployment must do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from faulty_reference import outcomes_of
from shipped_contracts import shipped_contract

from conformance.reference.errors import Refusal
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules
from conformance.suite import Outcome

pytestmark = pytest.mark.network


def refusing(field: str, value: Any, message: str) -> Stages:
    """A deployment that refuses a value of a field (with Ellipsis, any value except None, 1 and False)."""

    def check(rules: RequestRules, body: Any) -> None:
        rules.check_body(body)
        given = body.get(field) if isinstance(body, dict) else None
        if given == value or (value is ... and given not in (None, 1, False)):
            raise Refusal(400, "invalid_value", message, param=field)

    return replace(Stages(), check_body=check)


class _Longer:
    """Equals every list with more items than this."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and len(other) > self.most

    def __hash__(self) -> int:
        return self.most


def test_a_stop_that_is_not_supported_is_skipped() -> None:
    outcomes = outcomes_of(
        shipped_contract("openai"), refusing("stop", ..., "stop is not supported."), "completion.stop", "stream.stop"
    )
    assert outcomes["completion.stop"] is Outcome.SKIPPED


def test_several_choices_that_are_not_supported_are_skipped() -> None:
    outcomes = outcomes_of(shipped_contract("openai"), refusing("n", ..., "n above 1 is not supported."), "request.n.*")
    assert Outcome.FAILED not in outcomes.values()


@pytest.mark.parametrize(
    "message",
    [
        "n must be at most 4.",
        "'n' exceeds the maximum of 4 supported",
        "128 is greater than the maximum of 8 - 'n'",
        "Input should be less than or equal to 16: body.n",
        "n must be between 1 and 5",
    ],
)
def test_a_limit_of_its_own_that_a_deployment_declares_is_skipped(message: str) -> None:
    outcomes = outcomes_of(shipped_contract("openai"), refusing("n", 128, message), "request.n.*")
    assert outcomes["request.n.maximum"] is Outcome.SKIPPED
    assert Outcome.FAILED not in outcomes.values()


@pytest.mark.parametrize(
    "message",
    [
        "n has an invalid value.",
        "n must be at most 128.",
        "n must be less than 128.",
        "n must be between 1 and 128.",
        "n must be at least 1.",
        "n: 128 is not possible.",
    ],
)
def test_a_bound_that_is_refused_without_such_words_is_a_fault(message: str) -> None:
    outcomes = outcomes_of(shipped_contract("openai"), refusing("n", 128, message), "request.n.*")
    assert outcomes["request.n.maximum"] is Outcome.FAILED


def test_a_limit_on_stop_sequences_is_declared_in_their_number() -> None:
    outcomes = outcomes_of(
        shipped_contract("openai"), refusing("stop", _Longer(2), "stop takes at most 2 sequences"), "request.stop.*"
    )
    assert outcomes["request.stop.array.max-items"] is Outcome.SKIPPED


def test_streaming_is_a_capability_that_may_be_declined() -> None:
    stages = refusing("stream", True, "streaming is not supported.")
    outcomes = outcomes_of(shipped_contract("openai"), stages, "stream.*", "request.stream.*")
    assert set(outcomes.values()) <= {Outcome.SKIPPED, Outcome.PASSED}
    assert outcomes["stream.status"] is Outcome.SKIPPED


def test_a_stream_that_is_refused_in_other_words_is_a_fault() -> None:
    stages = refusing("stream", True, "stream must be false.")
    outcomes = outcomes_of(shipped_contract("openai"), stages, "stream.*", "request.stream.*")
    assert outcomes["stream.status"] is Outcome.FAILED
    assert outcomes["stream.done-once"] is Outcome.BLOCKED


def test_the_smallest_request_cannot_be_declined() -> None:
    def refuse(_: RequestRules, __: Any) -> None:
        raise Refusal(400, "unsupported", "messages are not supported.", param="messages")

    outcomes = outcomes_of(
        shipped_contract("openai"), replace(Stages(), check_body=refuse), "completion.served", "completion.choices.*"
    )
    assert Outcome.PASSED not in outcomes.values()
    assert outcomes["completion.served"] is Outcome.FAILED
