"""Faults of the sixth set in what an answer says of itself: its events, its usage, and why it ended."""

from __future__ import annotations

import dataclasses
from typing import Any

from held_out import EventEdit, HeldOut, events_stage, generating, whole_stage

from conformance.reference.answer import DONE, EventData
from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_event


def _open_at_the_end(event: EventData) -> bytes:
    """The event; behind the last one comes no blank line."""
    written = encode_event(event)
    return written.removesuffix(b"\n") if event == DONE else written


def _running_usage() -> EventEdit:
    counted = 0

    def edit(event: dict[str, Any], request: CompletionRequest) -> None:
        nonlocal counted
        if not request.include_usage or event.get("usage"):
            return
        counted += sum(
            bool(choice["delta"].get("content") or choice["delta"].get("tool_calls")) for choice in event["choices"]
        )
        prompt = request.prompt_tokens
        event["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": counted,
            "total_tokens": prompt + counted,
        }

    return edit


async def _one_less(_provider: Provider, _request: CompletionRequest, usual: Increments) -> Increments:
    async for increment in usual:
        if isinstance(increment, Finish) and increment.reason == "length":
            counted = max(0, increment.completion_tokens - 1)
            thought = min(increment.reasoning_tokens, counted)
            yield dataclasses.replace(increment, completion_tokens=counted, reasoning_tokens=thought)
        else:
            yield increment


async def _thought_out(_provider: Provider, _request: CompletionRequest, usual: Increments) -> Increments:
    """Says `stop` of a choice that thought until its limit and said nothing."""
    said: set[int] = set()
    async for increment in usual:
        if isinstance(increment, Text):
            said.add(increment.choice)
        is_thought_out = isinstance(increment, Finish) and increment.reasoning_tokens and increment.choice not in said
        if isinstance(increment, Finish) and is_thought_out and increment.reason == "length":
            yield dataclasses.replace(increment, reason="stop")
        else:
            yield increment


def _nothing_as_null(body: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in body["choices"]:
        if choice["message"]["content"] == "":
            choice["message"]["content"] = None


def _thinks_to_the_limit() -> Hooks:
    stages = generating(_thought_out).stages
    return Hooks(dataclasses.replace(stages, build_completion=whole_stage(_nothing_as_null)))


ANSWER_FAULTS = (
    HeldOut(
        "stream.last-event-open",
        "stream",
        "Behind `data: [DONE]` comes one line feed and the end, and no blank line: so that event is never dispatched.",
        lambda: Hooks(Stages(encode_event=_open_at_the_end)),
        ("https://github.com/openai/openai-node/issues/2725",),
    ),
    HeldOut(
        "usage.in-every-chunk",
        "usage",
        "With `include_usage` each chunk has the usage so far, and not null, so that clients that add them up explode.",
        lambda: Hooks(Stages(build_events=events_stage(_running_usage))),
        ("https://github.com/lbjlaq/Antigravity-Manager/issues/1915",),
    ),
    HeldOut(
        "usage.one-less-at-the-limit",
        "usage",
        "An answer that ends at its limit counts one token less than it has: none at all with a limit of 1.",
        lambda: generating(_one_less),
        ("https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/2335",),
    ),
    HeldOut(
        "finish.thought-out-says-stop",
        "finish",
        "Where thinking uses up the whole limit, the answer has no text and ends with `stop`, and not with `length`.",
        _thinks_to_the_limit,
        (
            "https://github.com/diegosouzapw/OmniRoute/issues/5131",
            "https://github.com/mudler/LocalAI/pull/10448",
        ),
    ),
)
