"""Completions: what a non-streamed answer must be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from conformance.contract.model import Requirement
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.keyword_judging import judge_instances
from conformance.suite.marking import keywords, requirement
from conformance.suite.observations import Answered, Completion, Observations
from conformance.suite.readers import Readers
from conformance.suite.showing import shown, status_of

DAY = 86_400
REPLACEMENT = "\ufffd"


@requirement("completion.served", "completion/plain", "completion/again", "completion/one-token")
def test_a_valid_request_is_answered_with_a_completion(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    for answered in answers:
        expect(
            observations.served(answered),
            answered.id,
            expected="status 200 and a completion with at least one choice",
            actual=status_of(answered),
        )


@keywords("completion", "completion/*")
def test_a_completion_fits_the_keyword(
    keyword: Requirement, answers: Sequence[Answered], observations: Observations, readers: Readers, expect: Expect
) -> None:
    served = [one for one in answers if one.answer.status == 200 and one.asked("stream") is not True]
    readings = [observations.completion_reading(one.exchange) for one in served]
    bodies = [(reading.exchange, reading.value) for reading in readings if reading.is_readable]
    if not bodies:
        raise NotTestable("no valid request was answered with 200 and a readable JSON document")
    judge_instances(keyword, bodies, readers, expect)


@requirement("completion.media-type", "completion/*")
def test_the_media_type_is_json(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        declared = completion.answered.answer.header("content-type")
        media_type = (declared or "").split(";")[0].strip().lower()
        expect(
            media_type == "application/json",
            completion.id,
            expected="Content-Type: application/json",
            actual=f"Content-Type: {shown(declared)}" if declared else "no Content-Type",
        )


@requirement("completion.json", "completion/*")
def test_the_body_is_strict_json(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for answered in _successes(answers):
        expect.looked_at(answered.id)
        expect.deviations(answered.id, observations.completion_reading(answered.exchange).broke("completion.json"))


@requirement("completion.created-is-now", "completion/*")
def test_created_is_the_time_of_the_completion(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        created = completion.body.get("created")
        if not isinstance(created, (int, float)) or isinstance(created, bool):
            continue
        began = datetime.fromisoformat(completion.answered.exchange.started).timestamp()
        expect(
            math.isfinite(created) and abs(created - began) <= DAY,
            completion.id,
            expected=f"seconds since 1970, near {began:.0f}",
            actual=str(created),
        )


@requirement("completion.id-unique", "completion/*", "robustness/*")
def test_ids_are_unique(completions: Sequence[Completion], expect: Expect) -> None:
    first: dict[str, str] = {}
    for completion in completions:
        given = completion.body.get("id")
        if expect(
            isinstance(given, str) and given != "",
            completion.id,
            expected="a non-empty string as id",
            actual=shown(given) if "id" in completion.body else "no id",
        ):
            other = first.setdefault(str(given), completion.id)
            expect(
                other == completion.id,
                completion.id,
                expected="an id of its own",
                actual=f"{shown(given)}, which {other} has too",
            )


@requirement("completion.model-named", "completion/*")
def test_the_model_is_named(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        model = completion.body.get("model")
        expect(
            isinstance(model, str) and model.strip() != "",
            completion.id,
            expected="the model's name",
            actual=shown(model) if "model" in completion.body else "no model",
        )


@requirement("completion.choices", "completion/*", "request.n.*")
def test_there_are_as_many_choices_as_were_asked_for(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        count = completion.answered.asked("n") or 1
        indexes = [choice.get("index") for choice in completion.choices]
        expect(
            sorted(indexes, key=str) == sorted(range(count), key=str),
            completion.id,
            expected=f"{count} choice(s), with the indexes 0 to {count - 1}",
            actual=f"{len(indexes)} choice(s), with the indexes {shown(indexes)}",
        )


@requirement("completion.content-key", "completion/*")
def test_each_message_has_the_key_content(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for choice in completion.choices:
            message = choice.get("message")
            expect(
                isinstance(message, dict) and "content" in message,
                completion.id,
                expected="a message with the key content",
                actual=f"message: {shown(message)}",
            )


@requirement("completion.max-tokens", "completion/*")
def test_the_token_limit_is_kept(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        limit = completion.answered.asked("max_tokens") or completion.answered.asked("max_completion_tokens")
        used = completion.usage("completion_tokens")
        if limit is None or used is None:
            continue
        allowed = limit * (completion.answered.asked("n") or 1)
        expect(
            used <= allowed,
            completion.id,
            expected=f"at most {allowed} completion token{'s'[: allowed != 1]}",
            actual=f"{used} completion tokens",
        )


@requirement("completion.finish-reason-length", "completion/one-token")
def test_a_completion_that_was_cut_says_so(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for choice in completion.choices:
            if completion.texts and not "".join(completion.texts) and choice.get("finish_reason") == "stop":
                raise CannotTell("the model ended before its first token, so the limit was not reached")
            expect(
                choice.get("finish_reason") == "length",
                completion.id,
                expected='"finish_reason": "length" for a long answer that is limited to one token',
                actual=f'"finish_reason": {shown(choice.get("finish_reason"))}',
            )


@requirement("completion.stop", "completion/stop")
def test_a_stop_sequence_ends_the_text(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        stops: list[str] = completion.answered.asked("stop")
        for choice, text in zip(completion.choices, completion.texts, strict=False):
            expect(
                not any(stop in text for stop in stops),
                completion.id,
                expected=f"a text without the stop sequence {shown(stops)}",
                actual=f"the text {shown(text)}",
            )
            limit = completion.answered.asked("max_tokens") or math.inf
            if (completion.usage("completion_tokens") or math.inf) < limit:
                expect(
                    choice.get("finish_reason") == "stop",
                    completion.id,
                    expected='"finish_reason": "stop" for a text that ended before its limit',
                    actual=f'"finish_reason": {shown(choice.get("finish_reason"))}',
                )


@requirement("completion.usage-sum", "completion/*")
def test_the_usage_adds_up(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        prompt, own, total = (completion.usage(f"{name}_tokens") for name in ("prompt", "completion", "total"))
        if prompt is None or own is None or total is None:
            continue
        expect(
            min(prompt, own, total) >= 0 and total == prompt + own,
            completion.id,
            expected="prompt_tokens + completion_tokens = total_tokens, none negative",
            actual=f"{prompt} + {own} and {total}",
        )


@requirement("completion.usage-counted", "completion/*")
def test_the_usage_counts_what_was_used(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        prompt, own = completion.usage("prompt_tokens"), completion.usage("completion_tokens")
        if prompt is not None:
            expect(prompt > 0, completion.id, expected="more than 0 prompt tokens", actual=str(prompt))
        if own is not None and "".join(completion.texts):
            expect(own > 0, completion.id, expected="more than 0 completion tokens for a text", actual=str(own))


@requirement("completion.usage-grows", "completion/plain", "completion/long-prompt")
def test_a_longer_prompt_costs_more(completions: Sequence[Completion], expect: Expect) -> None:
    prompts = {one.answered.probe.name: one for one in completions if one.usage("prompt_tokens") is not None}
    if len(prompts) < 2:
        raise CannotTell("only one of the two answers counts its prompt tokens")
    short, long = (prompts[name].usage("prompt_tokens") or 0 for name in ("completion/plain", "completion/long-prompt"))
    expect(
        long > short,
        prompts["completion/long-prompt"].id,
        expected=f"more than the {short} prompt tokens of a short prompt",
        actual=str(long),
    )


@requirement("completion.logprobs", "completion/logprobs")
def test_log_probabilities_are_listed(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for answered in answers:
        if answered.answer.status in {400, 422}:
            raise DoesNotApply(
                f"{answered.id}: the target refuses to give log probabilities ({answered.answer.status})"
            )
    for completion in observations.usable([one.probe for one in answers], observations.completion):
        for choice in completion.choices:
            logprobs = choice.get("logprobs")
            content = logprobs.get("content") if isinstance(logprobs, dict) else None
            expect(
                isinstance(content, list) and all(isinstance(entry, dict) and "token" in entry for entry in content),
                completion.id,
                expected="choices[].logprobs.content, a list with one entry a token",
                actual=f"logprobs: {shown(logprobs)}",
            )


@requirement("completion.stream-declined", "completion/plain", "completion/stream-false")
def test_without_stream_the_answer_is_one_document(answers: Sequence[Answered], expect: Expect) -> None:
    for answered in _successes(answers):
        declared = (answered.answer.header("content-type") or "").lower()
        framed = "text/event-stream" in declared or answered.answer.body.lstrip().startswith(b"data:")
        expect(not framed, answered.id, expected="one JSON document", actual="an event stream")


@requirement("completion.default-model", "completion/default-model")
def test_the_model_may_be_left_out(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    for answered in answers:
        expect(
            observations.served(answered),
            answered.id,
            expected="a completion by the default model",
            actual=status_of(answered),
        )


@requirement("completion.text-intact", "completion/multibyte")
def test_text_is_not_damaged(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for text in completion.texts:
            # A limit may cut a character that is spelled in several tokens: only what stands before the end counts.
            expect(
                REPLACEMENT not in text.rstrip(REPLACEMENT),
                completion.id,
                expected="text without replacement characters (U+FFFD)",
                actual=shown(text),
            )


def _successes(answers: Sequence[Answered]) -> list[Answered]:
    successes = [answered for answered in answers if answered.answer.status == 200]
    if not successes:
        raise NotTestable("no valid request was answered with 200")
    return successes
