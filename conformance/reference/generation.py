"""Turns what a provider generates into the increments of a completion: limits, stop sequences and usage enforced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.reference.provider import CallPiece, CompletionRequest, Declined, Ended, Provider, Thought
from conformance.reference.stop_sequences import StopGate
from conformance.reference.tokens import TokenMeter


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of one choice's text, never empty."""

    choice: int
    text: str
    score: dict[str, Any] | None = field(default=None, hash=False)
    declines: bool = False
    """Whether these are words in which the model declines to answer."""


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
    course = _Course(provider, request, choice)
    ended = Ended()
    async with aclosing(provider.generate(request, choice)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Ended):
                ended = piece
                break
            for increment in course.take(piece):
                yield increment
            if course.enforced is not None:
                break
    for increment in course.rest():
        yield increment
    yield _finish(choice, course.limit, ended, course.meters, course.enforced)


class _Course:
    """One choice as it is generated, with its limit and its stop sequences."""

    def __init__(self, provider: Provider, request: CompletionRequest, choice: int) -> None:
        self._provider, self._request, self._choice = provider, request, choice
        self._gate = StopGate(request.stop)
        self.limit = _smallest(request.token_limit, request.tokens_left)
        self.meters = _Meters(self.limit)

    @property
    def enforced(self) -> str | None:
        """Why the deployment ends the choice; None while it need not."""
        return "stop" if self._gate.stopped else "length" if self.meters.exhausted else None

    def take(self, piece: str | CallPiece | Thought | Declined) -> Iterator[Increment]:
        """What may be shown, or is counted, now that a piece was generated."""
        if isinstance(piece, str):
            admitted = self.meters.admit(piece)
            yield from self._texts(self._gate.feed(admitted) if admitted else ())
        elif isinstance(piece, Thought):
            if thought := self.meters.think(piece.text):
                yield Thinking(self._choice, thought)
        elif isinstance(piece, Declined):
            if admitted := self.meters.show(self.meters.admit(piece.text)):
                yield Text(self._choice, admitted, declines=True)
        else:
            yield from self._call(piece)

    def rest(self) -> Iterator[Text]:
        """The text that was held back, unless it was ended before."""
        if not self._gate.stopped:
            yield from self._texts(self._gate.flush())

    def _call(self, piece: CallPiece) -> Iterator[Increment]:
        if piece.name is not None:  # no stop sequence goes on behind a call
            yield from self.rest()
            self._gate = StopGate(self._request.stop)
        admitted = self.meters.show(self.meters.admit(piece.text))
        if admitted or piece.name is not None:
            yield Call(self._choice, replace(piece, text=admitted))

    def _texts(self, texts: Iterable[str]) -> Iterator[Text]:
        number = self._request.alternatives
        for text in texts:
            shown = self.meters.show(text)
            yield Text(self._choice, shown, None if number is None else self._provider.score(shown, number))


class _Meters:
    """What is generated and what is shown of one choice, in tokens. A thought shares no token with what is said."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._used = 0
        """Tokens of all runs of thoughts, or of what is said, but the last."""
        self._run = TokenMeter(limit)
        self._thinking = False
        self._shown = TokenMeter()
        self.thoughts = 0
        self.exhausted = False

    @property
    def count(self) -> int:
        """Tokens used so far."""
        return self.thoughts + self._shown.count

    def think(self, thought: str) -> str:
        """The part of a thought that the limit allows, which is counted."""
        before = self._run.count if self._thinking else 0
        admitted = self._admit(thought, thinking=True)
        self.thoughts += self._run.count - before
        return admitted

    def admit(self, text: str) -> str:
        """The part of what was generated that the limit allows."""
        return self._admit(text, thinking=False)

    def show(self, text: str) -> str:
        """Count a text that is shown."""
        return self._shown.admit(text)

    def _admit(self, text: str, *, thinking: bool) -> str:
        if thinking is not self._thinking:
            self._used += self._run.count
            self._run = TokenMeter(None if self._limit is None else self._limit - self._used)
            self._thinking = thinking
        admitted = self._run.admit(text)
        self.exhausted = self._run.exhausted
        return admitted


def _finish(choice: int, limit: int | None, ended: Ended, meters: _Meters, enforced: str | None) -> Finish:
    """Why the choice ended and what it used, by this deployment's own count.

    `enforced` is the reason for which the deployment itself ended the choice. A provider that ended it at the limit
    used as many tokens as the limit has, however few they are by our count: its tokens may be smaller than ours. Of
    thoughts that it only counted, the limit has room for what is not shown.
    """
    shown = meters.count
    if enforced is not None:
        return Finish(choice, enforced, shown, reasoning_tokens=meters.thoughts)
    hidden = ended.hidden_tokens if limit is None else max(0, min(ended.hidden_tokens, limit - shown))
    used = shown + hidden
    allowed = _smallest(limit, ended.allowed) if ended.allowed is not None else None
    filled = allowed if allowed is not None and allowed <= ended.size + hidden else 0
    full = (limit is not None and used >= limit) or (filled > 0 and ended.completion_tokens == ended.allowed)
    reason = "length" if full and not ended.certain else ended.reason
    total = max(used, filled) if reason == "length" else used
    return Finish(choice, reason, total, reasoning_tokens=meters.thoughts + hidden)


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
