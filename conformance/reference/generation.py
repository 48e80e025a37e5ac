"""Turns a provider's text into the increments of a completion, with limits, stop sequences and usage enforced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from conformance.reference.provider import CompletionRequest, Ended, Provider
from conformance.reference.stop_sequences import StopGate
from conformance.reference.tokens import TokenMeter


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of one choice's text, never empty."""

    choice: int
    text: str
    score: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of one choice. `prompt_tokens` is None but for a fault: the request's are the same for every choice."""

    choice: int
    reason: str
    completion_tokens: int
    prompt_tokens: int | None = None


Increment = Text | Finish
Increments = AsyncGenerator[Increment, None]


async def generate(provider: Provider, request: CompletionRequest) -> Increments:
    """Generate all choices at once, their increments interleaved as they come; each ends with its `Finish`."""
    choices = [_generate_choice(provider, request, choice) for choice in range(request.choices)]
    async with aclosing(_interleave(choices)) as increments:
        async for increment in increments:
            yield increment


async def _generate_choice(provider: Provider, request: CompletionRequest, choice: int) -> Increments:
    limit = _smallest(request.token_limit, request.tokens_left)
    generated, shown = TokenMeter(limit), TokenMeter()
    gate = StopGate(request.stop)
    ended = Ended()
    async with aclosing(provider.generate(request, choice)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Ended):
                ended = piece
                break
            admitted = generated.admit(piece)
            for text in gate.feed(admitted) if admitted else ():
                yield _text(provider, request, choice, shown.admit(text))
            if gate.stopped or generated.exhausted:
                break
    if not gate.stopped:
        for text in gate.flush():
            yield _text(provider, request, choice, shown.admit(text))
    enforced = "stop" if gate.stopped else "length" if generated.exhausted else None
    yield _finish(choice, limit, ended, shown.count, enforced)


def _text(provider: Provider, request: CompletionRequest, choice: int, text: str) -> Text:
    number = request.alternatives
    return Text(choice, text, None if number is None else provider.score(text, number))


def _finish(choice: int, limit: int | None, ended: Ended, shown: int, enforced: str | None) -> Finish:
    """Why the choice ended and what it used, by this deployment's own count.

    `enforced` is the reason for which the deployment itself ended the choice. A provider that ended it at the limit
    used as many tokens as the limit has, however few they are by our count: its tokens may be smaller than ours.
    """
    if enforced is not None:
        return Finish(choice, enforced, shown)
    allowed = _smallest(limit, ended.allowed) if ended.allowed is not None else None
    filled = allowed if allowed is not None and allowed <= ended.size else 0
    full = (limit is not None and shown >= limit) or (filled > 0 and ended.completion_tokens == ended.allowed)
    reason = "length" if full and not ended.certain else ended.reason
    return Finish(choice, reason, max(shown, filled) if reason == "length" else shown)


def _smallest(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


async def _interleave(sources: Sequence[Increments]) -> Increments:
    """The items of all sources as they come, in turn if several are ready.

    Each source runs in a task of its own from its beginning to its end, whoever reads the result.
    """
    queue: asyncio.Queue[Increment | Exception | None] = asyncio.Queue(maxsize=1)  # nothing is generated far ahead
    pumps = [asyncio.create_task(_pump(source, queue)) for source in sources]
    running = len(pumps)
    try:
        while running:
            item = await queue.get()
            if item is None:
                running -= 1
            elif isinstance(item, Exception):
                raise item
            else:
                yield item
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: Increments, queue: asyncio.Queue[Increment | Exception | None]) -> None:
    try:
        async with aclosing(source):
            async for increment in source:
                await queue.put(increment)
    except Exception as error:  # noqa: BLE001 - raised again by whoever reads the queue
        await queue.put(error)
    else:
        await queue.put(None)
