"""Judges calls of tools by what the request gave: names, forms and schemas of the tools, and the choice among them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.contract.validators import validator_for
from conformance.probes import Probe
from conformance.probes.tools import REQUIRED
from conformance.quoting import quoted
from conformance.reading import SchemaJudge
from conformance.reading.answer_text import leaked_call
from conformance.reading.tool_calls import ToolCall
from conformance.strict_json import parse
from conformance.suite.answered_choices import SeenChoice, choices_in, seen_answers
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.observations import Answered, Observations, status_of

DEMANDED = "tools.required"
"""What blocks the judgement of calls where there are none."""
NAMED = "tools.named"
"""The same, where the requests name a function."""
KNOWN = "tools.known-name"
"""What blocks the judgement of arguments where a call is of no tool that was given."""
_FENCE = re.compile(r"^```\w*\s*|\s*```$")
_KEYS_OF_A_CALL = frozenset({"arguments", "parameters", "tool_calls", "function", "function_call"})


def due_choices(probes: Iterable[Probe], observations: Observations, expect: Expect) -> list[SeenChoice]:
    """The choices of the answers to requests that demand a call; see `seen_answers`."""
    return choices_in(seen_answers(probes, observations, expect, DEMANDED))


def due_calls(probes: Iterable[Probe], observations: Observations, expect: Expect) -> list[tuple[SeenChoice, ToolCall]]:
    """The calls in these answers, each with its choice.

    Raises:
        NotTestable: there is none; and as `seen_answers`.
    """
    choices = due_choices(probes, observations, expect)
    calls = [(choice, call) for choice in choices for call in choice.calls]
    if not calls:
        first = next(iter(choices), None)
        if first is None:
            raise NotTestable("the run: no answer has a call", because=DEMANDED)
        demand = NAMED if isinstance(first.answered.requested("tool_choice"), Mapping) else DEMANDED
        because = f"{demand}-streamed" if first.is_streamed else demand
        raise NotTestable(f"{first.id}: no answer has a call", because=because)
    return calls


def whole_calls(
    probes: Iterable[Probe], observations: Observations, expect: Expect
) -> list[tuple[SeenChoice, ToolCall]]:
    """The calls whose arguments came to their end.

    Raises:
        CannotTell: a limit cut all of them; and as `due_calls`.
    """
    calls = due_calls(probes, observations, expect)
    whole = [(choice, call) for choice, call in calls if not choice.was_cut and choice.finish_reason is not None]
    if not whole:
        choice = calls[0][0]
        if choice.finish_reason is None:
            raise NotTestable(f"{choice.id}: the stream did not finish", choice.id, because="stream.finish-once")
        raise CannotTell(f"{choice.id}: the call was cut ({choice.finish_reason}); raise the limit of tokens")
    return whole


def judge_demanded(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect each choice of these answers to have a call, and only of the functions that its request demands.

    A refusal that does not say what is not supported breaks it, too.

    Raises:
        CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
        NotTestable: no stream finished, so that a call may have been to come.
    """
    try:
        choices = due_choices(probes, observations, expect)
    except NotTestable as obstacle:
        expected = "a call, or a 4xx refusal that names what is not supported"
        answered = next((one for one in observations.answers(probes)[0] if not observations.served(one)), None)
        at = answered.id if answered is not None else next(iter(obstacle.exchanges), None)
        actual = status_of(answered) if answered is not None and answered.answer.status != 200 else str(obstacle)
        expect(False, at, expected=expected, actual=actual)
        return
    unfinished = None
    for choice in choices:
        names = _demanded(choice.answered.sent)
        wanted = f"a call of {' or '.join(sorted(names))}" if names else "a call"
        called = [call.name for call in choice.calls if not is_cut_name(choice, call, names)]
        holds = bool(called) and (not names or all(name in names for name in called))
        if not called and choice.was_cut:
            where = "in its first call" if choice.calls else "before a call"
            expect.note(CannotTell(f"{choice.id}: the answer was cut ({choice.finish_reason}) {where}"))
            continue
        if not called and choice.is_streamed and choice.finish_reason is None:
            unfinished = choice.id
            continue
        actual = f"calls of {quoted(called)}" if called else f"no call; the text {quoted(choice.text or '')}"
        expect(holds, choice.id, expected=wanted, actual=f"{actual}, finish_reason {quoted(choice.finish_reason)}")
    if not expect.judged and unfinished is not None:
        raise NotTestable(f"{unfinished}: the stream did not finish", unfinished, because="stream.finish-once")
    if not expect.judged:
        raise CannotTell(expect.notes[0] if expect.notes else "no answer decides this requirement")


def is_cut_name(choice: SeenChoice, call: ToolCall, names: frozenset[str]) -> bool:
    """Whether a limit may have cut a call in the middle of one of these names."""
    given = call.name or ""
    return choice.may_have_cut(call) and given not in names and any(name.startswith(given) for name in names)


def calls_with_schema(calls: Sequence[tuple[SeenChoice, ToolCall]]) -> list[tuple[SeenChoice, ToolCall]]:
    """Those of the calls whose function has a schema in the request.

    Raises:
        NotTestable: none has, for none is of a tool that was given.
        DoesNotApply: none has, for the request gives none.
    """
    found = [(one, call) for one, call in calls if schema_of(one.answered.sent, call.name) is not None]
    if not found and calls:
        choice, call = calls[0]
        if call.name in tool_names(choice.answered.sent):
            raise DoesNotApply(f"{choice.id}: there is no schema for {quoted(call.name)}")
        raise NotTestable(f"{choice.id}: no tool was given with the name {quoted(call.name)}", because=KNOWN)
    return found


