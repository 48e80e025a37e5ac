"""What a limit cut says so, and streams count reasoning as whole answers do: by answers that are made up."""

from __future__ import annotations

from typing import Any, cast

import pytest

from conformance.suite.answered_choices import SeenAnswer, SeenChoice
from conformance.suite.observations import Answered
from conformance.suite.reasoning_pairs import FEWEST_PAIRS, ThinkingPair, thinking_pairs


class _Probe:
    def __init__(self, *, streamed: bool) -> None:
        self.asks_for_stream = streamed


class _Answered:
    """As much of an answer as the readers of pairs look at."""

    def __init__(self, question: str, *, streamed: bool) -> None:
        self.id = f"{question}-{'stream' if streamed else 'whole'}"
        self.probe = _Probe(streamed=streamed)
        self.sent: dict[str, Any] = {"messages": question, **({"stream": True} if streamed else {})}


def seen(question: str, completion: int, thought: int | None, *, streamed: bool, text: str = "Yes.") -> SeenAnswer:
    answered = cast("Answered", _Answered(question, streamed=streamed))
    choice = SeenChoice(answered, 0, text, (), "stop")
    details = {} if thought is None else {"completion_tokens_details": {"reasoning_tokens": thought}}
    return SeenAnswer(answered, (choice,), {"completion_tokens": completion, **details})


def pair(completion: int, thought: int | None, text: str = "Yes.") -> ThinkingPair:
    whole, stream = seen("q", 12, 10, streamed=False), seen("q", completion, thought, streamed=True, text=text)
    (found,) = thinking_pairs([whole, stream])
    return found


@pytest.mark.parametrize("thought", [None, 0])
def test_a_stream_that_counts_no_reasoning_is_seen(thought: int | None) -> None:
    assert pair(2, thought).is_uncounted


def test_completion_tokens_without_the_reasoning_are_seen() -> None:
    assert pair(2, 10).lacks_reasoning
    assert not pair(12, 10).lacks_reasoning
    assert not pair(11, 10).lacks_reasoning


def test_another_text_is_not_compared() -> None:
    assert pair(2, 10).says_the_same
    assert not pair(2, 10, "No.").says_the_same
    assert not pair(2, 9).says_the_same


def test_answers_without_reasoning_or_without_a_twin_are_no_pair() -> None:
    answers = [
        seen("a", 5, 0, streamed=False),
        seen("a", 5, 0, streamed=True),
        seen("b", 5, 3, streamed=False),
        seen("c", 5, 3, streamed=True),
    ]
    assert thinking_pairs(answers) == []
    assert FEWEST_PAIRS > 1
