"""Judges calls of tools by what the request gave: names, forms and schemas of the tools, and the choice among them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from conformance.contract.validators import validator_for
from conformance.probes import Probe
from conformance.probes.tools import REQUIRED
from conformance.quoting import quoted
from conformance.reading import SchemaJudge
from conformance.reading.reasoning import leaked_call
from conformance.reading.tool_calls import ToolCall
from conformance.strict_json import JsonRule, parse
from conformance.suite.answered_choices import SeenChoice, choices_in, seen_answers
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotTestable
from conformance.suite.observations import Answered, Observations

DEMANDED = "tools.required"
"""What blocks the judgement of calls where there are none."""
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
        ids = [choice.id for choice in choices]
        raise NotTestable(f"{ids[0] if ids else 'the run'}: no answer has a call", *ids, because=DEMANDED)
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


def judge_demanded(probes: Sequence[Probe], observations: Observations, expect: Expect, names: frozenset[str]) -> None:
    """Expect each choice of these answers to have a call, and with `names`, only of these functions.

    A refusal that does not say what is not supported breaks it, too.

    Raises:
        CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    try:
        choices = due_choices(probes, observations, expect)
    except NotTestable as obstacle:
        expected = "a call, or a refusal that names what is not supported"
        expect(False, next(iter(obstacle.exchanges), None), expected=expected, actual=str(obstacle))
        return
    wanted = f"a call of {' or '.join(sorted(names))}" if names else "a call"
    for choice in choices:
        called = [call.name for call in choice.calls]
        holds = bool(called) and (not names or all(name in names for name in called))
        if not called and choice.finish_reason in ("length", "content_filter"):
            expect.note(CannotTell(f"{choice.id}: the answer was cut ({choice.finish_reason}) before a call"))
            continue
        actual = f"calls of {quoted(called)}" if called else f"no call; the text {quoted(choice.text or '')}"
        expect(holds, choice.id, expected=wanted, actual=f"{actual}, finish_reason {quoted(choice.finish_reason)}")
    if not expect.judged:
        raise CannotTell(expect.notes[0] if expect.notes else "no answer decides this requirement")


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
    if not read.readable or any(fault.rule is JsonRule.ONE_DOCUMENT for fault in read.faults):
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
    """Expect the arguments of a call to fit the schema that the request gives for its function.

    Raises:
        DoesNotApply: the request gives none.
    """
    schema = schema_of(answered.sent, call.name)
    value, problem = arguments_of(call)
    if problem is None:
        if schema is None:
            raise DoesNotApply(f"{answered.id}: there is no schema for {quoted(call.name)}")
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
