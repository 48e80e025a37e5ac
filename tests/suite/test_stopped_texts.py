"""A text ends exactly where its stop sequence begins; white space at its ends, and another text, accuse nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from stream_samples import DONE, FIRST, chunk, exchange, stream, usage_chunk

from conformance.probes import Intent, Probe
from conformance.reading import read_stream
from conformance.suite.observations import Answered, Stream
from conformance.suite.stopped_texts import StoppedText, inexact, stopped_texts
from conformance.suite.stream_texts import TextPair

WHOLE = "one two three four five six seven eight"
REQUEST = {"model": "m", "messages": "count", "stream": True}
STOPPED = {**REQUEST, "max_tokens": 11, "stop": ["two three", "from one"]}


def streamed(text: str, request: dict[str, Any], *, finish: str = "stop", tokens: int = 2, **delta: Any) -> Stream:
    last = chunk(finish=finish)
    last["choices"][0]["delta"] = delta
    one = exchange(stream(FIRST, chunk(text), last, usage_chunk(completion=tokens), DONE), request=request)
    assert one.answer is not None
    return Stream(
        Answered(Probe("stream/usage", "a stream", Intent.SERVED, request), one, one.answer), read_stream(one)
    )


def found(text: str, request: dict[str, Any] = STOPPED, *, whole: str = WHOLE, **changes: Any) -> list[StoppedText]:
    """What is compared where the target repeats `whole`, and answers a request with stop sequences with `text`."""
    plain, stopped = streamed(whole, {**REQUEST, "max_tokens": 32}, finish="length"), streamed(text, request, **changes)
    plain, stopped = named(plain, "stream/plain#1"), named(stopped, "stream/usage#1")
    pair = TextPair(plain.id, "completion/long-answer#1", whole, whole, True, beside_equal=False, exact=True)
    return stopped_texts([plain, stopped], [pair])


def named(one: Stream, name: str) -> Stream:
    answered = one.answered
    return Stream(Answered(answered.probe, replace(answered.exchange, id=name), answered.answer), one.reading)


def is_inexact(text: str, *, whole: str = WHOLE, stops: tuple[str, ...] = ("two three", "from one")) -> bool:
    (one,) = found(text, {**STOPPED, "stop": [*stops]}, whole=whole)
    return one.is_of_the_whole and not one.has_sequence and inexact(one) is not None


@pytest.mark.parametrize("text", ["one two", "one two ", "", "o", "one t"])
def test_less_than_the_text_or_a_part_of_the_sequence_is_a_fault(text: str) -> None:
    assert is_inexact(text)


@pytest.mark.parametrize("text", ["one ", "one", " one ", "\none"])
def test_white_space_at_the_ends_is_not_judged(text: str) -> None:
    assert not is_inexact(text)
    assert not is_inexact(text, whole=f" {WHOLE}")


def test_a_whole_sequence_in_the_text_is_for_another_requirement() -> None:
    assert not is_inexact("one two three")
    assert not is_inexact("one two three four")


@pytest.mark.parametrize("text", ["eins ", "Two", "one  two"])
def test_another_text_is_what_the_model_chose(text: str) -> None:
    assert not is_inexact(text)


def test_a_sequence_at_the_beginning_leaves_no_text() -> None:
    assert not is_inexact("", stops=("one two",))
    assert is_inexact("one", stops=("one two",))


def test_of_sequences_that_overlap_the_first_to_begin_or_to_end_may_count() -> None:
    stops = ("two three four", "three")
    assert not is_inexact("one ", stops=stops)
    assert not is_inexact("one two ", stops=stops)
    assert is_inexact("one two thr", stops=stops)


@pytest.mark.parametrize(
    "changes",
    [
        {"finish": "length"},
        {"finish": "content_filter"},
        {"tokens": 11},
        {"reasoning_content": "I count from one"},
    ],
)
def test_what_something_else_may_have_ended_is_not_compared(changes: dict[str, Any]) -> None:
    assert found("one two")
    assert not found("one two", **changes)


def test_only_the_same_request_and_a_sequence_of_the_text_are_compared() -> None:
    assert not found("one two", {**STOPPED, "messages": "another"})
    assert not found("one two", {**STOPPED, "stop": ["nine ten"]})
    assert not found("one two", {**STOPPED, "stop": None})
