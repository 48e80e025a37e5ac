"""Faults of the seventh set in calls of tools, in how they are chosen, and in structured output."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from fifth.parts import RewritingProvider
from held_out import HeldOut, crash, generating

from conformance.contract.dialect import Dialect
from conformance.reference.answer import Outline, build_completion
from conformance.reference.generation import Call, Increments
from conformance.reference.hooks import Hooks
from conformance.reference.provider import CallPiece, CompletionRequest, Provider
from conformance.reference.request_context import current
from conformance.reference.stages import Stages


async def _quotes_behind(_provider: Provider, request: CompletionRequest, usual: Increments) -> Increments:
    """Streams one more piece, two quotes, behind the arguments of a function that has none."""
    written: dict[int, tuple[CallPiece, str]] = {}
    async for increment in usual:
        if not request.stream:
            yield increment
            continue
        choice, piece = increment.choice, increment.piece if isinstance(increment, Call) else None
        if choice in written and (piece is None or piece.name is not None):
            last, text = written.pop(choice)
            if text.strip() == "{}":
                yield Call(choice, CallPiece(last.index, '""', kind=last.kind))
        if piece is not None:
            before = written[choice][1] if choice in written else ""
            written[choice] = piece, before + piece.text
        yield increment


async def _thought_out(dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments) -> Any:
    """Fails at a demanded call of which nothing was written, because thinking used up the limit."""
    body = await build_completion(dialect, outline, request, increments)
    demanded = isinstance(current.get().body.get("tool_choice"), Mapping)
    if demanded and request.effort and any(_is_empty(choice["message"]) for choice in body["choices"]):
        raise crash()
    return body


def _is_empty(message: Mapping[str, Any]) -> bool:
    return not message.get("content") and not message.get("tool_calls")


def _numbers_as_nothing(schema: Any, value: Any) -> Any:
    """A document in which the empty string stands where one of some values was due that are no strings."""
    if not isinstance(schema, Mapping):
        return value
    listed = schema.get("enum")
    if isinstance(listed, list) and listed and not any(isinstance(one, str) for one in listed):
        return ""
    if isinstance(value, dict):
        held = schema.get("properties")
        known = held if isinstance(held, Mapping) else {}
        return {name: _numbers_as_nothing(known.get(name), one) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbers_as_nothing(schema.get("items"), one) for one in value]
    return value


class StringsOnlyProvider(RewritingProvider):
    """The echo, whose grammar of a schema knows only strings in a list of values."""

    def text(self, request: CompletionRequest, text: str) -> str:
        """The document, with other values."""
        form = request.response_format
        if form.get("type") != "json_schema":
            return text
        return json.dumps(_numbers_as_nothing(form["json_schema"]["schema"], json.loads(text)), ensure_ascii=False)


CALL_FAULTS = (
    HeldOut(
        "call.quotes-behind",
        "call",
        'In streams the call of a function without arguments has two quotes behind them: `{}""`, which is no JSON.',
        lambda: generating(_quotes_behind),
        ("https://github.com/experientiallabs/experiential/pull/893",),
    ),
    HeldOut(
        "choice.thought-out",
        "choice",
        "Where thinking uses up the limit and a function is demanded by its name, a whole answer is a 500.",
        lambda: Hooks(Stages(build_completion=_thought_out), reads_first=True, needs_context=True),
        ("https://github.com/vllm-project/vllm/issues/40528",),
    ),
    HeldOut(
        "form.numbers-as-nothing",
        "form",
        "Where a schema lists values of which none is a string, as 1, 2 and 3, the answer has the empty string there.",
        Hooks,
        ("https://github.com/kekzl/imp/issues/1564",),
        StringsOnlyProvider,
    ),
)
