"""Allowed variations of what is answered: members, ids, chunks and figures that look odd and break nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from held_out import EventEdit, HeldOut, without
from second.parts import contents, editing, is_json
from starlette.types import Message

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_events
from conformance.reference.generation import Increments
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest, Piece, Thought
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.request_context import RequestContext, current
from conformance.reference.stages import Stages

_FILTERED = {"hate": {"filtered": False, "severity": "safe"}, "violence": {"filtered": False, "severity": "safe"}}
_THOUGHTS = 6


# --- Azure, and other vendors ---


async def _azure_events(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """A first chunk of filters, without an id and choices; each further choice has its own filters."""
    filtered = [{"prompt_index": 0, "content_filter_results": _FILTERED}]
    no_usage: dict[str, Any] = {"usage": None} if request.include_usage else {}
    head = {**outline.head("chat.completion.chunk"), "id": "", "choices": [], **no_usage}
    yield {**head, "prompt_filter_results": filtered}
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        async for event in events:
            if isinstance(event, Mapping):
                for choice in event.get("choices", ()):
                    choice["content_filter_results"] = _FILTERED if choice["delta"].get("content") else {}
            yield event


def _vendor_members() -> Hooks:
    def whole(answer: dict[str, Any], _: CompletionRequest) -> None:
        times = {"queue_time": 0.0021, "prompt_time": 0.0104, "completion_time": 0.0512, "total_time": 0.0616}
        answer["usage"].update(times)
        answer.update(x_groq={"id": f"req_{secrets.token_hex(12)}", "seed": 7}, usage_breakdown=None)

    def edit(chunk: dict[str, Any], _: CompletionRequest) -> None:
        if (current.get().body.get("stream_options") or {}).get("include_obfuscation") is not False:
            chunk["obfuscation"] = secrets.token_urlsafe(1 + secrets.randbelow(12))
        if any(choice["delta"].get("role") for choice in chunk["choices"]):
            chunk["x_groq"] = {"id": f"req_{secrets.token_hex(12)}", "seed": 7}

    return editing(whole, lambda: edit, needs_context=True)


def _routed() -> Hooks:
    """The names of a router: a snapshot of its own, an id of its own form, and who served it."""

    def rename(answer: dict[str, Any], _: CompletionRequest) -> None:
        answer["id"] = "gen-1788254400-" + answer["id"].removeprefix("chatcmpl-")
        answer["model"] = f"reference-labs/{answer['model']}-20260801"
        answer["provider"] = "Reference Labs"

    return editing(rename, lambda: rename)


def _cached() -> Hooks:
    """The prompt tokens that a cache had are told, and count as all others."""
    known: set[str] = set()

    def edit(answer: dict[str, Any], _: CompletionRequest) -> None:
        usage = answer.get("usage")
        if usage:
            messages = contents(current.get().body["messages"])
            cached = usage["prompt_tokens"] // 2 if messages in known else 0
            usage["prompt_tokens_details"] = {"cached_tokens": cached}
            known.add(messages)

    return editing(edit, lambda: edit, needs_context=True)


# --- a model that reasons ---


class ThinkingProvider(EchoProvider):
    """The echo of a model that always reasons first."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """Thoughts, which count, and then the pieces of the echo."""
        for _ in range(_THOUGHTS):
            yield Thought(" hm")
        async for piece in super().generate(request, choice):
            yield piece


def _thoughts(request: CompletionRequest) -> list[str]:
    return [" hm"] * min(_THOUGHTS, _THOUGHTS if request.token_limit is None else request.token_limit)


def _reasoned(answer: dict[str, Any], request: CompletionRequest) -> None:
    for choice in answer["choices"]:
        choice["message"]["reasoning_content"] = "".join(_thoughts(request))


async def _reasoned_events(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """Behind the first chunk of each choice, its reasoning in a member of its own."""
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        async for event in events:
            yield event
            choices = event.get("choices") if isinstance(event, Mapping) else None
            if isinstance(event, Mapping) and choices and choices[0]["delta"].get("role"):
                for thought in _thoughts(request):
                    delta = {"content": None, "reasoning_content": thought}
                    yield {**event, "choices": [{**choices[0], "delta": delta}]}


def _reasoning() -> Hooks:
    whole = editing(_reasoned, _no_edit).stages.build_completion
    return Hooks(Stages(build_completion=whole, build_events=_reasoned_events))


def _no_edit() -> EventEdit:
    return lambda chunk, request: None


# --- chunks and JSON ---


async def _without_empty_edges(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """The first chunk of a choice has its first text, and the chunk that finishes it has its last."""
    held: dict[int, dict[str, Any]] = {}
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        async for event in events:
            if isinstance(event, str) or not event.get("choices"):
                yield event
                continue
            choice = event["choices"][0]
            before = held.pop(choice["index"], None)
            joins = before is not None and (_only_opens(before) or bool(choice["finish_reason"]))
            if before is not None and not joins:
                yield before
            now = _merged(before, event) if before is not None and joins else dict(event)
            if choice["finish_reason"]:
                yield now
            else:
                held[choice["index"]] = now


def _only_opens(event: Mapping[str, Any]) -> bool:
    return bool(event["choices"][0]["delta"].get("content") == "")


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two successive chunks of a choice as one."""
    first, last = one["choices"][0], other["choices"][0]
    scores = last.get("logprobs") or first.get("logprobs")
    return {**other, "choices": [{**last, "delta": {**first["delta"], **last["delta"]}, "logprobs": scores}]}


