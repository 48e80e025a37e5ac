"""Faults beside the calls: second turns, structured output, reasoning, parts, details of the usage, and errors."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from held_out import Body, EventEdit, HeldOut, crashing_when, events_stage, reading, whole_stage, without
from parts_of_calls import RewritingProvider, rows, text_in, thinks
from starlette.types import Message

from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Piece
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages
from conformance.reference.tokens import split_tokens

_BLOCK = 64
"""Tokens of a block of the cache of prompts."""


# --- turn: what comes back in a second turn ---


def _without_parts_of_results(body: Body) -> Body:
    def told(message: Mapping[str, Any]) -> Mapping[str, Any]:
        in_parts = message.get("role") == "tool" and isinstance(message.get("content"), list)
        return {**message, "content": ""} if in_parts else message

    return {**body, "messages": [told(message) for message in body["messages"]]}


def _ordered_results() -> Hooks:
    """Refuses results that come in another order than their calls."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        awaited: list[Any] = []
        for number, message in enumerate(body["messages"]):
            if message.get("role") == "tool" and message.get("tool_call_id") != awaited.pop(0):
                text = "The result does not match the call at its place."
                raise Refusal(400, "invalid_value", text, param=f"messages[{number}].tool_call_id")
            if message.get("role") == "assistant":
                awaited = [call.get("id") for call in rows(message.get("tool_calls"))]
        return request

    return Hooks(Stages(interpret=stage))


def _has_refusal_part(body: Body) -> bool:
    parts = (part for message in body["messages"] for part in rows(message.get("content")))
    return any(part.get("type") == "refusal" for part in parts)


# --- form: structured output ---


