"""Faults of the sixth set in calls of tools, and in structured output."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from fifth.parts import RewritingProvider
from held_out import Body, HeldOut, generating

from conformance.reference.generation import Call, Increments
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CallPiece, CompletionRequest, Piece, Provider
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages

_ITEMS = 4
"""How many items the model likes to write where it is not held to a number."""
_NEEDLESS = re.compile(r"\\[!@#%&:;<>=~,'\"`]")
"""An escape of a mark that means nothing in a pattern."""


async def _lost_behind_empty(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Streams the empty object as the arguments of each call behind one whose arguments are the empty object."""
    written: dict[int, str] = {}
    lost: set[int] = set()
    async for increment in usual:
        if not isinstance(increment, Call) or not request.stream:
            yield increment
            continue
        choice, piece = increment.choice, increment.piece
        opens = piece.name is not None
        if opens and written.get(choice, "").strip() == "{}":
            lost.add(choice)
        written[choice] = piece.text if opens else written[choice] + piece.text
        if opens or choice not in lost:
            yield increment
        if opens and choice in lost:
            yield Call(choice, CallPiece(piece.index, "{}", kind=piece.kind))


class UnderscoreProvider(EchoProvider):
    """The echo behind a layer that writes the names of tools with underscores, and never writes them back."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, with other names."""
        async with aclosing(super().generate(request, choice)) as pieces:
            async for piece in pieces:
                if isinstance(piece, CallPiece) and piece.name is not None:
                    yield dataclasses.replace(piece, name=piece.name.replace("-", "_"))
                else:
                    yield piece


def _in_parallel(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
    request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    return dataclasses.replace(request, parallel_calls=True) if body.get("tools") else request


def _refilled(schema: Any, value: Any) -> Any:
    """A document in which each list whose schema bounds its length is as long as the model likes."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict):
        held = schema.get("properties")
        known = held if isinstance(held, Mapping) else {}
        return {name: _refilled(known.get(name), one) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    items = [_refilled(schema.get("items"), one) for one in value]
    if items and ("minItems" in schema or "maxItems" in schema):
        return list(itertools.islice(itertools.cycle(items), _ITEMS))
    return items


class UnboundedProvider(RewritingProvider):
    """The echo, whose documents have lists of any length."""

    def text(self, request: CompletionRequest, text: str) -> str:
        """The document, with other lists."""
        form = request.response_format
        if form.get("type") != "json_schema":
            return text
        return json.dumps(_refilled(form["json_schema"]["schema"], json.loads(text)), ensure_ascii=False)


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for one in schema.values():
            yield from _patterns(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _patterns(one)


class OpenProvider(EchoProvider):
    """The echo, which writes whatever it likes where the grammar made from a schema cannot be read."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, with or without the form that is asked for."""
        form = request.response_format
        if form.get("type") == "json_schema" and any(map(_NEEDLESS.search, _patterns(form["json_schema"]["schema"]))):
            request = dataclasses.replace(request, response_format={})
        async with aclosing(super().generate(request, choice)) as pieces:
            async for piece in pieces:
                yield piece


CALL_FAULTS = (
    HeldOut(
        "call.lost-behind-empty",
        "call",
        "In streams all calls behind one whose arguments are `{}` have `{}` as well, and lose their own.",
        lambda: generating(_lost_behind_empty),
        ("https://github.com/vllm-project/vllm/issues/47901", "https://github.com/vllm-project/vllm/pull/47954"),
    ),
    HeldOut(
        "call.dashes-as-underscores",
        "call",
        "A tool whose name has a dash is called by another name, with underscores in place of its dashes.",
        Hooks,
        ("https://github.com/IBM/chuk-llm/pull/4",),
        UnderscoreProvider,
    ),
    HeldOut(
        "call.parallel-nevertheless",
        "call",
        "`parallel_tool_calls: false` is taken, and ignored: a message may have several calls.",
        lambda: Hooks(Stages(interpret=_in_parallel)),
        ("https://github.com/vllm-project/vllm/issues/9451", "https://github.com/vllm-project/vllm/pull/26233"),
    ),
    HeldOut(
        "form.items-unbounded",
        "form",
        "`minItems` and `maxItems` of a schema are not held to: such a list has four items.",
        Hooks,
        ("https://github.com/vllm-project/vllm/issues/12201", "https://github.com/mlc-ai/xgrammar/issues/160"),
        UnboundedProvider,
    ),
    HeldOut(
        "form.open-at-a-pattern",
        "form",
        "A schema with a pattern that escapes a mark without need, as `\\!`, is dropped: plain text comes, with 200.",
        Hooks,
        ("https://github.com/ggml-org/llama.cpp/issues/19051",),
        OpenProvider,
    ),
)
