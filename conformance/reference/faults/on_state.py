"""Faults between requests: what one request leaves behind for another, and what many at once do to each other."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from conformance.reference.answer import Event, Outline
from conformance.reference.dialect import Dialect
from conformance.reference.errors import Refusal
from conformance.reference.faults.actions import DeedError, deed
from conformance.reference.faults.on_answers import with_steps
from conformance.reference.faults.on_messages import with_messages
from conformance.reference.generation import Finish, Step, Text
from conformance.reference.hooks import Messages, Seams
from conformance.reference.request import CompletionRequest
from conformance.reference.request_context import Asked, current


@deed("ids.few")
def few_ids(seams: Seams, count: int = 1) -> Seams:
    """Draws the ids of answers from so few that they come again."""
    stages = seams.stages

    def outline_of(outline: Outline) -> Outline:
        kept = current.get().memory.kept
        number = kept["id"] = kept.get("id", -1) + 1
        return replace(outline, id=f"chatcmpl-{number % count:024x}")

    async def build_completion(dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any) -> Any:
        return await stages.build_completion(dialect, outline_of(outline), request, steps)

    def build_events(
        dialect: Dialect, outline: Outline, request: CompletionRequest, steps: Any
    ) -> AsyncGenerator[Event, None]:
        return stages.build_events(dialect, outline_of(outline), request, steps)

    bent = replace(stages, build_completion=build_completion, build_events=build_events)
    return replace(seams, stages=bent, knows_requests=True)


@deed("cache.by")
def cache_by(seams: Seams, key: str = "body") -> Seams:
    """Gives an answer again that was made for another request with the same `body`, or only the same `messages`."""
    if key not in {"body", "messages", "prompt"}:
        raise DeedError(f"`key: {key}` is unknown; there are body, messages, prompt")

    async def bent(asked: Asked, messages: Messages) -> Messages:
        # Nothing can be kept before the request has been read: that is when its first message comes.
        made: list[Any] = []
        async for message in messages:
            if not made:
                known = asked.memory.kept.setdefault("cache", {}).get(_key(asked, key))
                if known is not None:
                    for one in known:
                        yield one
                    return
            made.append(message)
            yield message
        if made and made[0].get("status") == 200:
            asked.memory.kept["cache"][_key(asked, key)] = made

    return with_messages(seams, bent)


def _key(asked: Asked, key: str) -> str:
    if key == "body":
        return bytes(asked.raw).decode("latin-1")
    if key == "prompt":
        return f"{asked.streams} {asked.prompt}"
    return f"{asked.streams} {json.dumps(asked.body.get('messages'))}"


@deed("memory.of-vanished")
def remember_vanished(seams: Seams) -> Seams:
    """Gives the text that a client did not wait for to the next one that asks."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        kept = current.get().memory.kept
        left = kept.pop("left", "")
        if left:
            yield Text(0, left)
        finished = False
        try:
            async with aclosing(made):
                async for step in made:
                    yield step
            finished = True
        finally:
            if not finished:
                kept["left"] = request.messages[-1].text

    return replace(with_steps(seams, steps), knows_requests=True)


@deed("memory.cancelled-tokens")
def charge_cancelled(seams: Seams, tokens: int = 1) -> Seams:
    """Takes tokens off the answer that follows one whose client hung up."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        kept = current.get().memory.kept
        lost = short = kept.pop("cancelled", 0)
        finished = False
        try:
            async with aclosing(made):
                async for step in made:
                    if isinstance(step, Text) and short:
                        short -= 1
                        continue
                    if isinstance(step, Finish):
                        step = replace(step, completion_tokens=step.completion_tokens - (lost - short))  # noqa: PLW2901
                    yield step
            finished = True
        finally:
            if not finished:
                kept["cancelled"] = tokens

    return replace(with_steps(seams, steps), knows_requests=True)


@deed("crossed.text")
def crossed_text(seams: Seams) -> Seams:
    """Mixes the text of requests that run beside each other."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        asked = current.get()
        running = asked.memory.kept.setdefault("running", {})
        running[asked.number] = ""
        try:
            async with aclosing(made):
                async for step in made:
                    if isinstance(step, Text):
                        others = [text for number, text in running.items() if number != asked.number and text]
                        running[asked.number] = step.text
                        if others:
                            yield replace(step, text=others[0])
                            continue
                    yield step
                    await asyncio.sleep(0)
        finally:
            running.pop(asked.number, None)

    return replace(with_steps(seams, steps), knows_requests=True)


