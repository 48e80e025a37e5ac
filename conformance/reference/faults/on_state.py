"""Faults between requests: what one leaves behind for another, and how concurrent ones affect each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import ActionError, fault_action
from conformance.reference.faults.on_answers import with_increments
from conformance.reference.faults.on_messages import with_messages
from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext, current


@fault_action("ids.few")
def few_ids(hooks: Hooks, count: int = 1) -> Hooks:
    """Draws the ids of answers from so few that they repeat."""
    stages = hooks.stages

    def outline_of(outline: Outline) -> Outline:
        kept = current.get().state.kept
        number = kept["id"] = kept.get("id", -1) + 1
        return replace(outline, id=f"chatcmpl-{number % count:024x}")

    async def build_completion(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any) -> Any:
        return await stages.build_completion(dialect, outline_of(outline), request, increments)

    def build_events(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Any
    ) -> AsyncGenerator[EventData, None]:
        return stages.build_events(dialect, outline_of(outline), request, increments)

    faulty = replace(stages, build_completion=build_completion, build_events=build_events)
    return replace(hooks, stages=faulty, needs_context=True)


@fault_action("cache.by")
def cache_by(hooks: Hooks, key: str = "body") -> Hooks:
    """Repeats an answer to an earlier request with the same `body`, or only the same `messages` or `prompt`."""
    if key not in {"body", "messages", "prompt"}:
        raise ActionError(f"`key: {key}` is unknown; use one of body, messages, prompt")

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        # Nothing can be looked up before the request has been read, which is when its first message arrives.
        made: list[Any] = []
        async for message in messages:
            if not made:
                known = context.state.kept.setdefault("cache", {}).get(_key(context, key))
                if known is not None:
                    for one in known:
                        yield one
                    return
            made.append(message)
            yield message
        if made and made[0].get("status") == 200:
            context.state.kept["cache"][_key(context, key)] = made

    return with_messages(hooks, faulty)


def _key(context: RequestContext, key: str) -> str:
    if key == "body":
        return bytes(context.raw).decode("latin-1")
    if key == "prompt":
        return f"{context.streams} {context.prompt}"
    return f"{context.streams} {json.dumps(context.body.get('messages'))}"


@fault_action("memory.of-vanished")
def remember_vanished(hooks: Hooks) -> Hooks:
    """Gives the text that a client did not wait for to the next client."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        kept = current.get().state.kept
        left = kept.pop("left", "")
        if left:
            yield Text(0, left)
        finished = False
        try:
            async with aclosing(made):
                async for increment in made:
                    yield increment
            finished = True
        finally:
            if not finished:
                kept["left"] = request.messages[-1].text

    return replace(with_increments(hooks, increments), needs_context=True)


@fault_action("memory.cancelled-tokens")
def charge_cancelled(hooks: Hooks, tokens: int = 1) -> Hooks:
    """Takes tokens off the answer after one whose client hung up."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        kept = current.get().state.kept
        lost = short = kept.pop("cancelled", 0)
        finished = False
        try:
            async with aclosing(made):
                async for increment in made:
                    if isinstance(increment, Text) and short:
                        short -= 1
                        continue
                    if isinstance(increment, Finish):
                        increment = replace(increment, completion_tokens=increment.completion_tokens - (lost - short))  # noqa: PLW2901
                    yield increment
            finished = True
        finally:
            if not finished:
                kept["cancelled"] = tokens

    return replace(with_increments(hooks, increments), needs_context=True)


@fault_action("crossed.text")
def crossed_text(hooks: Hooks) -> Hooks:
    """Mixes the texts of concurrent requests."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        context = current.get()
        running = context.state.kept.setdefault("running", {})
        running[context.number] = ""
        try:
            async with aclosing(made):
                async for increment in made:
                    if isinstance(increment, Text):
                        others = [text for number, text in running.items() if number != context.number and text]
                        running[context.number] = increment.text
                        if others:
                            yield replace(increment, text=others[0])
                            continue
                    yield increment
                    await asyncio.sleep(0)
        finally:
            running.pop(context.number, None)

    return replace(with_increments(hooks, increments), needs_context=True)


@fault_action("crossed.answers")
def crossed_answers(hooks: Hooks) -> Hooks:
    """Gives every answer the text of the request before it."""

    async def increments(request: CompletionRequest, made: Increments) -> Increments:
        kept = current.get().state.kept
        async with aclosing(made):
            texts = [increment async for increment in made]
        own = [increment for increment in texts if isinstance(increment, Text)]
        before, kept["increments"] = kept.get("increments"), own
        for increment in before or own:
            yield increment
        for one in texts:
            if isinstance(one, Finish):
                yield one

    return replace(with_increments(hooks, increments), needs_context=True)


@fault_action("load.one-at-a-time")
def one_at_a_time(hooks: Hooks, *, refuse: int | None = None) -> Hooks:
    """Answers one request after another; with `refuse`, those that arrive meanwhile get this status."""

    async def faulty(context: RequestContext, messages: Messages) -> Messages:
        lock = context.state.kept.setdefault("lock", asyncio.Lock())
        if refuse is not None and context.concurrent:
            async for message in messages:
                if message["type"] == "http.response.start":
                    yield {**message, "status": refuse}
                else:
                    yield message
            return
        async with lock:
            async for message in messages:
                yield message

    return with_messages(hooks, faulty)


@fault_action("load.busy-once")
def busy_once(hooks: Hooks, status: int = 429, retry_after: str | None = None, times: int = 1) -> Hooks:
    """Refuses the first requests because of load, and serves all others."""
    usual = hooks.stages.check_media_type

    def check(fields: Any) -> None:
        kept = current.get().state.kept
        kept["busy"] = kept.get("busy", 0) + 1
        if kept["busy"] <= times:
            headers: Mapping[str, str] = {} if retry_after is None else {"Retry-After": retry_after}
            raise Refusal(status, "rate_limit_exceeded", "Too many requests; try again.", headers=headers)
        usual(fields)

    return replace(hooks, stages=replace(hooks.stages, check_media_type=check), needs_context=True)


@fault_action("engine.killed-by")
def killed_by(hooks: Hooks, text: str, status: int = 500) -> Hooks:
    """Dies of a request whose body contains a text: it and all later ones are answered with an error."""
    usual = hooks.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        kept = current.get().state.kept
        kept["dead"] = kept.get("dead") or text.encode() in body
        if kept["dead"]:
            raise Refusal(status, "engine_dead", "The engine is dead.")
        return usual(body, max_depth)

    return replace(hooks, stages=replace(hooks.stages, parse_object=parse_object), needs_context=True)


@fault_action("engine.killed-by-size")
def killed_by_size(hooks: Hooks, size: int, status: int = 500) -> Hooks:
    """Dies of a body larger than `size` bytes: it and all later ones are answered with an error."""
    usual = hooks.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        kept = current.get().state.kept
        kept["dead"] = kept.get("dead") or len(body) > size
        if kept["dead"]:
            raise Refusal(status, "engine_dead", "The engine is dead.")
        return usual(body, max_depth)

    return replace(hooks, stages=replace(hooks.stages, parse_object=parse_object), needs_context=True)


@fault_action("pace.tokens")
def pace_tokens(hooks: Hooks, seconds: float) -> Hooks:
    """Takes this time for each token, as a model does."""

    async def increments(_: CompletionRequest, made: Increments) -> Increments:
        async with aclosing(made):
            async for increment in made:
                if isinstance(increment, Text):
                    await asyncio.sleep(seconds)
                yield increment

    return with_increments(hooks, increments)
