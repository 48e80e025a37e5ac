"""Answers that are nothing but thinking: which of them a limit must have ended, by answers that are made up."""

from __future__ import annotations

from typing import Any, cast

import pytest

from conformance.suite.answered_choices import SeenAnswer, SeenChoice
from conformance.suite.observations import Answered, Observations
from conformance.suite.used_up import is_used_up

NO_OBSERVATIONS = cast("Observations", None)
"""Streams are read without them."""


class _Probe:
    asks_for_stream = True


class _Answered:
    """As much of a stream as is looked at."""

    id = "stream#1"
    probe = _Probe()

    def __init__(self, sent: dict[str, Any]) -> None:
        self.sent = sent

    def requested(self, name: str) -> Any:
        return self.sent.get(name)


def is_ended_by_its_limit(
    limit: int, used: int, thought: int | None, *, text: str = "", reason: str = "stop", **sent: Any
) -> bool:
    answered = cast("Answered", _Answered({"max_tokens": limit, **sent}))
    details = {} if thought is None else {"completion_tokens_details": {"reasoning_tokens": thought}}
    choice = SeenChoice(answered, 0, text, (), reason)
    return is_used_up(SeenAnswer(answered, (choice,), {"completion_tokens": used, **details}), NO_OBSERVATIONS)


@pytest.mark.parametrize("limit", [1, 2, 64])
def test_reasoning_that_fills_the_limit_was_cut(limit: int) -> None:
    assert is_ended_by_its_limit(limit, limit, limit)


def test_hidden_reasoning_that_nobody_counts_was_cut_by_a_limit_of_some_tokens() -> None:
    assert is_ended_by_its_limit(16, 16, None)


@pytest.mark.parametrize("thought", [None, 0, 1])
def test_a_text_that_is_empty_may_end_at_the_last_of_few_tokens(thought: int | None) -> None:
    assert not is_ended_by_its_limit(2, 2, thought)


def test_an_answer_with_room_left_may_say_nothing() -> None:
    assert not is_ended_by_its_limit(64, 63, 63)


def test_a_text_or_a_stop_sequence_may_end_at_the_limit() -> None:
    assert not is_ended_by_its_limit(16, 16, 10, text="Yes.")
    assert not is_ended_by_its_limit(16, 16, 15, stop=["\n"])
