"""Answers whose length is left to the model, or whose prompt is long; and what a usage says of limits and prompts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from conformance.probes import Probe
from conformance.probes.long_answers import LARGE_LIMIT, LONG_AGAIN, LONG_STREAM, LONG_WHOLE, NO_LIMIT, WITHIN_LIMIT
from conformance.quoting import quoted
from conformance.suite.answered_choices import SeenChoice, choices_in, prompt_tokens, seen_answers
from conformance.suite.expect import SERVED, STREAM_SERVED, DoesNotApply, Expect, NotTestable
from conformance.suite.limits import judged_limit, least_used
from conformance.suite.marks import requirement
from conformance.suite.needless import long_has_one_text
from conformance.suite.observations import Completion, Observations, Stream

_MORE = 8
"""Characters, white space apart, by which one answer must be longer than another before that says anything."""
_FAR_BEYOND = 600
"""Characters: more than twice as many as the thirty words have that are asked for, with room for a preface."""


@requirement("completion.no-limit", NO_LIMIT, "completion/limit-null", "stream/no-limit")
def test_without_a_limit_an_answer_ends_by_itself(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    going_on: str | None = None
    for choice in choices_in(seen_answers(probes, observations, expect, SERVED)):
        if choice.finish_reason == "length" and _goes_on(choice):
            going_on = going_on or choice.id
            continue
        expect.looked_at(choice.id)
        if choice.finish_reason == "length":
            expected = "an answer that ends by itself, since the request sets no limit"
            expect(False, choice.id, expected=expected, actual=f"`length` after {quoted(choice.text or '')}")
        elif not _says_something(choice):
            actual = f"none, and the finish_reason {quoted(choice.finish_reason)}"
            expect(False, choice.id, expected="a text, since the request sets no limit", actual=actual)
    if going_on is not None and not expect.judged:
        raise DoesNotApply(f"{going_on}: the model goes on far beyond what was asked for, until a limit ends it")


@requirement(
    "completion.no-hidden-cap",
    *(NO_LIMIT, LARGE_LIMIT, WITHIN_LIMIT, LONG_WHOLE, LONG_STREAM, LONG_AGAIN),
    *("completion/uncapped", "completion/uncapped-again", "completion/generous"),
)
def test_no_hidden_limit_ends_an_answer(
    completions: Sequence[Completion], observations: Observations, expect: Expect
) -> None:
    large = [observations.completion(one) for one in observations.answers(observations.matching([LARGE_LIMIT]))[0]]
    with_large = [*completions, *(one for one in large if isinstance(one, Completion))]
    seen = {one.answered.probe.name: one for one in with_large}
    uncapped = ("completion/uncapped", "completion/uncapped-again")
    if long_has_one_text(observations) or _repeats_itself(LONG_WHOLE, LONG_AGAIN, seen):
        _expect_all_of_it((NO_LIMIT,), WITHIN_LIMIT if WITHIN_LIMIT in seen else LARGE_LIMIT, seen, expect)
    if _repeats_itself(*uncapped, seen):
        _expect_all_of_it(uncapped, "completion/generous", seen, expect)
    if not expect.judged:
        raise DoesNotApply("the target does not give the same request the same text twice")


def _repeats_itself(first: str, second: str, seen: Mapping[str, Completion]) -> bool:
    """Whether two answers to one request have the same text."""
    if first not in seen or second not in seen:
        return False
    return _packed(seen[first]) == _packed(seen[second]) != ""


def _expect_all_of_it(names: Iterable[str], generous: str, seen: Mapping[str, Completion], expect: Expect) -> None:
    """Expect no answer without a limit to be the beginning of the one with a limit that is not reached."""
    if generous not in seen or not all(name in seen for name in names):
        return
    whole = _packed(seen[generous])
    for one in (seen[name] for name in names):
        expect.looked_at(one.id)
        text, ended = _packed(one), {choice.get("finish_reason") for choice in one.choices}
        if text and ended == {"stop"} and whole.startswith(text) and len(whole) - len(text) >= _MORE:
            expected = (
                f"the {len(whole)} characters of text of {seen[generous].id}, white space not counted, or `length`"
            )
            expect(False, one.id, expected=expected, actual=f"its first {len(text)}, and `stop`")


@requirement("stream.long-prompt", "stream/long-prompt")
def test_a_long_prompt_has_an_answer(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for choice in choices_in(seen_answers(probes, observations, expect, STREAM_SERVED)):
        expect.looked_at(choice.id)
        if choice.finish_reason == "stop" and not _says_something(choice):
            expect(False, choice.id, expected="a text, as to a short prompt", actual="none, and `stop`")


@requirement("stream.limit-reached", "stream/*")
def test_length_means_that_the_limit_was_reached(streams: Sequence[Stream], expect: Expect) -> None:
    for stream in streams:
        choices, limit = stream.reading.choices.values(), judged_limit(stream.answered.sent)
        used = (stream.reading.usage or {}).get("completion_tokens")
        if limit is None or type(used) is not int or any(one.finish_reason != "length" for one in choices):
            continue
        shows_reasoning = any(one.reasoning for one in choices)
        least = least_used(limit, len(choices), shows_reasoning=shows_reasoning)
        each = "the choice ends" if len(choices) == 1 else f"each of the {len(choices)} choices ends"
        expected = f"at least {least} completion tokens, since {each} with `length` at a limit of {limit}"
        expect(used >= least, stream.id, expected=expected, actual=f"{used}, by the stream's own usage")
    if not expect.judged and not any(stream.reading.chunks for stream in streams):
        why = f"{streams[0].id}: the answer to a request for a stream has no readable chunk"
        raise NotTestable(why, streams[0].id, because="stream.not-empty")
    if not expect.judged:
        raise DoesNotApply("no stream with a usage was cut at its limit")


@requirement(
    "completion.usage-prompt-once",
    *("completion/two-choices", "completion/long-answer", "completion/one-token"),
)
def test_the_prompt_counts_once(observations: Observations, expect: Expect) -> None:
    (several, count), (first, one), (second, other) = prompt_tokens(
        observations, expect, "completion/two-choices", "completion/long-answer", "completion/one-token"
    )
    if one != other:
        raise DoesNotApply(f"{first} and {second} have the same messages and not the same count of prompt tokens")
    expected = f"{one} prompt tokens, as in {first} with the same messages and one choice"
    expect(count == one, several, expected=expected, actual=str(count))


def _goes_on(choice: SeenChoice) -> bool:
    """Whether a text is so much longer than what was asked for that the model does not end it, whatever the limit."""
    return len(choice.text or "") > _FAR_BEYOND


def _says_something(choice: SeenChoice) -> bool:
    """Whether a choice that ended by itself has a text, or what may stand in its place."""
    return bool(choice.text or choice.calls or choice.refusal) or choice.finish_reason != "stop"


def _packed(completion: Completion) -> str:
    return "".join("".join(completion.texts).split())
