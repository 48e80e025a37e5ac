"""The turns after a call, mistakes with tools, and what only a model decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.probes import Probe
from conformance.probes.call_histories import HISTORY, LONG_RESULT, SHAPE
from conformance.probes.content_parts import REMOTE
from conformance.probes.tools import REQUIRED
from conformance.quoting import quoted
from conformance.reading.tool_calls import ToolCall
from conformance.suite.answer_judging import CLIENT_ERRORS, expect_status, judge_served
from conformance.suite.answered_choices import SeenChoice, prompt_tokens
from conformance.suite.call_judging import (
    arguments_of,
    due_choices,
    misfit,
    require_tools,
    schema_of,
    tool_names,
    without_refusals,
)
from conformance.suite.combined_requests import broken_together, decisive
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.limits import declared_too_long
from conformance.suite.marks import requirement
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import AUTOMATIC
from conformance.suite.refusals import refuses_automatic_choice, refuses_reasoning
from conformance.suite.shape_judging import judge_shapes
from conformance.suite.shares import share_in_words

SURFACE = ("tools/*", "structured/*", "reasoning/*", "parts/*")
NAMES = ("tools/name-outside-pattern", "tools/name-too-long")


@requirement("tools.second-turn", HISTORY, "tools/second-turn", "tools/second-turn-long-result")
def test_the_turn_after_a_call_is_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_turn(probes, observations, expect)


@requirement(
    "tools.second-turn-streamed", f"{HISTORY}-streamed", "tools/second-turn-streamed", "tools/second-round-streamed"
)
def test_the_turn_after_a_call_is_streamed(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_turn(probes, observations, expect)


@requirement("tools.second-turn-contents", HISTORY, "tools/second-turn-*-content")
def test_any_content_beside_a_call_is_taken_back(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _judge_turn(probes, observations, expect)


@requirement("tools.second-turn-results", HISTORY, "tools/second-turn-result-parts", "tools/second-turn-two-calls")
def test_results_in_parts_and_of_two_calls_are_taken(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _judge_turn(probes, observations, expect)


@requirement("tools.second-turn-arguments", HISTORY, "tools/second-turn-odd-arguments")
def test_odd_arguments_are_taken_back(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_turn(probes, observations, expect)


@requirement("tools.later-turns", f"{HISTORY}-streamed", "tools/third-turn")
def test_the_conversation_goes_on(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_turn(probes, observations, expect)


def _judge_turn(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    require_tools(observations)
    taken = _taken_back(decisive(probes, observations), observations, expect)
    judge_served(taken, observations, expect, f"a completion for {taken[0].about}")


def _taken_back(probes: Sequence[Probe], observations: Observations, expect: Expect) -> list[Probe]:
    """The probes but those that hand reasoning back which the target does not take: no document has a member for it.

    Raises:
        DoesNotApply: all are refused for it.
    """
    return without_refusals(probes, observations, expect, refuses_reasoning, "reasoning handed back")


@requirement("tools.history-shapes", HISTORY, f"{HISTORY}-streamed", f"{SHAPE}*")
def test_histories_of_any_shape_are_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    require_tools(observations)
    own = [one for one in probes if not one.instead or _is_judged_whole(one, observations)]
    taken = _taken_back(own, observations, expect) if own else []
    if not taken:
        raise DoesNotApply("other requirements tell which of the conversations are not served")
    judge_shapes(taken, observations, expect)


def _is_judged_whole(probe: Probe, observations: Observations) -> bool:
    """Whether it is the combined request that tells: it is served, or only its parts are."""
    found = observations.outcome_of(probe)
    served = isinstance(found, Answered) and observations.served(found)
    return served or broken_together(probe, observations)


@requirement("tools.result-read", REQUIRED, HISTORY, "tools/second-turn", "tools/second-turn-long-result")
def test_the_result_is_read(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    require_tools(observations)
    turns = [probe for probe in decisive(probes, observations) if probe.name != REQUIRED]
    _taken_back(turns, observations, expect)
    before = REQUIRED if any(probe.name == HISTORY for probe in turns) else "tools/second-turn"
    after = HISTORY if before == REQUIRED else "tools/second-turn-long-result"
    short, longer = prompt_tokens(observations, expect, before, after)
    # A word of plain English is a token at least; the rest of the history has fewer tokens than one of its results.
    words = 2 * len(LONG_RESULT.split()) if after == HISTORY else 0
    least = short[1] + 1 + int(0.85 * words)
    actual = f"{longer[1]} prompt tokens, and {short[1]} without these results"
    expected = f"at least {least} prompt tokens with {'two long results' if words else 'a longer result'}"
    expect(longer[1] >= least, longer[0], expected=expected, actual=actual)


@requirement("tools.result-without-call", "tools/result-without-call", "tools/result-without-call-streamed")
def test_a_result_without_its_call_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.result-of-unknown-call", "tools/result-of-unknown-call")
def test_a_result_of_an_unknown_call_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.choice-without-tools", "tools/choice-without-tools")
def test_a_choice_without_tools_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.choice-of-unknown", "tools/choice-of-unknown", "tools/choice-of-unknown-streamed")
def test_the_choice_of_an_unknown_function_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.broken-schema", "tools/broken-schema", "tools/broken-schema-streamed")
def test_broken_parameters_are_refused(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.too-many", "tools/too-many")
def test_too_many_tools_are_refused(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    if any(declared_too_long(one.sent, one.answer.status, one.answer.body) for one in answers):
        raise DoesNotApply(f"{answers[0].id}: so many tools are more than the model can read")
    _judge_mistake(answers, observations, expect)


@requirement("tools.most", "tools/most")
def test_the_most_tools_are_served(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_turn(probes, observations, expect)


@requirement("tools.nameless", "tools/nameless", "tools/nameless-streamed")
def test_a_function_without_a_name_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


@requirement("tools.name-form", *NAMES)
def test_a_name_outside_its_form_is_refused(
    answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    _judge_mistake(answers, observations, expect)


def _judge_mistake(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    require_tools(observations)
    telling = [one for one in answers if not _refuses_automatic_choice(one)]
    if answers and not telling:
        why = f"{answers[0].id}: the target refuses it as it takes no automatic choice of tools"
        raise DoesNotApply(why, lacks=AUTOMATIC)
    expect_status(telling, CLIENT_ERRORS, expect)


def _refuses_automatic_choice(one: Answered) -> bool:
    return refuses_automatic_choice(one.sent, one.answer.status, one.answer.body)


@requirement("tools.trial-json", "tools/auto*", f"{HISTORY}-streamed")
def test_arguments_of_the_models_own_calls_are_json(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    calls = _trials(probes, observations, expect)
    _tell(calls, expect, "calls have arguments that are JSON", lambda _, call: arguments_of(call)[1])


@requirement("tools.trial-name", "tools/auto*", f"{HISTORY}-streamed")
def test_names_of_the_models_own_calls_are_known(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    calls = _trials(probes, observations, expect)
    _tell(calls, expect, "calls have the name of a tool that was given", _unknown_name)


@requirement("tools.trial-fit", "tools/auto*", f"{HISTORY}-streamed")
def test_arguments_of_the_models_own_calls_fit(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    calls = [(one, call) for one, call in _trials(probes, observations, expect) if arguments_of(call)[1] is None]
    known = [(one, call) for one, call in calls if schema_of(one.answered.sent, call.name) is not None]
    if not known:
        raise DoesNotApply("no call that the model made of its own accord can be compared with a schema")
    _tell(known, expect, "calls have arguments that fit their schema", _misfit)


def _trials(probes: Sequence[Probe], observations: Observations, expect: Expect) -> list[tuple[SeenChoice, ToolCall]]:
    """The calls that the model made where it was left to it.

    Raises:
        DoesNotApply: it made none; and as `due_choices`.
    """
    every = due_choices(probes, observations, expect)
    choices = [choice for choice in every if not choice.was_cut]
    calls = [(choice, call) for choice in choices for call in choice.calls if choice.finish_reason is not None]
    if not calls:
        cut = len(every) - len(choices)
        of = f"{len(every)} trial{'s' if len(every) > 1 else ''}{f'; a limit cut {cut}' if cut else ''}"
        raise DoesNotApply(f"the model made no whole call of its own accord in {of}")
    return calls


def _tell(
    calls: Sequence[tuple[SeenChoice, ToolCall]],
    expect: Expect,
    what: str,
    problem: Callable[[SeenChoice, ToolCall], str | None],
) -> None:
    """Tell how many of these calls have no problem, and show those that have one."""
    problems = [(choice, problem(choice, call)) for choice, call in calls]
    for choice, found in problems:
        expect(found is None, choice.id, expected=f"one of the {what}", actual=found or "")
    good = sum(found is None for _, found in problems)
    expect.notes.append(share_in_words(good, len(problems), what))


def _unknown_name(choice: SeenChoice, call: ToolCall) -> str | None:
    return None if call.name in tool_names(choice.answered.sent) else f"the name {quoted(call.name)}"


def _misfit(choice: SeenChoice, call: ToolCall) -> str | None:
    schema = schema_of(choice.answered.sent, call.name)
    return None if schema is None else misfit(arguments_of(call)[0], schema)


@requirement("tools.no-server-error", *SURFACE)
def test_no_request_of_agents_breaks_the_server(answers: Sequence[Answered], expect: Expect) -> None:
    for one in answers:
        if one.probe.name != REMOTE:  # what is due where another server is asked in vain, another requirement says
            expect(one.answer.status < 500, one.id, expected="a completion or a 4xx refusal", actual=status_of(one))