def _framed() -> Hooks:
    """Events with CR LF, without a space behind the colon, and with comments between them."""

    def encode(event: EventData) -> bytes:
        data = event if isinstance(event, str) else json.dumps(event)
        comment = ": PROCESSING\r\n\r\n" if secrets.randbelow(3) == 0 else ""
        return f"{comment}data:{data}\r\n\r\n".encode()

    return Hooks(Stages(encode_event=encode))


def _escaped() -> Hooks:
    """JSON in ASCII, with white space within and around it."""

    async def hook(_: RequestContext, messages: Messages) -> Messages:
        start: Message | None = None
        body = b""
        async for message in messages:
            if message["type"] == "http.response.start" and is_json(message):
                start = message
            elif start is None:
                yield message
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    body = b"\n" + json.dumps(json.loads(body), indent=2).encode() + b"\n"
                    length = (b"content-length", str(len(body)).encode())
                    yield {**start, "headers": [*without(start["headers"], b"content-length"), length]}
                    yield {**message, "body": body}

    def encode(event: EventData) -> bytes:
        return b"data: " + (event if isinstance(event, str) else json.dumps(event)).encode() + b"\n\n"

    return Hooks(Stages(encode_event=encode), messages=(hook,))


ODD_ANSWERS: tuple[HeldOut, ...] = (
    HeldOut(
        "allowed.azure-filters",
        "allowed",
        "As on Azure, a stream begins with a chunk of filter results without id and choices; choices have some, too.",
        lambda: Hooks(Stages(build_events=_azure_events)),
    ),
    HeldOut(
        "allowed.vendor-members",
        "allowed",
        "Answers have members of a vendor: `x_groq`, times within the usage, `obfuscation` in chunks.",
        _vendor_members,
    ),
    HeldOut(
        "allowed.routed-model",
        "allowed",
        "As by a router, the model is a vendor's dated snapshot, ids have another form, and a member names who served.",
        _routed,
        seen=("BerriAI/litellm#20990",),
    ),
    HeldOut(
        "allowed.cached-tokens",
        "allowed",
        "Where the same messages come again, the details of the usage say how many of their tokens were cached.",
        _cached,
    ),
    HeldOut(
        "allowed.always-reasons",
        "allowed",
        "A model that always reasons first, in `reasoning_content`: it counts, and a small limit leaves an empty text.",
        _reasoning,
        provider=ThinkingProvider,
    ),
    HeldOut(
        "allowed.no-empty-edges",
        "allowed",
        "The first chunk of a choice has its first token, and the finish chunk has its last.",
        lambda: Hooks(Stages(build_events=_without_empty_edges)),
    ),
    HeldOut(
        "allowed.crlf-and-comments",
        "allowed",
        "Events end with CR LF, have no space behind `data:`, and comments stand between them.",
        _framed,
        seen=("farion1231/cc-switch#1787", "coder/coder#28185"),
    ),
    HeldOut(
        "allowed.escaped-json",
        "allowed",
        "JSON is in ASCII with escapes, with white space within it and around it.",
        _escaped,
    ),
)
