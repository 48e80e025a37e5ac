"""Faults of the seventh set in streams, usage and log probabilities, and in why an answer ended."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from held_out import Body, EventEdit, HeldOut, events_stage, generating
from parts_of_calls import tapped
from third.parts import rearranging

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_completion, build_events
from conformance.reference.generation import Finish, Increments, Thinking
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages

_AT_ONCE = 3
"""Tokens that a chunk may have, as where a draft model proposes them."""
_MARKER = "[DONE]"


async def _tail_again(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """Streams what it takes for the rest of each text, and is its end: the thoughts were counted into what was sent."""
    thoughts: list[Thinking] = []
    said: dict[int, str] = {}
    async with aclosing(build_events(dialect, outline, request, tapped(increments, thoughts))) as events:
        async for event in events:
            for choice in event["choices"] if isinstance(event, Mapping) and "choices" in event else ():
                index = choice["index"]
                said[index] = said.get(index, "") + (choice["delta"].get("content") or "")
                thought = sum(len(one.text) for one in thoughts if one.choice == index)
                if choice["finish_reason"] and request.tools and thought and said[index]:
                    stray = {**choice, "delta": {"content": said[index][-thought:]}, "finish_reason": None}
                    yield {**dict(event), "choices": [stray]}  # type: ignore[arg-type] # it has choices
            yield event


def _as_nothing(counted: Any) -> Any:
    return {name: _as_nothing(one) for name, one in counted.items()} if isinstance(counted, Mapping) else 0


def _no_usage() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        if event.get("usage"):
            event["usage"] = _as_nothing(event["usage"])

    return edit


def _is_text(choice: Mapping[str, Any]) -> bool:
    return bool(choice["delta"].get("content")) and choice["finish_reason"] is None


def _joined(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Several chunks of one choice as one; all their tokens have the alternatives of the first."""
    first, choices = events[0], [event["choices"][0] for event in events]
    joined = {**choices[0], "delta": {"content": "".join(choice["delta"]["content"] for choice in choices)}}
    if choices[0].get("logprobs"):
        entries = [choice["logprobs"]["content"][0] for choice in choices]
        alternatives = entries[0]["top_logprobs"]
        joined["logprobs"] = {
            **choices[0]["logprobs"],
            "content": [{**entry, "top_logprobs": alternatives} for entry in entries],
        }
    return {**first, "choices": [joined]}


async def _alternatives_of_first(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
    held: dict[int, list[dict[str, Any]]] = {}
    async for event in events:
        choices = event.get("choices", []) if isinstance(event, Mapping) else []
        if len(choices) == 1 and _is_text(choices[0]):
            batch = held.setdefault(choices[0]["index"], [])
            batch.append(dict(event))  # type: ignore[arg-type] # it has choices
            if len(batch) == _AT_ONCE:
                yield _joined(held.pop(choices[0]["index"]))
            continue
        for index in [choice["index"] for choice in choices] if choices else list(held):
            if index in held:
                yield _joined(held.pop(index))
        yield event


async def _of_thoughts(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments) -> Any:
    """Gives the log probabilities of all that was generated, the thoughts among them."""
    thoughts: list[Thinking] = []
    body = await build_completion(dialect, outline, request, tapped(increments, thoughts))
    if request.alternatives is None:
        return body
    for choice in body["choices"]:
        scores = [
            EchoProvider().score(one.text, request.alternatives) for one in thoughts if one.choice == choice["index"]
        ]
        if scores and choice.get("logprobs"):
            choice["logprobs"]["content"] = [*scores, *choice["logprobs"]["content"]]
    return body


def _marker_in_text(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    """Has the model stop at the mark that ends streams, as if the client had asked for it."""
    request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    return dataclasses.replace(request, stop=(*request.stop, _MARKER))


async def _beyond_window(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Generates nothing where the window could not hold all that the limit allows."""
    if request.token_limit and request.tokens_left is not None and request.token_limit > request.tokens_left:
        for choice in range(request.choices):
            yield Finish(choice, "length", 0)
        return
    async for increment in usual:
        yield increment


ANSWER_FAULTS = (
    HeldOut(
        "stream.tail-again",
        "stream",
        "With tools and thinking a streamed text ends twice: as much of its end comes again as was thought.",
        lambda: Hooks(Stages(build_events=_tail_again)),
        ("https://github.com/invergent-ai/surogate/issues/134",),
    ),
    HeldOut(
        "usage.nothing-in-streams",
        "usage",
        "The usage of each stream has 0 in every place; that of whole answers is right.",
        lambda: Hooks(Stages(build_events=events_stage(_no_usage))),
        ("https://github.com/maximhq/bifrost/issues/7065",),
    ),
    HeldOut(
        "logprobs.alternatives-of-first",
        "logprobs",
        "A chunk has up to three tokens, all with the `top_logprobs` of the first of them.",
        lambda: Hooks(rearranging(_alternatives_of_first)),
        (
            "https://github.com/sgl-project/sglang/issues/39260",
            "https://github.com/sgl-project/sglang/issues/30188",
        ),
    ),
    HeldOut(
        "logprobs.of-thoughts",
        "logprobs",
        "In whole answers the log probabilities begin with those of the tokens of the thoughts, which nobody sees.",
        lambda: Hooks(Stages(build_completion=_of_thoughts)),
        ("https://github.com/sgl-project/sglang/issues/25055",),
    ),
    HeldOut(
        "finish.marker-in-text",
        "finish",
        "A text that has `[DONE]` in it ends there, and says `stop`.",
        lambda: Hooks(Stages(interpret=_marker_in_text)),
        ("https://github.com/Wei-Shaw/sub2api/pull/949",),
    ),
    HeldOut(
        "finish.limit-beyond-window",
        "finish",
        "Where prompt and limit together are more than the window, the answer is empty, and says `length`.",
        lambda: generating(_beyond_window),
        ("https://github.com/InternLM/lmdeploy/issues/1589",),
    ),
)
