"""Reasoning: where it stands, how much of it is asked for, and what is handed back of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from conformance.probes import Intent, Probe
from conformance.probes.agent_requests import NONE
from conformance.quoting import quoted
from conformance.reading.answer_text import leaked_reasoning
from conformance.suite.answer_judging import CLIENT_ERRORS, expect_served_or_refused
from conformance.suite.answered_choices import SeenAnswer, SeenChoice, choices_in, seen_answer
from conformance.suite.combined_requests import decisive
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations
from conformance.suite.reasoning_pairs import FEWEST_PAIRS, thinking_pairs

EVERY = ("completion/*", "stream/*", "tools/*", "structured/*", "reasoning/*")


@requirement("reasoning.apart", *EVERY)
def test_the_text_of_answers_has_no_reasoning(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _judge_apart((one for one in probes if not one.asks_for_stream), observations, expect)


@requirement("reasoning.apart-streamed", *EVERY)
def test_the_text_of_streams_has_no_reasoning(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _judge_apart((one for one in probes if one.asks_for_stream), observations, expect)


def _judge_apart(probes: Iterable[Probe], observations: Observations, expect: Expect) -> None:
    for choice in choices_in(list(_served(probes, observations))):
        found = leaked_reasoning(choice.text or "")
        is_quoted = found is not None and found.encode() in choice.answered.exchange.request.body
        actual = f"{quoted(found or '')} in the text {quoted(choice.text or '')}"
        holds = found is None or is_quoted
        expect(holds, choice.id, expected="a text without marks of reasoning", actual=actual)
    if not expect.judged:
        raise DoesNotApply("no answer of this form has a text")


def _served(probes: Iterable[Probe], observations: Observations) -> Iterator[SeenAnswer]:
    """The answers to valid requests that were served."""
    answered, _ = observations.answers(probe for probe in probes if probe.intent is not Intent.REFUSED)
    found = (seen_answer(one, observations) for one in answered if one.answer.status == 200)
    return (one for one in found if isinstance(one, SeenAnswer))


@requirement("reasoning.effort", "reasoning/effort-*", NONE, f"{NONE}-streamed")
def test_each_effort_is_served_or_refused(
    probes: Sequence[Probe], answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    told = {probe.name for probe in decisive(probes, observations)}
    own = [one for one in answers if one.probe.name in told and one.requested("reasoning_effort") is not None]
    if not own and expect.lacking is None:
        raise DoesNotApply("no request with an effort is known to be one that the target takes")
    expect_served_or_refused(own, observations, expect, CLIENT_ERRORS)


@requirement("reasoning.effort-none", "reasoning/effort-*", NONE)
def test_no_effort_is_no_reasoning(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    by_effort = {one.answered.requested("reasoning_effort"): one for one in _served(probes, observations)}
    none = by_effort.pop("none", None)
    if none is None:
        raise DoesNotApply("the target does not serve the effort `none`")
    if not any(_thinks(one) for one in by_effort.values()):
        raise DoesNotApply("no effort shows reasoning")
    actual = f"{none.detail('reasoning_tokens')} reasoning tokens; the reasoning {quoted(_reasoning(none))}"
    expect(not _thinks(none), none.answered.id, expected="no reasoning, and none counted", actual=actual)


def _thinks(answer: SeenAnswer) -> bool:
    return bool(_reasoning(answer) or answer.detail("reasoning_tokens"))


def _reasoning(answer: SeenAnswer) -> str:
    return "".join(choice.reasoning for choice in answer.choices)


@requirement("reasoning.same-member", *EVERY)
def test_reasoning_stands_in_one_member(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    with_reasoning = [one for one in choices_in(list(_served(probes, observations))) if one.reasoning_members]
    whole, streamed = _members(with_reasoning, streamed=False), _members(with_reasoning, streamed=True)
    if not whole or not streamed:
        raise DoesNotApply("reasoning is not shown both in whole answers and in streams")
    actual = f"{_listed(whole)} in whole answers, {_listed(streamed)} in streams"
    expect(bool(whole & streamed), with_reasoning[-1].id, expected="one member for reasoning", actual=actual)


def _members(choices: Iterable[SeenChoice], *, streamed: bool) -> frozenset[str]:
    return frozenset(name for one in choices if one.is_streamed is streamed for name in one.reasoning_members)


def _listed(names: Iterable[str]) -> str:
    return " and ".join(f"`{name}`" for name in sorted(names))


@requirement("reasoning.counted", *EVERY)
def test_reasoning_is_counted(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for answer in _served(probes, observations):
        counted = answer.detail("reasoning_tokens")
        if _reasoning(answer) and counted is not None:
            actual = f"{counted} reasoning tokens beside the reasoning {quoted(_reasoning(answer))}"
            expect(counted > 0, answer.answered.id, expected="reasoning tokens in the usage", actual=actual)
    if not expect.judged:
        raise DoesNotApply("no answer shows reasoning beside a usage with details")


@requirement("reasoning.details-streamed", *EVERY)
def test_no_detail_of_a_streams_usage_is_more_than_the_whole(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    for answer in _served((one for one in probes if one.asks_for_stream), observations):
        whole, thought = answer.tokens("completion_tokens"), answer.detail("reasoning_tokens")
        if whole is not None and thought is not None:
            expected = f"reasoning tokens between 0 and the {whole} completion tokens that they are a part of"
            expect(0 <= thought <= whole, answer.answered.id, expected=expected, actual=str(thought))
    if not expect.judged:
        raise DoesNotApply("no usage of a stream has details")


@requirement("reasoning.counted-alike", *EVERY)
def test_streams_count_reasoning_as_whole_answers_do(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    pairs = thinking_pairs(_served(probes, observations))
    if len(pairs) < FEWEST_PAIRS:
        raise DoesNotApply("too few requests were answered with reasoning that is counted, whole and as a stream")
    uncounted = all(pair.is_uncounted for pair in pairs)
    left_out = [pair.lacks_reasoning for pair in pairs if pair.says_the_same]
    for pair in pairs:
        expected = f"reasoning tokens counted as in {pair.whole.answered.id}, in the details and in completion_tokens"
        # A model may think less at times, and one text may have more tokens than another time, but not always.
        holds = not (uncounted or (len(left_out) >= FEWEST_PAIRS and all(left_out)))
        expect(holds, pair.stream.answered.id, expected=expected, actual=pair.figures)


@requirement("reasoning.handed-back", "reasoning/handed-back-*")
def test_reasoning_is_taken_back(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)
