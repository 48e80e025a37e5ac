"""Faults of the fifth set in what an answer says, whole or streamed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fifth.parts import RewritingProvider
from held_out import Body, EventEdit, HeldOut, events_stage

from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Tool
from conformance.reference.stages import Stages
from conformance.reference.tokens import count_tokens

_PATH = "/home/lemonade/.cache/huggingface/hub/models--unsloth--Qwen3-0.6B-GGUF/snapshots/8f2a/Qwen3-0.6B-Q4_0.gguf"
_EXACT = 2**53
_OF_MESSAGE = 4
"""Tokens that the reference counts for the tools beyond their text."""


def _no_finish() -> EventEdit:
    def edit(event: dict[str, Any], request: CompletionRequest) -> None:
        if request.alternatives is not None:
            for choice in event["choices"]:
                choice["finish_reason"] = None

    return edit


def _path_as_model() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        event["model"] = _PATH

    return edit


def _tools_uncounted(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    if not body.get("tools"):
        return request
    cost = _OF_MESSAGE + count_tokens(json.dumps(body["tools"]))
    return dataclasses.replace(request, prompt_tokens=request.prompt_tokens - cost)


def _rounded(value: Any) -> Any:
    """A JSON value whose integers are those that a double can hold."""
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_rounded(one) for one in value]
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT
    return int(float(value)) if is_large else value


class DoubleProvider(RewritingProvider):
    """The echo behind a gateway that reads the numbers of arguments as doubles."""

    def arguments(self, text: str) -> str:
        """The arguments with their large integers rounded."""
        try:
            given = json.loads(text)
        except ValueError:
            return text
        read = _rounded(given)
        return text if read == given else json.dumps(read, ensure_ascii=False)


def _emptied(schema: Any) -> Any:
    """A schema whose objects that may be null have lost what their members are."""
    if isinstance(schema, list):
        return [_emptied(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    kinds = schema.get("type")
    if isinstance(kinds, list) and "object" in kinds and "null" in kinds:
        return {"type": "object"}
    return {name: _emptied(one) for name, one in schema.items()}


def _nullable_emptied(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
    tools = tuple(
        Tool(tool.name, tool.kind, _emptied(tool.parameters)) if tool.kind == "function" else tool
        for tool in request.tools
    )
    return dataclasses.replace(request, tools=tools)


def _lengthened(schema: Any, value: Any) -> Any:
    """A document in which each string with a pattern and a longest length is longer, and still of the pattern."""
    if not isinstance(schema, Mapping):
        return value
    if isinstance(value, dict):
        held = schema.get("properties")
        known = held if isinstance(held, Mapping) else {}
        return {name: _lengthened(known.get(name), one) for name, one in value.items()}
    if isinstance(value, list):
        return [_lengthened(schema.get("items"), one) for one in value]
    if isinstance(value, str) and "pattern" in schema and isinstance(schema.get("maxLength"), int):
        fitting = (text for text in _longer(value, schema["maxLength"]) if re.search(schema["pattern"], text))
        return next(fitting, value)
    return value


def _longer(value: str, length: int) -> Iterator[str]:
    """The text with each of its characters in turn repeated until it is too long."""
    for place in range(len(value)):
        yield value[:place] + value[place] * (length + 1) + value[place + 1 :]


class PatternProvider(RewritingProvider):
    """The echo, which looks at no longest length beside a pattern."""

    def text(self, request: CompletionRequest, text: str) -> str:
        """The document, with longer strings."""
        form = request.response_format
        if form.get("type") != "json_schema":
            return text
        return json.dumps(_lengthened(form["json_schema"]["schema"], json.loads(text)), ensure_ascii=False)


ANSWER_FAULTS = (
    HeldOut(
        "stream.no-finish-with-logprobs",
        "stream",
        "In streams with `logprobs` no chunk has a finish reason: it is null to the end.",
        lambda: Hooks(Stages(build_events=events_stage(_no_finish))),
        ("https://github.com/BerriAI/litellm/issues/10686",),
    ),
    HeldOut(
        "stream.path-as-model",
        "stream",
        "In streams `model` is the path of the model's file on the server, with the name of its user.",
        lambda: Hooks(Stages(build_events=events_stage(_path_as_model))),
        ("https://github.com/lemonade-sdk/lemonade/issues/2730", "https://github.com/lemonade-sdk/lemonade/pull/2796"),
    ),
    HeldOut(
        "usage.tools-uncounted",
        "usage",
        "`prompt_tokens` is the same with tools and without them, however many there are.",
        lambda: Hooks(Stages(interpret=_tools_uncounted)),
        ("https://github.com/BerriAI/litellm/issues/15417",),
    ),
    HeldOut(
        "call.integers-as-doubles",
        "call",
        "Integers beyond 2**53 in the arguments of calls are rounded to what a double can hold.",
        Hooks,
        (
            "https://github.com/google/adk-python/issues/3592",
            "https://github.com/earendil-works/pi/issues/8943",
        ),
        DoubleProvider,
    ),
    HeldOut(
        "call.nullable-object-emptied",
        "call",
        "Of an object that may also be null the model is not told the members: arguments have an empty one there.",
        lambda: Hooks(Stages(interpret=_nullable_emptied)),
        ("https://github.com/BerriAI/litellm/issues/19029",),
    ),
    HeldOut(
        "form.pattern-without-length",
        "form",
        "Where a string of the schema has a `pattern`, its `maxLength` is not held to.",
        Hooks,
        ("https://github.com/vllm-project/vllm/issues/45592",),
        PatternProvider,
    ),
)
