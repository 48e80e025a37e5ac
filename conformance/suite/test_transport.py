"""Transport: what every HTTP message of the target says of itself, and whether its body is so."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.suite.expect import Expect
from conformance.suite.marking import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.stream_judging import judge_messages

EVERY_ANSWER = "*"


@requirement("transport.body-complete", EVERY_ANSWER)
def test_every_body_ends_as_its_framing_says(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_messages("transport.body-complete", answers, observations, expect)


@requirement("transport.length-truthful", EVERY_ANSWER)
def test_content_length_is_the_length_of_the_content(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_messages("transport.length-truthful", answers, observations, expect)


@requirement("transport.single-framing", EVERY_ANSWER)
def test_the_length_of_a_body_is_said_in_one_way(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_messages("transport.single-framing", answers, observations, expect)


@requirement("transport.single-message", EVERY_ANSWER)
def test_no_body_has_another_message_in_it(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_messages("transport.single-message", answers, observations, expect)


@requirement("transport.content-encoding", EVERY_ANSWER)
def test_the_body_is_coded_as_it_says(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    judge_messages("transport.content-encoding", answers, observations, expect)


@requirement("transport.content-encoding-accepted", EVERY_ANSWER)
def test_no_coding_comes_that_was_not_accepted(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    judge_messages("transport.content-encoding-accepted", answers, observations, expect)


@requirement("transport.content-bounded", EVERY_ANSWER)
def test_a_coded_body_does_not_explode(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    judge_messages("transport.content-bounded", answers, observations, expect)
