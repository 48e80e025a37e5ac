"""Reasoning: where it stands, how much of it is asked for, and what is handed back of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from conformance.probes import Intent, Probe
from conformance.quoting import quoted
from conformance.reading.answer_text import leaked_reasoning
from conformance.suite.answer_judging import CLIENT_ERRORS, expect_served_or_refused
from conformance.suite.answered_choices import SeenAnswer, SeenChoice, choices_in, seen_answer
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations

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


@requirement("reasoning.effort", "reasoning/effort-*")
def test_each_effort_is_served_or_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)


@requirement("reasoning.effort-none", "reasoning/effort-*")
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


@requirement("reasoning.handed-back", "reasoning/handed-back-*")
def test_reasoning_is_taken_back(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    expect_served_or_refused(answers, observations, expect, CLIENT_ERRORS)
