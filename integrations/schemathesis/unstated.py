"""What holds for a request of Create chat completion, and no JSON Schema can say: hooks for `schemathesis run`.

    schemathesis --config-file integrations/schemathesis/schemathesis.toml run specs/profiles/openai/openapi.yaml -u URL

Schemathesis takes every body that the schema allows for one that must be served. These five rules tie one value to
another, to what was stored, or to a language that no schema describes, so that a deployment refuses with reason what
breaks them:

- a tool message answers a call of the assistant's message before it, and every call is answered there;
- `tool_choice` demands a call only of a tool that `tools` has;
- the parameters of a function, and the schema of `response_format`, are themselves JSON Schemas;
- the data of a sound or a file is base64;
- the `file_id` of a part is that of a file that was uploaded before.

Two more things are allowed, and the reference deployment lacks them and says so: grammars in Lark, sound in streams.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import schemathesis
from jsonschema import Draft202012Validator, SchemaError


@schemathesis.hook
def filter_body(context: schemathesis.HookContext, body: Any) -> bool:
    """Whether a body is sent: nothing outside of the schema speaks against it."""
    if not isinstance(body, Mapping):
        return True
    return (
        calls_are_answered(_objects(body.get("messages")))
        and choice_is_given(body)
        and all(map(_is_schema, _schemas(body)))
        and all(map(_is_base64, _members(body, {"input_audio": "data", "file": "file_data"})))
        and not [*_members(body, {"file": "file_id"})]
        and not any(map(_is_lark, _objects(body.get("tools"))))
        and not (body.get("stream") and "audio" in (body.get("modalities") or ()))
    )


def calls_are_answered(messages: list[Mapping[str, Any]]) -> bool:
    """Whether each tool message answers a call of the message before it, and each call has its answer."""
    awaited: set[Any] = set()
    for message in messages:
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in awaited:
                return False
            awaited.discard(message.get("tool_call_id"))
            continue
        if awaited:
            return False
        if message.get("role") == "assistant":
            awaited = {call.get("id") for call in _objects(message.get("tool_calls"))}
    return not awaited


def choice_is_given(body: Mapping[str, Any]) -> bool:
    """Whether `tool_choice` demands nothing but what `tools` has."""
    choice, given = body.get("tool_choice"), {_name(tool) for tool in _objects(body.get("tools"))}
    if not isinstance(choice, Mapping):
        return choice != "required" or bool(given)
    allowed = choice.get("allowed_tools")
    named = _objects(allowed.get("tools")) if isinstance(allowed, Mapping) else [choice]
    return bool(named) and {_name(tool) for tool in named} <= given


def _name(tool: Mapping[str, Any]) -> Any:
    held = tool.get("function") or tool.get("custom")
    return held.get("name") if isinstance(held, Mapping) else None


def _schemas(body: Mapping[str, Any]) -> Iterator[Any]:
    held = [tool.get("function") for tool in _objects(body.get("tools"))] + _objects(body.get("functions"))
    yield from (one["parameters"] for one in held if isinstance(one, Mapping) and "parameters" in one)
    wanted = body.get("response_format")
    described = wanted.get("json_schema") if isinstance(wanted, Mapping) else None
    if isinstance(described, Mapping) and "schema" in described:
        yield described["schema"]


def _members(body: Mapping[str, Any], named: Mapping[str, str]) -> Iterator[Any]:
    """A member of each part of a message that is of one of these kinds, by the kind."""
    for message in _objects(body.get("messages")):
        for part in _objects(message.get("content")):
            for kind, member in named.items():
                held = part.get(kind)
                if isinstance(held, Mapping) and member in held:
                    yield held[member]


def _is_schema(schema: Any) -> bool:
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError:
        return False
    return "$ref" not in repr(schema)  # which may lead nowhere


def _is_base64(text: Any) -> bool:
    try:
        base64.b64decode(str(text).rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_lark(tool: Mapping[str, Any]) -> bool:
    custom = tool.get("custom")
    written = custom.get("format") if isinstance(custom, Mapping) else None
    grammar = written.get("grammar") if isinstance(written, Mapping) else None
    return isinstance(grammar, Mapping) and grammar.get("syntax") == "lark"


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
