"""Faults of the seventh set in how answers are sent, and in what requests leave to each other."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from held_out import Body, HeldOut
from second.parts import PacedProvider

from conformance.reference.errors import Refusal
from conformance.reference.generation import Increments, generate
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.stages import Stages

_PATIENCE = 0.05
"""Seconds in which a second request meets a first one before either is answered."""
_MOST_CHOICES = 8


def _chunks_for_all(protocol: type[Any]) -> type[Any]:
    """The server's protocol, which takes every client for one of HTTP/1.1 when it frames an answer."""

    class Chunking(protocol):  # type: ignore[misc] # a class made from a class
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            usual = type(self.conn)
            version = property(lambda _: b"1.1", lambda _self, _version: None)
            self.conn.__class__ = type("Chunking", (usual,), {"their_http_version": version})

    return Chunking


def _is_limit(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_stop(value: Any) -> bool:
    listed = [value] if isinstance(value, str) else value
    return isinstance(listed, list) and bool(listed) and all(isinstance(one, str) and one for one in listed)


_READ = {
    "max_tokens": _is_limit,
    "max_completion_tokens": _is_limit,
    "n": lambda value: _is_limit(value) and value <= _MOST_CHOICES,
    "stop": _is_stop,
}
"""The fields that are read into a place that all requests share, and what they must be for that."""


def _left_by_the_refused() -> Hooks:
    """Reads some fields into one place, and clears it when a request was served, but not when one was refused."""
    left: dict[str, Any] = {}

    def keep(body: Any) -> None:
        if isinstance(body, Mapping):
            left.update({name: body[name] for name, is_read in _READ.items() if is_read(body.get(name))})

    def check(rules: Any, body: Any) -> None:
        try:
            rules.check_body(body)
        except Refusal:
            keep(body)
            raise

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        def read(read_body: Body) -> CompletionRequest:
            return interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=read_body)

        try:
            read(body)
        except Refusal:
            keep(body)
            raise
        request = read({**left, **body})
        left.clear()
        return request

    return Hooks(Stages(check_body=check, interpret=stage))


class _Counter:
    """Where two requests for one model that come together get each other's answers."""

    def __init__(self) -> None:
        self._waiting: tuple[CompletionRequest, asyncio.Future[CompletionRequest]] | None = None

    async def answered(self, request: CompletionRequest) -> CompletionRequest:
        """The request whose answer this one gets."""
        if self._waiting is not None and self._waiting[0].model == request.model:
            (other, place), self._waiting = self._waiting, None
            place.set_result(request)
            return other
        if self._waiting is not None:
            return request
        place = asyncio.get_running_loop().create_future()
        self._waiting = request, place
        try:
            return await asyncio.wait_for(place, _PATIENCE)
        except TimeoutError:
            return request
        finally:
            if self._waiting is not None and self._waiting[1] is place:
                self._waiting = None


def _swapped() -> Hooks:
    counter = _Counter()

    async def stage(provider: Provider, request: CompletionRequest) -> Increments:
        other = await counter.answered(request)
        request = dataclasses.replace(request, messages=other.messages)
        async with aclosing(generate(provider, request)) as usual:
            async for increment in usual:
                yield increment

    return Hooks(Stages(generate=stage))


WAY_FAULTS = (
    HeldOut(
        "http.chunks-for-1-0",
        "http",
        "A stream for a client of HTTP/1.0 has `Transfer-Encoding: chunked`, which that cannot read.",
        lambda: Hooks(protocols=(_chunks_for_all,)),
        (
            "https://github.com/diennea/carapaceproxy/issues/346",
            "https://github.com/flynn-archive/flynn-demo/issues/31",
        ),
    ),
    HeldOut(
        "state.left-by-the-refused",
        "state",
        "A request that is refused leaves its `stop`, `n` and limits to the next one that has none of its own.",
        _left_by_the_refused,
        ("https://github.com/ggml-org/whisper.cpp/pull/3784",),
    ),
    HeldOut(
        "state.answers-swapped",
        "state",
        "Two requests for the same model that come within 50 milliseconds get each other's answers.",
        _swapped,
        ("https://github.com/decolua/9router/issues/3164",),
        PacedProvider,
    ),
)