def require_tools(observations: Observations) -> None:
    """Require that the target takes tools: otherwise the refusal of a mistake with them means nothing.

    Raises:
        NotTestable, CannotTell, DoesNotApply, NotSent: it does not, or that is not known.
    """
    probes = observations.matching([REQUIRED])
    if not probes:
        raise observations.none_planned([REQUIRED], "this run does not ask for a call")
    answered, obstacles = observations.due(probes)
    for one in answered:
        if not observations.served(one):
            raise NotTestable(f"{one.id}: a valid request with tools is not served", one.id, because=DEMANDED)
        return
    raise obstacles[0]


def without_refusals(
    probes: Sequence[Probe],
    observations: Observations,
    expect: Expect,
    is_refusal: Callable[[Any, int, bytes], bool],
    lacks: str,
) -> list[Probe]:
    """The probes but those whose refusal says that the target lacks what they ask for.

    Raises:
        DoesNotApply: all are refused.
    """
    refused: dict[str, DoesNotApply] = {}
    for one in observations.answers(probes)[0]:
        if is_refusal(one.sent, one.answer.status, one.answer.body):
            why = f"{one.id}: the target refuses {one.probe.about} ({one.answer.status})"
            refused[one.probe.name] = DoesNotApply(why, lacks=lacks)
            expect.note(refused[one.probe.name])
    if refused and len(refused) == len(probes):
        raise next(iter(refused.values()))
    return [probe for probe in probes if probe.name not in refused]


def _demanded(sent: Any) -> frozenset[str]:
    """The names of the tools that the choice of a request names; none where any tool may be called."""
    choice = sent.get("tool_choice") if isinstance(sent, Mapping) else None
    if not isinstance(choice, Mapping):
        return frozenset()
    allowed = choice.get("allowed_tools")
    named = allowed.get("tools") if isinstance(allowed, Mapping) else [choice]
    return tool_names({"tools": named})


def tool_names(sent: Any) -> frozenset[str]:
    """The names of the tools that a request gives."""
    return frozenset(name for name, _ in _tools(sent))


def schema_of(sent: Any, name: str | None) -> Mapping[str, Any] | None:
    """The schema of a function's parameters as a request gives it, None where it gives none."""
    return next((schema for known, schema in _tools(sent) if known == name), None)


def _tools(sent: Any) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    tools = sent.get("tools") if isinstance(sent, Mapping) else None
    for tool in tools if isinstance(tools, list) else ():
        for kind in ("function", "custom"):
            held = tool.get(kind) if isinstance(tool, Mapping) else None
            if isinstance(held, Mapping) and isinstance(held.get("name"), str):
                yield held["name"], held.get("parameters")


def arguments_of(call: ToolCall) -> tuple[Any, str | None]:
    """The value of a call's arguments, and what is wrong with them: that they are not one JSON object."""
    if call.input is None:
        return None, "no arguments"
    if not call.is_whole:
        return None, f"arguments of {call.length} characters, more than are read"
    read = parse(call.input)
    if not read.is_one_document:
        return None, f"arguments that are not JSON: {quoted(call.input)}"
    if isinstance(read.value, str):
        return read.value, f"arguments that are a JSON text, as if encoded twice: {quoted(call.input)}"
    if not isinstance(read.value, dict):
        return read.value, f"arguments that are not a JSON object: {quoted(call.input)}"
    return read.value, None


def misfit(value: Any, schema: Mapping[str, Any]) -> str | None:
    """How a value departs from a schema, None where it fits."""
    if validator_for(schema)(value):
        return None
    found = next(iter(SchemaJudge(schema).deviations(value)), None)
    shown = quoted(json.dumps(value, ensure_ascii=False))
    return f"{shown}, where {found.instance_path or 'the whole'} is {found.actual}" if found is not None else shown


def judge_fit(answered: Answered, call: ToolCall, expect: Expect) -> None:
    """Expect the arguments of a call to fit the schema that the request gives for its function."""
    schema = schema_of(answered.sent, call.name)
    value, problem = arguments_of(call)
    if problem is None and schema is not None:
        problem = misfit(value, schema)
    actual = problem or quoted(call.input)
    expect(
        problem is None, answered.id, expected=f"arguments that fit the schema of {quoted(call.name)}", actual=actual
    )


def call_in_text(choice: SeenChoice) -> str | None:
    """What of a call stands in the text of a choice, None where there is nothing of it."""
    text = choice.text or ""
    tag = leaked_call(text)
    if tag is not None and tag.encode() not in choice.answered.exchange.request.body:
        return tag
    for name in tool_names(choice.answered.sent):
        found = re.search(rf'"(?:name|function|tool)"\s*:\s*"{re.escape(name)}"', text)
        if found is not None:
            return found[0]
    read = parse(_FENCE.sub("", text.strip()))
    if not read.readable or not read.value:
        return None
    inputs = [arguments_of(call)[0] for call in choice.calls]
    entry = read.value[0] if isinstance(read.value, list) else read.value
    if read.value in inputs or (isinstance(entry, dict) and entry.keys() & _KEYS_OF_A_CALL):
        return text
    return None
