"""Faults of the fifth set in connections, caches, and what one request leaves to the next."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing

from fifth.parts import refused
from held_out import HeldOut
from second.parts import PacedProvider
from third.parts import asks_for_completion, whole

from conformance.reference.generation import Increments, generate
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_SLOTS = 2
"""Requests that a client may leave before no more are taken."""
_NEVER = 90.0
"""Seconds for which the answer to HEAD does not end; more than any client waits."""


async def _head_never_ends(context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        yield message
        if message["type"] == "http.response.start" and context.method == "HEAD":
            await asyncio.sleep(_NEVER)


def _refusals_kept() -> Hooks:
    """Keeps a refusal like an answer, and gives it again with 200."""
    kept: dict[str, bytes] = {}

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        first = await anext(messages, None)
        if first is None:
            return
        key = json.dumps([context.headers.get("authorization"), context.body], sort_keys=True)
        if not asks_for_completion(context) or first["status"] not in (400, 404) or not context.body:
            yield first
            async for message in messages:
                yield message
            return
        body = b"".join([message.get("body", b"") async for message in messages])
        if key in kept:
            for message in whole(200, kept[key]):
                yield message
            return
        kept[key] = body
        yield first
        yield {"type": "http.response.body", "body": body}

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def _slots_lost() -> Hooks:
    """Never gives back the slot of a whole answer that its client did not wait for."""
    lost = 0

    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        nonlocal lost
        if lost >= _SLOTS:
            raise refused(503, "concurrency_limit", "Too many requests are being answered; try again later.")
        ended = False
        try:
            async with aclosing(generate(provider, request)) as usual:
                async for increment in usual:
                    yield increment
            ended = True
        finally:
            if not ended and not request.stream:
                lost += 1

    return Hooks(Stages(generate=stage))


WAY_FAULTS = (
    HeldOut(
        "http.head-never-ends",
        "http",
        "The answer to HEAD never ends: its header fields come, and nothing more is answered on the connection.",
        lambda: Hooks(messages=(_head_never_ends,), needs_context=True),
        ("https://github.com/diegosouzapw/OmniRoute/issues/6400",),
    ),
    HeldOut(
        "state.refusal-again-with-200",
        "state",
        "A request that was refused with 400 or 404, sent again, is answered 200 with the error as its body.",
        _refusals_kept,
        ("https://github.com/vllm-project/semantic-router/issues/2130",),
    ),
    HeldOut(
        "state.slots-lost",
        "state",
        "A client that leaves before its whole answer keeps its slot: after two of them all get 503.",
        _slots_lost,
        ("https://github.com/maiphucgiang/codebuddy2api/pull/22",),
        PacedProvider,
    ),
)
