"""Requests in an unusual form: what is valid must be served, the rest served or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from conformance.probes import Probe
from conformance.quoting import quoted
from conformance.suite.answer_judging import REFUSALS, expect_served, expect_served_or_refused
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.obstacles import Obstacle

ODD_TEXT = ("request/lone-surrogate*", "request/escaped-nul", "request/raw-nul", "request/empty-text")


@requirement("request.media-type-spelling", "request/media-type-*")
def test_the_media_type_of_json_is_accepted_in_any_spelling(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served(answers, observations, expect)


@requirement("request.content-type-missing", "request/no-content-type")
def test_a_body_without_a_media_type_breaks_nothing(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _served_or_refused(probes, observations, expect)


@requirement("request.odd-text", *ODD_TEXT)
def test_odd_text_breaks_nothing(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _served_or_refused(probes, observations, expect)


@requirement("request.prompt-too-long", "request/long-prompt")
def test_a_prompt_that_is_too_long_is_the_clients_mistake(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _served_or_refused(probes, observations, expect)


@requirement("request.json-mode", "request/json-mode")
def test_json_mode_gives_json_or_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for answered in answers:
        if answered.answer.status in REFUSALS:
            raise DoesNotApply(f"{answered.id}: the target refuses JSON mode ({answered.answer.status})")
        found = observations.completion(answered)
        if isinstance(found, Obstacle):
            raise found
        for choice in found.choices:
            message = choice.get("message")
            text = message.get("content") if isinstance(message, Mapping) else None
            if choice.get("finish_reason") == "stop" and isinstance(text, str):
                expected = "a text that is a JSON object, as `response_format` asks, or a refusal"
                expect(_is_json_object(text), answered.id, expected=expected, actual=f"the text {quoted(text)}")
    if not expect.judged:
        raise DoesNotApply(f"{answers[0].id}: the answer did not finish by itself")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _served_or_refused(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    answered, obstacles = observations.answers(probes)
    expect_served_or_refused(answered, observations, expect)
    expect.missing_answers("a completion or a refusal", obstacles)
