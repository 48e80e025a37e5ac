"""Faults in calls of tools: whole and streamed, how they finish, which are chosen, and several in one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from held_out import Body, EventEdit, HeldOut, events_stage, generating, reading, whole_stage
from parts_of_calls import RewritingProvider, calls_in, editing_call_deltas, named_choice, thinks

from conformance.reference.generation import Call, Finish, Increments
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CallPiece, CompletionRequest, Ended, Piece, Provider, Thought
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens
from conformance.reference.tool_fields import read_tools

_BUFFER = 1_024
"""Characters of arguments that a parser of streams keeps."""
_BASIC_PLANE = 0xFFFF


# --- call: calls of whole answers and streams alike ---


def _leaking(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    calls = calls_in(pieces)
    if not calls or not thinks(request):
        yield from pieces
        return
    yield from (piece for piece in pieces if isinstance(piece, Thought))
    for name, text in calls:
        head = json.dumps({"name": name})[:-1]
        yield from split_tokens(f'<tool_call>\n{head}, "arguments": {text}}}\n</tool_call>\n')
    yield Ended("stop")


def _empty_arguments(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    bare = {tool.name for tool in request.tools if tool.kind == "function" and not tool.parameters.get("properties")}
    names = {piece.index: piece.name for piece in pieces if isinstance(piece, CallPiece) and piece.name}
    for piece in pieces:
        is_input = isinstance(piece, CallPiece) and piece.name is None
        if not (is_input and isinstance(piece, CallPiece) and names.get(piece.index) in bare):
            yield piece


# --- delta: calls in streams ---


def _cut_at_buffer() -> EventEdit:
    sent: dict[tuple[int, int], int] = {}

    def edit(call: dict[str, Any], choice: dict[str, Any]) -> None:
        held = call.get("function") or {}
        if held.get("arguments"):
            which = choice["index"], call["index"]
            before = sent.get(which, 0)
            sent[which] = before + len(held["arguments"])
            held["arguments"] = held["arguments"][: max(0, _BUFFER - before)]

    return editing_call_deltas(edit)


def _calls_of_first_choice() -> EventEdit:
    def edit(_: dict[str, Any], choice: dict[str, Any]) -> None:
        choice["index"] = 0

    return editing_call_deltas(edit)


def _broken_characters() -> EventEdit:
    def edit(call: dict[str, Any], _: dict[str, Any]) -> None:
        held = call.get("function") or {}
        if held.get("arguments"):
            characters = ("\ufffd\ufffd" if ord(one) > _BASIC_PLANE else one for one in held["arguments"])
            held["arguments"] = "".join(characters)

    return editing_call_deltas(edit)


def _input_under_first() -> EventEdit:
    def edit(call: dict[str, Any], _: dict[str, Any]) -> None:
        if "id" not in call:
            call["index"] = 0

    return editing_call_deltas(edit)


# --- finish: why a choice with calls ended ---


async def _cut_call_is_complete(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    del request
    calling: set[int] = set()
    async for increment in increments:
        if isinstance(increment, Call):
            calling.add(increment.choice)
        if isinstance(increment, Finish) and increment.reason == "length" and increment.choice in calling:
            yield replace(increment, reason="tool_calls")
        else:
            yield increment


# --- choice: the forms of tool_choice ---


def _schema_of_first() -> Hooks:
    """Where a function is chosen by name, its arguments are made from the schema of the first tool."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        listed = read_tools(body)
        if not named_choice(body) or not listed or listed[0].kind != "function":
            return request
        return replace(request, tools=tuple(replace(tool, parameters=listed[0].parameters) for tool in request.tools))

    return Hooks(Stages(interpret=stage))


def _none_is_auto(body: Body) -> Body:
    if body.get("stream") is True and body.get("tool_choice") == "none":
        return {**body, "tool_choice": "auto"}
    return body


# --- parallel: several calls in one answer ---


def _one_id(body: dict[str, Any], _: CompletionRequest) -> None:
    for choice in body["choices"]:
        calls = choice["message"].get("tool_calls", [])
        for call in calls:
            call["id"] = calls[0]["id"]


CALL_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "call.text-with-effort",
        "call",
        "Where `reasoning_effort` is asked for, calls stand as `<tool_call>` in the text alone, with `stop`.",
        Hooks,
        seen=("omlx#2565",),
        provider=lambda: RewritingProvider(_leaking),
    ),
    HeldOut(
        "call.empty-arguments",
        "call",
        "The arguments of a function without parameters are an empty string, which is no JSON.",
        Hooks,
        seen=("vercel/ai#6687",),
        provider=lambda: RewritingProvider(_empty_arguments),
    ),
    HeldOut(
        "delta.long-arguments-cut",
        "delta",
        "In streams what follows the first 1,024 characters of a call's arguments is lost.",
        lambda: Hooks(Stages(build_events=events_stage(_cut_at_buffer))),
        seen=("vllm#15274",),
    ),
    HeldOut(
        "delta.choices-mixed",
        "delta",
        "In streams with `n` above 1 the deltas of all calls are said to be of the first choice.",
        lambda: Hooks(Stages(build_events=events_stage(_calls_of_first_choice))),
        seen=("litellm#3276",),
    ),
    HeldOut(
        "delta.broken-characters",
        "delta",
        "In streams a character of arguments beyond the basic plane, as an emoji, comes as two U+FFFD.",
        lambda: Hooks(Stages(build_events=events_stage(_broken_characters))),
        seen=("lucebox#641",),
    ),
    HeldOut(
        "delta.input-under-first",
        "delta",
        "In streams each call opens under its own index, but the arguments of all come under index 0.",
        lambda: Hooks(Stages(build_events=events_stage(_input_under_first))),
        seen=("dynamo#4723",),
    ),
    HeldOut(
        "finish.cut-call-complete",
        "finish",
        "A call that the token limit cuts ends with `tool_calls` instead of `length`, so that clients parse a half.",
        lambda: generating(_cut_call_is_complete),
        seen=("LocalAI#3533",),
    ),
    HeldOut(
        "choice.schema-of-first",
        "choice",
        "The arguments of a function that is chosen by name are made from the schema of the first tool.",
        _schema_of_first,
    ),
    HeldOut(
        "choice.none-streamed",
        "choice",
        "In streams `tool_choice: none` is taken as `auto`.",
        lambda: reading(_none_is_auto),
        seen=("Rapid-MLX#445",),
    ),
    HeldOut(
        "parallel.one-id",
        "parallel",
        "In whole answers all calls of a message have the id of the first; in streams each has its own.",
        lambda: Hooks(Stages(build_completion=whole_stage(_one_id))),
        seen=("nanobot#4059",),
    ),
)
