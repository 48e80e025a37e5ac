"""Tool calls: what is due by construction, whatever the model says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from conformance.probes import Probe
from conformance.probes.agent_requests import AGENT, ALLOWED, NONE
from conformance.probes.call_histories import HISTORY, came_from_the_target
from conformance.probes.completions import SMALLEST
from conformance.probes.conversations import called_by
from conformance.quoting import quoted
from conformance.reading.tool_calls import ToolCall
from conformance.strict_json import parse
from conformance.suite.answered_choices import SeenAnswer, SeenChoice, choices_in, prompt_tokens, seen_answers
from conformance.suite.call_judging import (
    DEMANDED,
    arguments_of,
    call_in_text,
    calls_with_schema,
    due_calls,
    due_choices,
    is_cut_name,
    judge_demanded,
    judge_fit,
    tool_names,
    whole_calls,
    without_refusals,
)
from conformance.suite.combined_requests import decisive
from conformance.suite.complaint import REFUSED
from conformance.suite.cut_answers import judge_cut
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.marks import requirement
from conformance.suite.observations import Observations, Stream
from conformance.suite.refusals import refuses_this_choice, says_unsupported
from conformance.suite.stream_judging import judge_streams

REQUIRED = ("tools/required", AGENT, "tools/several", "tools/late", "tools/two-choices")
REQUIRED_STREAMED = tuple(f"{name}-streamed" for name in REQUIRED)
WHOLE = (*REQUIRED, "tools/named", ALLOWED, "tools/allowed", "tools/one-at-a-time")
STREAMED = tuple(f"{name}-streamed" for name in WHOLE)
SCHEMAS, SCHEMAS_STREAMED = "tools/schema/*", "tools/schema/*-streamed"
NO_CALL = (NONE, f"{NONE}-streamed", "tools/none", "tools/none-streamed")


@requirement("tools.required", *REQUIRED)
def test_a_demanded_call_is_made(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_demanded(probes, observations, expect)


@requirement("tools.required-streamed", *REQUIRED_STREAMED)
def test_a_demanded_call_is_made_in_a_stream(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_demanded(probes, observations, expect)


@requirement("tools.named", "tools/named")
def test_the_named_function_is_called(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_demanded(probes, observations, expect)


@requirement("tools.named-streamed", "tools/named-streamed")
def test_the_named_function_is_called_in_a_stream(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    judge_demanded(probes, observations, expect)


@requirement("tools.allowed", *(f"{name}{form}" for name in (ALLOWED, "tools/allowed") for form in ("", "-streamed")))
def test_only_allowed_functions_are_called(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    taken = without_refusals(probes, observations, expect, refuses_this_choice, "allowed tools")
    judge_demanded(taken, observations, expect)


@requirement("tools.none", *NO_CALL)
def test_without_a_choice_nothing_is_called(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    for choice in due_choices(probes, observations, expect):
        says = bool(choice.text) or choice.was_cut or bool(choice.refusal)
        actual = f"calls of {quoted([call.name for call in choice.calls])}, the text {quoted(choice.text or '')}"
        expect(says and not choice.calls, choice.id, expected="a text and no call", actual=actual)


@requirement(
    "tools.one-at-a-time", ALLOWED, f"{ALLOWED}-streamed", "tools/one-at-a-time", "tools/one-at-a-time-streamed"
)
def test_one_call_at_a_time(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    due_calls(probes, observations, expect)  # where nothing is called, nothing is limited
    for choice in due_choices(probes, observations, expect):
        names = [call.name for call in choice.calls]
        expect(len(names) <= 1, choice.id, expected="one call at most", actual=f"calls of {quoted(names)}")


@requirement("tools.known-name", *WHOLE, *STREAMED, "tools/schema/*")
def test_a_call_has_a_name_that_was_given(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for choice, call in due_calls(probes, observations, expect):
        names = tool_names(choice.answered.sent)
        if is_cut_name(choice, call, names):
            expect.note(CannotTell(f"{choice.id}: the call was cut ({choice.finish_reason})"))
            continue
        expected = f"the name of a tool of the request: {', '.join(sorted(names))}"
        expect(call.name in names, choice.id, expected=expected, actual=f"the name {quoted(call.name)}")


@requirement("tools.call-id", *WHOLE, *STREAMED, "tools/schema/*")
def test_a_call_has_an_id_of_its_own(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for choice in due_choices(probes, observations, expect):
        ids = [call.id for call in choice.calls]
        for number, given in enumerate(ids):
            holds = bool(given) and given not in ids[:number]
            expect(holds, choice.id, expected="an id of its own, not empty", actual=f"the id {quoted(given)}")
    if not expect.judged:
        raise NotTestable("no answer has a call", because=DEMANDED)


@requirement("tools.call-id-of-its-turn", AGENT, f"{AGENT}-streamed")
def test_a_call_has_no_id_of_an_earlier_turn(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    for choice in due_choices(decisive(probes, observations), observations, expect):
        handed_back = [one for message in choice.answered.requested("messages") for one in called_by(message)]
        earlier = frozenset(filter(came_from_the_target, handed_back))
        for call in choice.calls if earlier else ():
            expected = "an id that no call of an earlier turn has"
            expect(call.id not in earlier, choice.id, expected=expected, actual=f"the id {quoted(call.id)} again")
    if not expect.judged:
        raise DoesNotApply("no answer with a call follows a turn with a call of this target")


@requirement("tools.finish-reason", *WHOLE)
def test_a_whole_answer_with_a_call_says_so(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    _judge_reason(probes, observations, expect)


@requirement("tools.finish-reason-streamed", *STREAMED)
def test_a_stream_with_a_call_says_so(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_reason(probes, observations, expect)


def _judge_reason(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    due_calls(probes, observations, expect)
    for choice in due_choices(probes, observations, expect):
        if not choice.calls:
            continue
        if choice.was_cut or choice.finish_reason is None:
            continue
        choice_of = choice.answered.requested("tool_choice")
        reasons = {"tool_calls"} if choice_of == "required" else {"tool_calls", "stop"}
        actual = f"{quoted(choice.finish_reason)} beside calls of {quoted([call.name for call in choice.calls])}"
        expect(choice.finish_reason in reasons, choice.id, expected=" or ".join(sorted(reasons)), actual=actual)
    if not expect.judged:
        raise CannotTell("no answer with a call finished by itself")


@requirement("tools.finish-without-calls", *WHOLE, *STREAMED, *NO_CALL, "tools/auto*", f"{HISTORY}-streamed")
def test_no_answer_speaks_of_calls_that_it_does_not_have(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    for choice in due_choices(probes, observations, expect):
        holds = choice.finish_reason != "tool_calls" or bool(choice.calls)
        expect(holds, choice.id, expected="a call where the finish_reason is tool_calls", actual="no call")


@requirement("tools.strict", SCHEMAS)
def test_a_strict_call_fits_its_schema(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for choice, call in calls_with_schema(whole_calls(_whole(probes), observations, expect)):
        judge_fit(choice.answered, call, expect)


@requirement("tools.strict-streamed", SCHEMAS_STREAMED)
def test_a_strict_call_in_a_stream_fits_its_schema(
    probes: Sequence[Probe], observations: Observations, expect: Expect
) -> None:
    for choice, call in calls_with_schema(whole_calls(probes, observations, expect)):
        judge_fit(choice.answered, call, expect)


@requirement("tools.arguments-json", *WHOLE, "tools/no-parameters")
def test_arguments_are_json(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_json(whole_calls(probes, observations, expect), expect)


@requirement("tools.arguments-json-streamed", *STREAMED, "tools/no-parameters-streamed")
def test_arguments_in_a_stream_are_json(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_json(whole_calls(probes, observations, expect), expect)


def _judge_json(calls: Sequence[tuple[SeenChoice, ToolCall]], expect: Expect) -> None:
    for choice, call in calls:
        _, problem = arguments_of(call)
        expect(problem is None, choice.id, expected="arguments that are one JSON object", actual=problem or "")


@requirement("tools.arguments-fit", *WHOLE, *STREAMED)
def test_arguments_fit_their_schema(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    fitting = [(choice, call) for choice, call in whole_calls(probes, observations, expect) if _is_readable(call)]
    if not fitting:
        raise NotTestable("no call has arguments that are JSON", because="tools.arguments-json")
    for choice, call in calls_with_schema(fitting):
        judge_fit(choice.answered, call, expect)


def _is_readable(call: ToolCall) -> bool:
    return arguments_of(call)[1] is None


@requirement("tools.text-apart", *WHOLE, "tools/schema/*")
def test_the_text_of_an_answer_has_no_call(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_apart(due_choices(_whole(probes), observations, expect), expect)


@requirement("tools.text-apart-streamed", *STREAMED, SCHEMAS_STREAMED)
def test_the_text_of_a_stream_has_no_call(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    _judge_apart(due_choices(probes, observations, expect), expect)


def _judge_apart(choices: Sequence[SeenChoice], expect: Expect) -> None:
    for choice in choices:
        if choice.was_cut:  # what a limit cut cannot be taken out of the text as a call
            expect.note(CannotTell(f"{choice.id}: the answer was cut ({choice.finish_reason})"))
            continue
        found = call_in_text(choice)
        actual = f"{quoted(found or '')} in the text {quoted(choice.text or '')}"
        expect(found is None, choice.id, expected="a text without anything of a call", actual=actual)


@requirement("tools.stream-index", "stream/*", "tools/*-streamed")
def test_deltas_of_a_call_have_its_index(streams: Sequence[Stream], expect: Expect) -> None:
    _judge_call_streams(streams, expect)


@requirement("tools.stream-opening", "stream/*", "tools/*-streamed")
def test_a_call_begins_with_its_id_and_name(streams: Sequence[Stream], expect: Expect) -> None:
    _judge_call_streams(streams, expect)


@requirement("tools.stream-later-deltas", "stream/*", "tools/*-streamed")
def test_later_deltas_have_arguments_alone(streams: Sequence[Stream], expect: Expect) -> None:
    _judge_call_streams(streams, expect)


@requirement("tools.stream-several", "stream/*", "tools/*-streamed")
def test_calls_of_a_stream_do_not_mix(streams: Sequence[Stream], expect: Expect) -> None:
    _judge_call_streams(streams, expect)


def _judge_call_streams(streams: Sequence[Stream], expect: Expect) -> None:
    """Judge the streams that have calls.

    Raises:
        DoesNotApply: no stream has what the requirement is about; and as `judge_streams`.
    """
    if not any(stream.answered.requested("tools") for stream in streams):
        raise DoesNotApply("no request with tools was answered with a stream")
    judge_streams(streams, expect)


@requirement("tools.usage-counted", *WHOLE, *STREAMED)
def test_calls_are_counted(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    for answer in _with_calls(seen_answers(probes, observations, expect, DEMANDED)):
        counted = answer.tokens("completion_tokens")
        if counted is not None:
            actual = f"{counted} completion tokens beside a call"
            expect(counted > 0, answer.answered.id, expected="completion tokens for the call", actual=actual)
    if not expect.judged:
        raise DoesNotApply("no answer with a call has a usage")


def _with_calls(answers: Sequence[SeenAnswer]) -> Iterator[SeenAnswer]:
    return (one for one in answers if any(choice.calls for choice in one.choices))


@requirement("tools.definitions-counted", "tools/named", SMALLEST)
def test_definitions_of_tools_are_read(observations: Observations, expect: Expect) -> None:
    plain, with_tools = prompt_tokens(observations, expect, SMALLEST, "tools/named")
    actual = f"{with_tools[1]} prompt tokens, and {plain[1]} of the same question without tools"
    expect(with_tools[1] > plain[1], with_tools[0], expected="more prompt tokens with two tools", actual=actual)


@requirement("tools.cut", "tools/cut", "tools/cut-streamed")
def test_a_call_that_was_cut_says_so(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    judge_cut(probes, observations, expect, _is_cut_call, DEMANDED)


def _is_cut_call(choice: SeenChoice) -> bool:
    return bool(choice.calls) and not parse(choice.calls[-1].input or "").is_one_document


@requirement("tools.custom", "tools/custom")
def test_a_custom_tool_is_called(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    taken = without_refusals(probes, observations, expect, _lacks_custom_tools, "custom tools")
    for choice in choices_in(seen_answers(taken, observations, expect, DEMANDED)):
        holds = any(call.kind == "custom" and call.name and call.input is not None for call in choice.calls)
        shown = [(call.kind, call.name, call.input) for call in choice.calls]
        expect(holds or choice.was_cut, choice.id, expected="a custom call with an input", actual=quoted(shown))


def _lacks_custom_tools(_: Any, status: int, body: bytes) -> bool:
    """Whether the target refuses a custom tool; one that names what it lacks with a 5xx lacks it, too."""
    return status in {*REFUSED, 404} or (status >= 500 and says_unsupported(body))


def _whole(probes: Sequence[Probe]) -> list[Probe]:
    return [probe for probe in probes if not probe.asks_for_stream]
