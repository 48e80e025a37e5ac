"""Turns what a provider generates into the increments of a completion: limits, stop sequences and usage enforced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.reference.provider import CallPiece, CompletionRequest, Ended, Provider, Thought
from conformance.reference.stop_sequences import StopGate
from conformance.reference.tokens import TokenMeter


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of one choice's text, never empty."""

    choice: int
    text: str
    score: dict[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A piece of a tool call of one choice; the first of a call has its id, kind and name."""

    choice: int
    piece: CallPiece


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of one choice's reasoning, which no answer shows."""

    choice: int
    text: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of one choice. `prompt_tokens` is None but for a fault: the request's are the same for every choice."""

    choice: int
    reason: str
    completion_tokens: int
    prompt_tokens: int | None = None
    reasoning_tokens: int = 0


Increment = Text | Call | Thinking | Finish
Increments = AsyncGenerator[Increment, None]


async def generate(provider: Provider, request: CompletionRequest) -> Increments:
    """Generate all choices at once, their increments interleaved as they come; each ends with its `Finish`."""
    choices = [_generate_choice(provider, request, choice) for choice in range(request.choices)]
    async with aclosing(_interleave(choices)) as increments:
        async for increment in increments:
            yield increment


async def _generate_choice(provider: Provider, request: CompletionRequest, choice: int) -> Increments:
    limit = _smallest(request.token_limit, request.tokens_left)
    meters = _Meters(limit)
    gate = StopGate(request.stop)
    ended = Ended()
    async with aclosing(provider.generate(request, choice)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Ended):
                ended = piece
                break
            if isinstance(piece, str):
                admitted = meters.admit(piece)
                for text in gate.feed(admitted) if admitted else ():
                    yield _text(provider, request, choice, meters.show(text))
            else:
                beside = meters.call(choice, piece) if isinstance(piece, CallPiece) else meters.think(choice, piece)
                if beside is not None:
                    yield beside
            if gate.stopped or meters.exhausted:
                break
    if not gate.stopped:
        for text in gate.flush():
            yield _text(provider, request, choice, meters.show(text))
    enforced = "stop" if gate.stopped else "length" if meters.exhausted else None
    finish = _finish(choice, limit, ended, meters.count, enforced)
    yield replace(finish, reasoning_tokens=meters.thoughts)


class _Meters:
    """What is generated and what is shown of one choice, in tokens. Thoughts come first, each of one token."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._generated: TokenMeter | None = None
        self._shown = TokenMeter()
        self.thoughts = 0
        self.exhausted = False

    @property
    def count(self) -> int:
        """Tokens used so far."""
        return self.thoughts + self._shown.count

    def think(self, choice: int, thought: Thought) -> Thinking | None:
        """Count a thought; None where the limit has no room for it."""
        if self._limit is not None and self.thoughts >= self._limit:
            self.exhausted = True
            return None
        self.thoughts += 1
        return Thinking(choice, thought.text)

    def admit(self, text: str) -> str:
        """The part of what was generated that the limit allows."""
        if self._generated is None:
            self._generated = TokenMeter(None if self._limit is None else self._limit - self.thoughts)
        admitted = self._generated.admit(text)
        self.exhausted = self._generated.exhausted
        return admitted

    def show(self, text: str) -> str:
        """Count a text that is shown."""
        return self._shown.admit(text)

    def call(self, choice: int, piece: CallPiece) -> Call | None:
        """What the limit allows of a piece of a call; None where nothing is left of it."""
        admitted = self.show(self.admit(piece.text))
        return Call(choice, replace(piece, text=admitted)) if admitted or piece.name else None


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