@deed("crossed.answers")
def crossed_answers(seams: Seams) -> Seams:
    """Gives every answer the text that the request before it had."""

    async def steps(request: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        kept = current.get().memory.kept
        async with aclosing(made):
            texts = [step async for step in made]
        own = [step for step in texts if isinstance(step, Text)]
        before, kept["steps"] = kept.get("steps"), own
        for step in before or own:
            yield step
        for one in texts:
            if isinstance(one, Finish):
                yield one

    return replace(with_steps(seams, steps), knows_requests=True)


@deed("load.one-at-a-time")
def one_at_a_time(seams: Seams, *, refuse: int | None = None) -> Seams:
    """Answers one request after another; with `refuse`, those that come meanwhile get this status."""

    async def bent(asked: Asked, messages: Messages) -> Messages:
        lock = asked.memory.kept.setdefault("lock", asyncio.Lock())
        if refuse is not None and asked.beside:
            async for message in messages:
                if message["type"] == "http.response.start":
                    yield {**message, "status": refuse}
                else:
                    yield message
            return
        async with lock:
            async for message in messages:
                yield message

    return with_messages(seams, bent)


@deed("load.busy-once")
def busy_once(seams: Seams, status: int = 429, retry_after: str | None = None, times: int = 1) -> Seams:
    """Refuses the first requests for load, and serves all others."""
    usual = seams.stages.check_media_type

    def check(fields: Any) -> None:
        kept = current.get().memory.kept
        kept["busy"] = kept.get("busy", 0) + 1
        if kept["busy"] <= times:
            headers: Mapping[str, str] = {} if retry_after is None else {"Retry-After": retry_after}
            raise Refusal(status, "rate_limit_exceeded", "Too many requests; try again.", headers=headers)
        usual(fields)

    return replace(seams, stages=replace(seams.stages, check_media_type=check), knows_requests=True)


@deed("engine.killed-by")
def killed_by(seams: Seams, text: str, status: int = 500) -> Seams:
    """Dies of a request whose body has this text: it and all later ones are answered with an error."""
    usual = seams.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        kept = current.get().memory.kept
        kept["dead"] = kept.get("dead") or text.encode() in body
        if kept["dead"]:
            raise Refusal(status, "engine_dead", "The engine is dead.")
        return usual(body, max_depth)

    return replace(seams, stages=replace(seams.stages, parse_object=parse_object), knows_requests=True)


@deed("engine.killed-by-size")
def killed_by_size(seams: Seams, size: int, status: int = 500) -> Seams:
    """Dies of a body over a size: it and all later ones are answered with an error."""
    usual = seams.stages.parse_object

    def parse_object(body: bytes, max_depth: int) -> dict[str, Any]:
        kept = current.get().memory.kept
        kept["dead"] = kept.get("dead") or len(body) > size
        if kept["dead"]:
            raise Refusal(status, "engine_dead", "The engine is dead.")
        return usual(body, max_depth)

    return replace(seams, stages=replace(seams.stages, parse_object=parse_object), knows_requests=True)


@deed("pace.tokens")
def pace_tokens(seams: Seams, seconds: float) -> Seams:
    """Takes this time for each token, as a model does."""

    async def steps(_: CompletionRequest, made: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        async with aclosing(made):
            async for step in made:
                if isinstance(step, Text):
                    await asyncio.sleep(seconds)
                yield step

    return with_steps(seams, steps)