def _commented_within(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    held = request.response_format.get("json_schema") or {}
    text = text_in(pieces)
    if held.get("strict") is not True or not text:
        return iter(pieces)
    changed = _with_comments(json.loads(text), within=False)
    return _in_place_of_text(pieces, json.dumps(changed, ensure_ascii=False))


def _with_comments(value: Any, *, within: bool) -> Any:
    if isinstance(value, list):
        return [_with_comments(one, within=True) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {name: _with_comments(one, within=True) for name, one in value.items()}
    return {**inner, "comment": "as asked"} if within else inner


def _fenced_beside_tools(request: CompletionRequest, pieces: Sequence[Piece]) -> Iterator[Piece]:
    text = text_in(pieces)
    if request.response_format.get("type") != "json_object" or "tools" not in request.further or not text:
        return iter(pieces)
    return _in_place_of_text(pieces, f"```json\n{text}\n```")


def _in_place_of_text(pieces: Sequence[Piece], text: str) -> Iterator[Piece]:
    yield from (piece for piece in pieces[:-1] if not isinstance(piece, str))
    yield from split_tokens(text)
    yield pieces[-1]


def _is_misplaced(request: CompletionRequest) -> bool:
    return request.response_format.get("type") == "json_schema" and thinks(request)


def _document_as_reasoning() -> Hooks:
    def whole(body: dict[str, Any], request: CompletionRequest) -> None:
        for choice in body["choices"] if _is_misplaced(request) else ():
            message = choice["message"]
            message["reasoning_content"], message["content"] = message["content"], None

    def streamed() -> EventEdit:
        def edit(event: dict[str, Any], request: CompletionRequest) -> None:
            for choice in event["choices"] if _is_misplaced(request) else ():
                if choice["delta"].get("content"):
                    choice["delta"] = {"reasoning_content": choice["delta"]["content"]}

        return edit

    return Hooks(Stages(build_completion=whole_stage(whole), build_events=events_stage(streamed)))


# --- thought: the count of reasoning ---


def _thoughts_uncounted() -> EventEdit:
    def edit(event: dict[str, Any], _: CompletionRequest) -> None:
        usage = event.get("usage")
        if usage:
            usage["completion_tokens"] -= usage["completion_tokens_details"]["reasoning_tokens"]
            usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]

    return edit


# --- part: parts beside text ---


def _first_medium_only(body: Body) -> Body:
    return {**body, "messages": [_with_one_medium(message) for message in body["messages"]]}


def _with_one_medium(message: Mapping[str, Any]) -> Mapping[str, Any]:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    first = next((part for part in content if part.get("type") != "text"), None)
    return {**message, "content": [part for part in content if part is first or part.get("type") == "text"]}


# --- usage: its details ---


def _cached_in_blocks() -> Hooks:
    """A prompt that came before counts as cached, in whole blocks: more than it has."""
    known: set[Any] = set()

    def record(usage: dict[str, Any] | None, request: CompletionRequest) -> None:
        if not usage:
            return
        prompt = tuple((message.role, message.text) for message in request.messages)
        if prompt in known:
            blocks = math.ceil(usage["prompt_tokens"] / _BLOCK)
            usage["prompt_tokens_details"] = {"cached_tokens": blocks * _BLOCK}
        known.add(prompt)

    stages = Stages(
        build_completion=whole_stage(lambda body, request: record(body["usage"], request)),
        build_events=events_stage(lambda: lambda event, request: record(event.get("usage"), request)),
    )
    return Hooks(stages)


# --- error: what is wrong with tools and forms ---


def _late_schema_errors() -> Hooks:
    """In streams a schema is compiled once the answer has begun, so that its error is an event."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        start: Message | None = None
        body = b""
        async for message in messages:
            if message["type"] == "http.response.start" and message["status"] == 400 and context.streams:
                start = message
            elif start is None:
                yield message
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    for sent in _begun(start, body) if b"not a JSON Schema" in body else (start, message):
                        yield sent

    return Hooks(messages=(hook,))


def _begun(start: Message, body: bytes) -> tuple[Message, Message]:
    fields = without(start.get("headers", ()), b"content-type", b"content-length")
    event = b"data: " + body + b"\n\n"
    fields += [(b"content-type", b"text/event-stream"), (b"content-length", str(len(event)).encode())]
    return {**start, "status": 200, "headers": fields}, {"type": "http.response.body", "body": event}


FORM_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "turn.result-parts-lost",
        "turn",
        "The result of a call whose content is a list of text parts does not reach the model.",
        lambda: reading(_without_parts_of_results),
        seen=("command-code#806",),
    ),
    HeldOut(
        "turn.results-in-order",
        "turn",
        "The results of parallel calls are refused with 400 where they come in another order than the calls.",
        _ordered_results,
        seen=("CLIProxyAPI#5199",),
    ),
    HeldOut(
        "turn.refusal-part",
        "turn",
        "A conversation in which the model declined with a `refusal` part is answered 500.",
        lambda: crashing_when(_has_refusal_part),
        seen=("langchain#34166",),
    ),
    HeldOut(
        "form.strict-at-first-level",
        "form",
        "A strict schema is held to at its first level; each object within has a `comment` that it does not allow.",
        Hooks,
        seen=("omlx#1241",),
        provider=lambda: RewritingProvider(_commented_within),
    ),
    HeldOut(
        "form.fenced-beside-tools",
        "form",
        "Where tools are given as well, the document of `json_object` stands in a fence of Markdown.",
        Hooks,
        seen=("FastFlowLM#554",),
        provider=lambda: RewritingProvider(_fenced_beside_tools),
    ),
    HeldOut(
        "form.document-as-reasoning",
        "form",
        "With `reasoning_effort` the document of `json_schema` is in `reasoning_content`, and `content` is null.",
        _document_as_reasoning,
        seen=("vllm#50938",),
    ),
    HeldOut(
        "thought.not-in-completion",
        "thought",
        "In streams `completion_tokens` leaves out the reasoning that `reasoning_tokens` has.",
        lambda: Hooks(Stages(build_events=events_stage(_thoughts_uncounted))),
        seen=("CLIProxyAPI#5733",),
    ),
    HeldOut(
        "part.first-medium-only",
        "part",
        "Of several images, sounds and files in a message only the first reaches the model.",
        lambda: reading(_first_medium_only),
        seen=("FreeToken#348",),
    ),
    HeldOut(
        "usage.cached-in-blocks",
        "usage",
        "For a prompt that came before, `cached_tokens` is rounded up to blocks of 64, beyond `prompt_tokens`.",
        _cached_in_blocks,
        seen=("quotio#460",),
    ),
    HeldOut(
        "error.late-schema-error",
        "error",
        "In streams a schema that is none is answered 200, with the error as the only event.",
        _late_schema_errors,
        seen=("preloop#121",),
    ),
)
