"""Six allowed variations of calls, structured output and reasoning; nobody may be accused for one."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from held_out import Body, HeldOut, generating
from parts_of_calls import RewritingProvider, calls_in, rows, tapped

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_completion, build_events
from conformance.reference.errors import Refusal
from conformance.reference.generation import Call, Finish, Increments, Thinking
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Piece, Provider, Thought
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens

_LEAST_THOUGHT = 10
"""Tokens of reasoning of a model that always thinks."""
_NOT_IN_SUBSET = frozenset(
    {"allOf", "oneOf", "not", "if", "dependentRequired", "dependentSchemas", "patternProperties"}
)


async def _named_says_stop(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    is_named = "function" in _mapping(request.further.get("tool_choice"))
    async for increment in increments:
        if is_named and isinstance(increment, Finish) and increment.reason == "tool_calls":
            yield replace(increment, reason="stop")
        else:
            yield increment


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text_before_calls(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    yield from (piece for piece in pieces if isinstance(piece, Thought))
    if calls_in(pieces) and not request.response_format:
        yield from split_tokens("Let me look that up for you.")
    yield from (piece for piece in pieces if not isinstance(piece, Thought))


def _always_thinking(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    thoughts = [piece for piece in pieces if isinstance(piece, Thought)]
    if request.effort != "none":
        yield from [Thought(" hm")] * max(_LEAST_THOUGHT, len(thoughts))
    yield from (piece for piece in pieces if not isinstance(piece, Thought))


async def _whole_with_reasoning(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> dict[str, Any]:
    thoughts: list[Thinking] = []
    body = await build_completion(dialect, outline, request, tapped(increments, thoughts))
    for choice in body["choices"]:
        text = "".join(thought.text for thought in thoughts if thought.choice == choice["index"])
        choice["message"]["reasoning_content"] = text
    return body


async def _streamed_with_reasoning(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    thoughts: list[Thinking] = []
    async with aclosing(build_events(dialect, outline, request, tapped(increments, thoughts))) as events:
        async for event in events:
            while thoughts and isinstance(event, Mapping):
                yield {**event, "choices": [_delta_of(thoughts.pop(0))]}
            yield event


def _delta_of(thought: Thinking) -> dict[str, Any]:
    delta = {"content": None, "reasoning_content": thought.text}
    return {"index": thought.choice, "delta": delta, "logprobs": None, "finish_reason": None}


async def _calls_at_once(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    del request
    held: dict[tuple[int, int], Call] = {}
    async for increment in increments:
        if isinstance(increment, Call):
            which = increment.choice, increment.piece.index
            before = held.get(which)
            held[which] = increment if before is None else _joined(before, increment)
            continue
        if isinstance(increment, Finish):
            for which in sorted(one for one in held if one[0] == increment.choice):
                yield _written_anew(held.pop(which))
        yield increment


def _joined(before: Call, more: Call) -> Call:
    return replace(before, piece=replace(before.piece, text=before.piece.text + more.piece.text))


def _written_anew(call: Call) -> Call:
    try:
        text = json.dumps(json.loads(call.piece.text), separators=(",", ":"))
    except ValueError:  # cut by the limit, or the input of a custom tool
        return call
    return replace(call, piece=replace(call.piece, text=text)) if call.piece.kind == "function" else call


def _checking(check: Any) -> Hooks:
    """Refuses some valid requests, with a clear sentence."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        check(request, body)
        return request

    return Hooks(Stages(interpret=stage))


def _word_needed(request: CompletionRequest, _: Body) -> None:
    said = " ".join(message.text for message in request.messages).lower()
    if request.response_format.get("type") == "json_object" and "json" not in said:
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        raise Refusal(400, "invalid_value", text, param="messages")


def _subset_only(_: CompletionRequest, body: Body) -> None:
    written = _mapping(_mapping(body.get("response_format")).get("json_schema"))
    if written.get("strict") is True and not _in_subset(written.get("schema"), is_root=True):
        raise _outside("response_format", "response_format")
    for number, tool in enumerate(rows(body.get("tools"))):
        function = _mapping(tool.get("function"))
        if function.get("strict") is True and not _in_subset(function.get("parameters", {}), is_root=True):
            raise _outside("function", f"tools[{number}].function.parameters")


def _outside(what: str, param: str) -> Refusal:
    text = f"Invalid schema for {what}: in strict mode each object needs 'additionalProperties': false and all of its "
    text += "properties in 'required', and only a subset of JSON Schema is supported."
    return Refusal(400, "invalid_json_schema", text, param=param)


def _in_subset(schema: Any, *, is_root: bool = False) -> bool:
    if not isinstance(schema, Mapping):
        return False
    if not schema and is_root:  # a function without parameters
        return True
    if (is_root and schema.get("type") != "object") or _NOT_IN_SUBSET & schema.keys():
        return False
    properties = _mapping(schema.get("properties"))
    if schema.get("type") == "object" or "properties" in schema:
        is_closed = schema.get("additionalProperties") is False
        if not is_closed or set(schema.get("required", ())) != set(properties):
            return False
    return all(map(_in_subset, _inner(schema, properties)))


def _inner(schema: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[Any]:
    yield from properties.values()
    yield from _mapping(schema.get("$defs")).values()
    yield from schema.get("anyOf", ())
    if "items" in schema:
        yield schema["items"]


CALL_VARIATIONS: tuple[HeldOut, ...] = (
    HeldOut(
        "allowed.named-says-stop",
        "allowed",
        "Where a function is chosen by name, its call ends with `stop`, as OpenAI's own does.",
        lambda: generating(_named_says_stop),
        seen=("vllm#25054",),
    ),
    HeldOut(
        "allowed.text-before-calls",
        "allowed",
        "A message with calls has text as well, which comes before them in streams.",
        Hooks,
        provider=lambda: RewritingProvider(_text_before_calls),
    ),
    HeldOut(
        "allowed.always-reasons",
        "allowed",
        "The model always thinks first, unless the effort is `none`: ten tokens that count and are shown as "
        "`reasoning_content`, so that a small limit leaves no text and says `length`.",
        lambda: Hooks(Stages(build_completion=_whole_with_reasoning, build_events=_streamed_with_reasoning)),
        provider=lambda: RewritingProvider(_always_thinking),
    ),
    HeldOut(
        "allowed.calls-at-once",
        "allowed",
        "A call comes whole in one delta, once it is read and written anew: without spaces, and with `\\u` escapes.",
        lambda: generating(_calls_at_once),
    ),
    HeldOut(
        "allowed.word-json-needed",
        "allowed",
        "`json_object` is refused with 400 unless a message has the word JSON, as OpenAI does.",
        lambda: _checking(_word_needed),
    ),
    HeldOut(
        "allowed.strict-subset",
        "allowed",
        "A strict schema outside of the subset that OpenAI documents is refused with 400.",
        lambda: _checking(_subset_only),
    ),
)
