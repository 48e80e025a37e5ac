"""Faults of the sixth set in connections, in identifiers, and in what requests do to each other."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Any

from held_out import HeldOut
from second.parts import PacedProvider
from third.parts import asks_for_completion, error, token_of, whole

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_completion, build_events
from conformance.reference.generation import Increments, Text, generate
from conformance.reference.hooks import Ending, Hooks, Messages, Write, WriteKind
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_REFUSALS = 5
_OPEN = 5.0
"""Seconds for which the breaker lets nothing through."""
_COUNTED = frozenset({400, 404, 413, 415, 422})
_IDS = 999


def _without_last_chunk(_context: RequestContext, write: Write) -> Iterable[bytes | Ending]:
    yield Ending.CLOSE if write.kind is WriteKind.END and write.data == b"0\r\n\r\n" else write.data


def _numbered(outline: Outline) -> Outline:
    return dataclasses.replace(outline, id=f"chatcmpl-{random.randrange(_IDS)}")


async def _numbered_whole(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> Any:
    return await build_completion(dialect, _numbered(outline), request, increments)


async def _numbered_events(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    async with aclosing(build_events(dialect, _numbered(outline), request, increments)) as events:
        async for event in events:
            yield event


def _breaker() -> Hooks:
    """A circuit breaker that takes the refusals of wrong requests for failures of the provider."""
    in_a_row = 0
    closed_at = 0.0

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        nonlocal in_a_row, closed_at
        first = await anext(messages, None)
        if first is None:
            return
        if asks_for_completion(context) and first["status"] not in (401, 403):
            if time.monotonic() < closed_at:
                for message in whole(503, error("All providers are unavailable.", "service_unavailable", None)):
                    yield message
                return
            in_a_row = in_a_row + 1 if first["status"] in _COUNTED else 0
            if in_a_row >= _REFUSALS:
                in_a_row, closed_at = 0, time.monotonic() + _OPEN
        yield first
        async for message in messages:
            yield message

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


class _Buffer:
    """A place for one token, which all streams share that run at the same time."""

    def __init__(self) -> None:
        self.running = 0
        self._held: str | None = None

    async def through(self, provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
        """What is generated; every other token goes through the buffer, and what lay there comes instead."""
        number = 0
        async for increment in usual:
            shared = self.running > 1 and isinstance(increment, Text)
            number += shared
            if isinstance(increment, Text) and shared and number % 2 == 0:
                left, self._held = self._held, increment.text
            else:
                left = None if shared else self._rest()
            if left is not None:
                yield token_of(provider, request, increment.choice, left)
            if not shared or number % 2:
                yield increment

    def _rest(self) -> str | None:
        left, self._held = self._held, None
        return left


def _one_buffer() -> Hooks:
    buffer = _Buffer()

    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        buffer.running += request.stream
        try:
            async with aclosing(generate(provider, request)) as usual:
                through = buffer.through(provider, request, usual) if request.stream else usual
                async for increment in through:
                    yield increment
        finally:
            buffer.running -= request.stream

    return Hooks(Stages(generate=stage))


WAY_FAULTS = (
    HeldOut(
        "http.no-last-chunk",
        "http",
        "A stream in chunks ends with the end of the connection: the last chunk, of size 0, never comes.",
        lambda: Hooks(writes=(_without_last_chunk,), needs_context=True),
        ("https://github.com/vllm-project/aibrix/issues/1494",),
    ),
    HeldOut(
        "state.three-digit-ids",
        "state",
        "The id of an answer is drawn from 999 numbers, so that after some dozens of answers one comes again.",
        lambda: Hooks(Stages(build_completion=_numbered_whole, build_events=_numbered_events)),
        ("https://github.com/ogx-ai/ogx/issues/2315", "https://github.com/ogx-ai/ogx/pull/2344"),
    ),
    HeldOut(
        "state.breaker-of-refusals",
        "state",
        "After five wrong requests in a row everybody gets 503 for five seconds: a breaker took them for failures.",
        _breaker,
        ("https://github.com/ding113/claude-code-hub/pull/1134",),
    ),
    HeldOut(
        "state.tokens-of-another",
        "state",
        "Of two streams that run at the same time each shows tokens of the other.",
        _one_buffer,
        ("https://github.com/chenhunghan/ialacol/issues/74",),
        PacedProvider,
    ),
)
