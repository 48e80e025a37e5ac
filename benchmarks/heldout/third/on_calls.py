"""Faults of the third set in tools, structured output, parts beside text, and reasoning."""

from __future__ import annotations

import dataclasses
from typing import Any

from held_out import Body, EventEdit, HeldOut, events_stage, generating, reading
from second.parts import editing, refusing
from third.parts import between, changed_contents, leaving_out, named_schema, parts_of

from conformance.reference.errors import Refusal
from conformance.reference.generation import Call, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Provider, Tools
from conformance.reference.stages import Stages

_EFFORTS = ("low", "medium", "high", "xhigh")


# --- tools ---


def _cut_calls() -> EventEdit:
    """Ends each choice of a stream with `tool_calls` in which a call has begun, cut or not."""
    calling: set[int] = set()

    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        for choice in event["choices"]:
            if choice["delta"].get("tool_calls"):
                calling.add(choice["index"])
            if choice["finish_reason"] == "length" and choice["index"] in calling:
                choice["finish_reason"] = "tool_calls"

    return edit


async def _nothing_for_no_arguments(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    bare = {tool.name for tool in request.tools if tool.kind == "function" and not tool.parameters.get("properties")}
    silent: set[tuple[int, int]] = set()
    async for increment in usual:
        if isinstance(increment, Call):
            call = (increment.choice, increment.piece.index)
            if increment.piece.name in bare:
                silent.add(call)
            elif call in silent:
                continue
        yield increment


def _calls_in(body: dict[str, Any]) -> list[dict[str, Any]]:
    held = [choice.get("message") or choice["delta"] for choice in body["choices"]]
    return [call for one in held for call in one.get("tool_calls") or ()]


def _prefix(body: dict[str, Any], _request: CompletionRequest) -> None:
    for call in _calls_in(body):
        named = call.get(call.get("type", "function"))
        if named and named.get("name"):
            named["name"] = f"proxy_{named['name']}"


def _ids_of_the_turn(body: dict[str, Any], _request: CompletionRequest) -> None:
    for place, call in enumerate(_calls_in(body)):
        if call.get("id"):
            call["id"] = f"{call[call['type']]['name']}:{call.get('index', place)}"


async def _held_for_a_call(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Holds a streamed text that looks like a call, and forgets it when it is none."""
    held: dict[int, bool] = {}
    async for increment in usual:
        if isinstance(increment, Text) and request.stream and request.tools:
            begins = increment.text.lstrip().startswith("{")
            if held.setdefault(increment.choice, begins):
                continue
        yield increment


def _no_calls_beside_schema() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        if named_schema(request) is None:
            return request
        return dataclasses.replace(request, tools=(), tool_use=Tools.NONE)

    return Hooks(Stages(interpret=stage))


# --- structured output ---


def _only_schemas(_operation: Any, body: Body) -> Refusal | None:
    form = body.get("response_format")
    if form is None or form["type"] == "json_schema":
        return None
    message = "'response_format.type' must be 'json_schema'"
    return Refusal(400, "invalid_value", message, param="response_format.type")


async def _name_first(provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    name = (named_schema(request) or "").partition("_")[0] if request.stream else ""
    async for increment in between(provider, request, usual, name, ""):
        yield increment


async def _array_on_demand(provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Writes an array where JSON is asked for by form, and an array in words."""
    said = " ".join(message.text for message in request.messages if message.role == "user").lower()
    wanted = request.response_format.get("type") == "json_object" and ("[" in said or "array" in said)
    around = ("[", "]") if wanted and request.stream else ("", "")
    async for increment in between(provider, request, usual, *around):
        yield increment


# --- parts and reasoning ---


def _no_empty_parts(_operation: Any, body: Body) -> Refusal | None:
    empty = any(part.get("type") == "text" and not part.get("text") for part in parts_of(body))
    message = "messages: text content blocks must be non-empty"
    return Refusal(400, "invalid_value", message, param="messages") if empty else None


def _last_picture(parts: list[Any]) -> list[Any]:
    pictures = [part for part in parts if part.get("type") == "image_url"]
    return [part for part in parts if part.get("type") != "image_url" or part is pictures[-1]]


def _without_limit(body: Body) -> Body:
    return leaving_out(body, "max_completion_tokens") if body.get("reasoning_effort") in _EFFORTS else body


CALL_FAULTS = (
    HeldOut(
        "call.cut-and-called",
        "call",
        "A streamed call that the token limit cuts ends with `tool_calls`, a whole one with `length`.",
        lambda: Hooks(Stages(build_events=events_stage(_cut_calls))),
        ("vllm-project/vllm#46303",),
    ),
    HeldOut(
        "call.no-arguments",
        "call",
        "The call of a function without parameters has the empty string as its arguments.",
        lambda: generating(_nothing_for_no_arguments),
        ("sigoden/aichat#1217", "elastic/kibana#207943"),
    ),
    HeldOut(
        "call.prefixed-names",
        "call",
        "Calls name their tool with a prefix that the request does not have.",
        lambda: editing(_prefix, lambda: _prefix),
        ("diegosouzapw/OmniRoute#605",),
    ),
    HeldOut(
        "call.ids-of-the-turn",
        "call",
        "The id of a call is its tool's name with its place in the answer, so that it comes again in the next turn.",
        lambda: editing(_ids_of_the_turn, lambda: _ids_of_the_turn),
        ("vllm-project/vllm#50295", "fw-ai/fireconnect#16"),
    ),
    HeldOut(
        "call.braces-swallowed",
        "call",
        "With tools, a streamed text that begins with a brace and calls nothing is left out altogether.",
        lambda: generating(_held_for_a_call),
        ("smg-project/smg#2271", "smg-project/smg#2262"),
    ),
    HeldOut(
        "call.never-beside-a-schema",
        "call",
        "With a schema for the text no tool is called, even where a call is required.",
        _no_calls_beside_schema,
        ("ollama/ollama#11037", "ggml-org/llama.cpp#25454"),
    ),
    HeldOut(
        "form.only-schemas",
        "form",
        "`response_format` of type `text` or `json_object` is refused: it must be `json_schema`.",
        lambda: Hooks(Stages(interpret=refusing(_only_schemas))),
        ("lmstudio-ai/lmstudio-bug-tracker#169", "lmstudio-ai/lmstudio-bug-tracker#307"),
    ),
    HeldOut(
        "form.name-first",
        "form",
        "A streamed answer to a schema begins with the first word of the schema's name.",
        lambda: generating(_name_first),
        ("Avarok-Cybersecurity/atlas#131",),
    ),
    HeldOut(
        "form.array-on-demand",
        "form",
        "A stream of form `json_object` is an array where the prompt speaks of one.",
        lambda: generating(_array_on_demand),
        ("waybarrios/vllm-mlx#635",),
    ),
    HeldOut(
        "part.empty-text",
        "part",
        "An empty text part beside others is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_no_empty_parts))),
        ("HKUDS/nanobot#949", "anthropics/claude-code#59812"),
    ),
    HeldOut(
        "part.last-picture",
        "part",
        "Of several pictures in a message only the last reaches the model, and only it is counted.",
        lambda: reading(lambda body: changed_contents(body, _last_picture)),
        ("Blaizzy/mlx-vlm#1084", "kekzl/imp#1187"),
    ),
    HeldOut(
        "thought.limit-ignored",
        "thought",
        "With a `reasoning_effort`, `max_completion_tokens` limits nothing, and the answer ends with `stop`.",
        lambda: reading(_without_limit),
        ("diegosouzapw/OmniRoute#6912",),
    ),
)
