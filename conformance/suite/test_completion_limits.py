"""Completions: their limits, what ends them, and what they cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.probes.completions import (
    ONE_STOP_OF_CHOICES,
    SHORTEST,
    SMALLEST,
    STOP,
    STOP_AMID,
    STOP_LAST,
    STOP_OF_CHOICES,
    TWO_CHOICES,
)
from conformance.probes.delivery import STOPPED
from conformance.probes.reasoning import USED_UP
from conformance.quoting import quoted
from conformance.reading import fewest_tokens
from conformance.suite.answer_judging import planned
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.limits import judged_limit, least_used
from conformance.suite.marks import requirement
from conformance.suite.needless import STREAMED_STOPS
from conformance.suite.observations import Completion, Observations
from conformance.suite.used_up import expect_used_up_to_say_so, is_all_it_says

_NOT_SEVERAL = "no request with several stop sequences is served"
REASONING = ("reasoning_content", "reasoning")
"""The members of a message in which deployments show a model's reasoning."""


@requirement("completion.max-tokens", "completion/*")
def test_the_token_limit_is_kept(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        limit = _limit(completion)
        if limit is None:
            continue
        used = completion.usage("completion_tokens")
        if used is not None:
            allowed = limit * _choices(completion)
            actual = f"{used} completion tokens"
            expect(used <= allowed, completion.id, expected=f"at most {_tokens(allowed)}", actual=actual)
        # The usage may be wrong as well: a text that no tokenizer fits into so few tokens is too long in any case.
        for text in completion.texts:
            expect(
                fewest_tokens(text) <= limit,
                completion.id,
                expected=f"a text of at most {_tokens(limit)}",
                actual=f"{len(text)} characters, which no tokenizer fits into the limit: {quoted(text)}",
            )


@requirement("completion.limit-reached", "completion/*")
def test_length_means_that_the_limit_was_reached(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        limit, used = _limit(completion), completion.usage("completion_tokens")
        if limit is None or used is None or not _all_cut(completion):
            continue
        count = len(completion.choices)
        least = least_used(limit, count, shows_reasoning=any(map(_reasoning, completion.choices)))
        each = "the choice ends" if count == 1 else f"each of the {count} choices ends"
        expect(
            used >= least,
            completion.id,
            expected=f"at least {_tokens(least)}, since {each} with `length` at a limit of {_tokens(limit)}",
            actual=f"{used} completion tokens{'' if count == 1 else ' in all'}",
        )
    if completions and not expect.judged:
        raise DoesNotApply("no answer with a usage was cut by its limit")


@requirement("completion.finish-reason-length", SHORTEST, TWO_CHOICES, "completion/*", USED_UP)
def test_a_completion_that_was_cut_says_so(observations: Observations, expect: Expect) -> None:
    expect_used_up_to_say_so(observations, expect, streamed=False)
    probes = planned([SHORTEST, TWO_CHOICES], observations)
    for completion in observations.usable(probes, observations.completion):
        if completion.answered.probe.name == TWO_CHOICES:
            _expect_one_reason_for_one_text(completion, expect)
        else:
            _expect_length(completion, observations, expect)
    if not expect.judged:
        raise DoesNotApply("the model ended by itself, before the limit was reached")


def _expect_length(completion: Completion, observations: Observations, expect: Expect) -> None:
    """Expect a long answer to say that its small limit cut it, unless it is so short that it need not have."""
    for text, choice in zip(completion.texts, completion.choices, strict=False):
        stops = choice.get("finish_reason") == "stop"
        if stops and (_ended_before(completion) or is_all_it_says(completion.answered, text, observations)):
            continue
        expect(
            choice.get("finish_reason") in ("length", "content_filter"),
            completion.id,
            expected='"finish_reason": "length" for a long answer that is cut after its first tokens',
            actual=f'"finish_reason": {quoted(choice.get("finish_reason"))}',
        )


def _expect_one_reason_for_one_text(completion: Completion, expect: Expect) -> None:
    """Expect choices with the same text to have ended alike, where the limit has cut one of them."""
    ends = [
        (text, choice.get("finish_reason")) for text, choice in zip(completion.texts, completion.choices, strict=False)
    ]
    cut = {text for text, reason in ends if reason == "length"}
    for text, reason in ends:
        if text in cut:
            expected = f'"finish_reason": "length" for each choice with the text {quoted(text)}, which the limit cut'
            expect(reason == "length", completion.id, expected=expected, actual=quoted(reason))


@requirement("completion.stop", STOP, STOP_OF_CHOICES, ONE_STOP_OF_CHOICES, STOP_LAST)
def test_a_stop_sequence_ends_the_text(completions: Sequence[Completion], expect: Expect) -> None:
    alone = [one for one in completions if one.answered.probe.name == STOP_LAST]
    is_unread = any(map(_goes_on, alone))  # then two choices with these stop sequences say no more
    judged = (STOP, ONE_STOP_OF_CHOICES, *(() if is_unread else (STOP_OF_CHOICES,)))
    _judge_stops([one for one in completions if one.answered.probe.name in judged], expect)


@requirement("completion.stop-last", STOP, STOP_LAST, STOP_OF_CHOICES)
def test_the_last_stop_sequence_ends_the_text(completions: Sequence[Completion], expect: Expect) -> None:
    found = _one_of_many(completions, STOP_LAST) or _one_of_many(completions, STOP_OF_CHOICES)
    if not found:
        raise DoesNotApply(_NOT_SEVERAL)
    _judge_stops(found, expect)


@requirement("completion.stop-amid", STOP, STOP_OF_CHOICES, STOP_AMID, *STREAMED_STOPS)
def test_a_stop_sequence_amid_others_ends_the_text(
    completions: Sequence[Completion], observations: Observations, expect: Expect
) -> None:
    found = _one_of_many(completions, STOP_AMID)
    _judge_stops(found, expect)
    if not found and observations.unsent.get(STOP_AMID) == STOPPED:
        for one in observations.answers(observations.matching(STREAMED_STOPS))[0]:
            expect.looked_at(one.id)
    elif not found:
        raise DoesNotApply(_NOT_SEVERAL)


def _one_of_many(completions: Sequence[Completion], name: str) -> list[Completion]:
    """The completion of a request with several stop sequences, where one ends a text by itself.

    Raises:
        NotTestable: that one does not even end a text by itself.
    """
    first = next((one for one in completions if one.answered.probe.name == STOP), None)
    if first is not None and _goes_on(first):
        raise NotTestable(f"{first.id}: not even the only stop sequence ends the text", first.id)
    found = [one for one in completions if one.answered.probe.name == name]
    return [one for one in found if len(one.answered.requested("stop")) > 1]


def _goes_on(completion: Completion) -> bool:
    """Whether a text goes on behind one of its stop sequences."""
    return any(stop in text for stop in completion.answered.requested("stop") for text in completion.texts)


def _judge_stops(completions: Sequence[Completion], expect: Expect) -> None:
    """Expect a text to have none of its stop sequences, and to say that it ended by one where it did."""
    for completion in completions:
        stops: list[str] = completion.answered.requested("stop")
        for choice, text in zip(completion.choices, completion.texts, strict=False):
            expect(
                not any(stop in text for stop in stops),
                completion.id,
                expected=f"a text without the stop sequence {quoted(stops)}",
                actual=f"the text {quoted(text)}",
            )
            limit = _limit(completion) or math.inf
            if (completion.usage("completion_tokens") or math.inf) < limit:
                expect(
                    choice.get("finish_reason") in ("stop", "content_filter"),
                    completion.id,
                    expected='"finish_reason": "stop" for a text that ended before its limit',
                    actual=f'"finish_reason": {quoted(choice.get("finish_reason"))}',
                )


@requirement("completion.stop-in-text", STOP, STOP_OF_CHOICES, ONE_STOP_OF_CHOICES)
def test_a_stop_sequence_in_hidden_reasoning_ends_nothing(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        stops: list[str] = completion.answered.requested("stop")
        for choice in completion.choices:
            reasoning = _reasoning(choice)
            if not reasoning:
                continue
            vanished = choice.get("finish_reason") == "stop" and not _content(choice)
            expect(
                not vanished or any(stop in reasoning for stop in stops),
                completion.id,
                expected="a text after the reasoning: stop sequences apply to the text only",
                actual=f"no text, and reasoning that ends where the stop sequence would be: {quoted(reasoning)}",
            )
    if not expect.judged:
        raise DoesNotApply("no answer shows any reasoning")


@requirement("completion.usage-sum", "completion/*")
def test_the_usage_adds_up(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in _counting(completions):
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
    for completion in _counting(completions):
        prompt, own = completion.usage("prompt_tokens"), completion.usage("completion_tokens")
        if prompt is not None:
            expect(prompt > 0, completion.id, expected="more than 0 prompt tokens", actual=str(prompt))
        if own is not None and "".join(completion.texts):
            expect(own > 0, completion.id, expected="more than 0 completion tokens for a text", actual=str(own))


@requirement("completion.usage-grows", SMALLEST, "completion/long", "completion/long-prompt")
def test_a_longer_prompt_costs_more(completions: Sequence[Completion], expect: Expect) -> None:
    counting = [one for one in _counting(completions) if one.usage("prompt_tokens") is not None]
    short = next((one for one in counting if one.answered.probe.name == SMALLEST), None)
    if short is None or len(counting) < 2:
        raise CannotTell("only one of the answers counts its prompt tokens")
    tokens = short.usage("prompt_tokens") or 0
    for long in (one for one in counting if one is not short):
        cost = long.usage("prompt_tokens") or 0
        expected = f"more than the {tokens} prompt tokens of {short.id}, which is shorter"
        expect(cost > tokens, long.id, expected=expected, actual=str(cost))


@requirement(
    "completion.usage-follows-text",
    *("completion/one-token", "completion/other-limit", "completion/long-answer", "robustness/health"),
)
def test_a_longer_answer_costs_more(completions: Sequence[Completion], expect: Expect) -> None:
    cut = {one.answered.probe.name: one for one in _counting(completions) if _all_cut(one)}
    shortest = cut.pop("completion/one-token", None)
    if shortest is None or not cut:
        raise DoesNotApply("the answers were not cut at their limits, so it is not known which is longer")
    cost, least = shortest.usage("completion_tokens") or 0, _limit(shortest) or 0
    for completion in (one for one in cut.values() if (_limit(one) or 0) > least):
        expect(
            (completion.usage("completion_tokens") or 0) > cost,
            completion.id,
            expected=f"more than the {cost} completion tokens of {shortest.id}, which was cut after {least}",
            actual=str(completion.usage("completion_tokens")),
        )
    if not expect.judged:
        raise DoesNotApply(f"no answer was cut at a larger limit than {least}")


@requirement("completion.usage-details", "completion/*")
def test_no_detail_of_the_usage_is_more_than_the_whole(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in completions:
        for kind in ("prompt", "completion"):
            whole, usage = completion.usage(f"{kind}_tokens"), completion.body.get("usage")
            details = usage.get(f"{kind}_tokens_details") if isinstance(usage, Mapping) else None
            if whole is None or not isinstance(details, Mapping):
                continue
            for name, value in details.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    expect(
                        0 <= value <= whole,
                        completion.id,
                        expected=f"{quoted(name)} between 0 and the {whole} {kind} tokens that it is a part of",
                        actual=str(value),
                    )
    if not expect.judged:
        raise DoesNotApply("no usage has details")


@requirement("completion.usage-whole", "completion/*")
def test_tokens_are_counted_in_whole_numbers(completions: Sequence[Completion], expect: Expect) -> None:
    for completion in _counting(completions):
        for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
            value = completion.usage(name)
            if value is not None:
                whole = float(value).is_integer()
                expect(whole, completion.id, expected=f"a whole number of {name}", actual=str(value))


def _counting(completions: Sequence[Completion]) -> list[Completion]:
    """The completions with a usage; whether each must have one, and what must be in it, the schema says."""
    counting = [one for one in completions if isinstance(one.body.get("usage"), Mapping)]
    if not counting:
        raise DoesNotApply("no completion has a usage")
    return counting


def _limit(completion: Completion) -> int | None:
    """The token limit of each choice."""
    return judged_limit(completion.answered.sent)


def _choices(completion: Completion) -> int:
    return completion.answered.requested("n") or 1


def _ended_before(completion: Completion) -> bool:
    """Whether a completion is so short that its limit cannot have cut it."""
    used, limit = completion.usage("completion_tokens"), _limit(completion) or 1
    return (bool(completion.texts) and not "".join(completion.texts)) or (limit > 1 and (used or 0) < limit)


def _all_cut(completion: Completion) -> bool:
    """Whether every choice says that the limit ended it."""
    return {quoted(choice.get("finish_reason")) for choice in completion.choices} == {quoted("length")}


def _tokens(count: int) -> str:
    return f"{count} token{'s'[: count != 1]}"


def _content(choice: Mapping[str, Any]) -> Any:
    message = choice.get("message")
    return message.get("content") if isinstance(message, Mapping) else None


def _reasoning(choice: Mapping[str, Any]) -> str:
    """The reasoning that some deployments show beside the text."""
    message = choice.get("message")
    shown_apart = [message.get(name) for name in REASONING] if isinstance(message, Mapping) else []
    return next((text for text in shown_apart if isinstance(text, str) and text), "")
