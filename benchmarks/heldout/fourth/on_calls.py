"""Faults of the fourth set in tools and structured output."""

from __future__ import annotations

import dataclasses
import html
import json
from collections.abc import Mapping
from typing import Any

from held_out import Body, EventEdit, HeldOut, events_stage, whole_stage
from second.parts import refusing
from third.parts import replaced

from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.stages import Stages

_DEFINITIONS = ("$defs", "definitions")


def _unescaped(body: dict[str, Any], _request: CompletionRequest) -> None:
    for choice in body["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            if call["type"] != "function":
                continue
            try:
                given = json.loads(call["function"]["arguments"])
            except ValueError:
                continue
            decoded = replaced(given, html.unescape)
            if decoded != given:
                call["function"]["arguments"] = json.dumps(decoded, ensure_ascii=False)


def _escaped_twice() -> EventEdit:
    def escaped(character: str) -> str:
        units = character.encode("utf-16-be").hex()
        return "".join(f"\\\\u{units[place : place + 4]}" for place in range(0, len(units), 4))

    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        for choice in event["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                text = call.get("function", {}).get("arguments")
                if text and not text.isascii():
                    said = "".join(one if one.isascii() else escaped(one) for one in text)
                    call["function"]["arguments"] = said

    return edit


def _id_again(_operation: Any, body: Body) -> Refusal | None:
    seen: set[str] = set()
    for message in body["messages"]:
        ids = {str(call.get("id")) for call in message.get("tool_calls") or ()}
        if ids & seen:
            said = "invalid params, tool call result does not follow tool call (2013)"
            return Refusal(400, "invalid_value", said, param="messages")
        seen |= ids
    return None


def _without_enumerations(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema whose definitions are any object where they list values."""
    changed = dict(schema)
    for name in _DEFINITIONS:
        held = schema.get(name)
        if isinstance(held, Mapping):
            changed[name] = {
                key: {"type": "object"} if isinstance(one, Mapping) and "enum" in one else one
                for key, one in held.items()
            }
    return changed


def _enumerations_unknown() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        form = request.response_format
        if form.get("type") != "json_schema":
            return request
        held = form["json_schema"]
        weaker = {**form, "json_schema": {**held, "schema": _without_enumerations(held["schema"])}}
        return dataclasses.replace(request, response_format=weaker)

    return Hooks(Stages(interpret=stage))


CALL_FAULTS = (
    HeldOut(
        "call.entities-decoded",
        "call",
        "In whole answers the arguments of calls have entities of HTML decoded, `&amp;` and even `&current`.",
        lambda: Hooks(Stages(build_completion=whole_stage(_unescaped))),
        ("https://github.com/sgl-project/sglang/pull/27632",),
    ),
    HeldOut(
        "call.escaped-twice",
        "call",
        "In streams characters of arguments beyond ASCII are escaped twice, so that they parse as `\\u4e2d`.",
        lambda: Hooks(Stages(build_events=events_stage(_escaped_twice))),
        ("https://github.com/sgl-project/sglang/issues/12626",),
    ),
    HeldOut(
        "call.id-of-earlier-turn",
        "call",
        "A conversation in which a later turn has a call with the id of an earlier one is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_id_again))),
        (
            "https://github.com/can1357/oh-my-pi/issues/2055",
            "https://github.com/open-webui/open-webui/issues/28305",
        ),
    ),
    HeldOut(
        "form.enumeration-behind-reference",
        "form",
        "A list of values in `$defs` to which the schema of the answer refers is not held to: any object stands there.",
        _enumerations_unknown,
        ("https://github.com/ggml-org/llama.cpp/issues/8073",),
    ),
)
