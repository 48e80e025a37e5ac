"""Faults of the fourth set in what lies around an answer: browsers, caches, and what runs at the same time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

from held_out import HeldOut
from second.parts import PacedProvider
from third.parts import asks_for_completion, in_place_of

from conformance.reference.generation import Increments, generate
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_KNOWN = (
    "model",
    "messages",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "stream",
    "stream_options",
)
"""The fields by which a cache tells requests apart."""
_ALLOWED = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS"),
    (b"access-control-allow-headers", b"Origin,Content-Length,Content-Type"),
    (b"access-control-max-age", b"43200"),
)


def _preflight(context: RequestContext, _first: Any) -> Iterable[Any] | None:
    if context.method != "OPTIONS" or "access-control-request-method" not in context.headers:
        return None
    return [
        {"type": "http.response.start", "status": 204, "headers": list(_ALLOWED)},
        {"type": "http.response.body", "body": b""},
    ]


async def _for_browsers(context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        if message["type"] == "http.response.start" and "origin" in context.headers and context.method != "OPTIONS":
            message["headers"] = [*message.get("headers", ()), _ALLOWED[0]]
        yield message


def _forgetful_cache() -> Hooks:
    """Answers a request with what was answered before, where it differs in fields alone that the cache forgot."""
    kept: dict[str, list[Any]] = {}

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        first = await anext(messages, None)
        if first is None:
            return
        if not asks_for_completion(context) or first["status"] != 200:
            yield first
            async for message in messages:
                yield message
            return
        known = {name: context.body.get(name) for name in _KNOWN}
        key = json.dumps([context.headers.get("authorization"), known], sort_keys=True)
        if key in kept:
            for message in kept[key]:
                yield message
            return
        answer = [first]
        yield first
        async for message in messages:
            answer.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                kept[key] = answer
            yield message

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def _shared_stops() -> Hooks:
    """Gives a request that comes while others are generated the stop sequences of the oldest of them."""
    running: list[tuple[str, ...]] = []

    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        stop = running[0] if running else request.stop
        running.append(stop)
        try:
            async with aclosing(generate(provider, dataclasses.replace(request, stop=stop))) as usual:
                async for increment in usual:
                    yield increment
        finally:
            running.remove(stop)

    return Hooks(Stages(generate=stage))


WAY_FAULTS = (
    HeldOut(
        "http.preflight-without-authorization",
        "http",
        "Answers may be read by any origin, but the preflight does not allow the field `Authorization`.",
        lambda: Hooks(messages=(in_place_of(_preflight), _for_browsers), reads_first=True, needs_context=True),
        ("https://github.com/ollama/ollama/issues/4001",),
    ),
    HeldOut(
        "state.fields-not-in-cache",
        "state",
        "A request that differs from an earlier one in `n`, `stop`, `response_format`, tools … alone gets its answer.",
        _forgetful_cache,
        ("https://github.com/lunargate-ai/gateway/issues/2",),
    ),
    HeldOut(
        "state.stops-of-the-batch",
        "state",
        "A request that comes while another is answered has the stop sequences of that one, and not its own.",
        _shared_stops,
        ("https://github.com/raullenchai/Rapid-MLX/pull/665",),
        PacedProvider,
    ),
)
