"""Reads the fields of a request that are about tools, and holds to the rules on them that no schema can express."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.validators import is_json_schema
from conformance.reference.errors import Refusal
from conformance.reference.provider import Tool, Tools

MOST_TOOLS: Final = 128
"""The most tools of one request, as of `functions` before them."""
_WITHOUT_TOOLS = ("none", "auto")
"""The choices that demand no call."""
_SCHEMA_BROKEN = "The parameters of a tool are not a JSON Schema."


def read_tools(fields: Mapping[str, Any]) -> tuple[Tool, ...]:
    """The tools of a request.

    Raises:
        Refusal: 400 for too many tools, for parameters that are no schema, or for a grammar that is not known.
    """
    listed = fields.get("tools")
    tools = tuple(_tools(listed if isinstance(listed, list) else []))
    if len(tools) > MOST_TOOLS:
        raise _refusal(f"At most {MOST_TOOLS} tools can be given.", "tools")
    for number, tool in enumerate(tools):
        if tool.kind == "function":
            check_schema(tool.parameters, _SCHEMA_BROKEN, f"tools[{number}].function.parameters")
        elif tool.parameters.get("syntax") == "lark":
            message = "Grammars in Lark are not supported here; use a regular expression."
            raise Refusal(400, "unsupported_parameter", message, param=f"tools[{number}].custom.format")
    return tools


def chosen_tools(fields: Mapping[str, Any], tools: tuple[Tool, ...]) -> tuple[tuple[Tool, ...], Tools]:
    """The tools that the model may call here, and whether it must, by `tool_choice`.

    Raises:
        Refusal: 400 where the choice is of tools that are not given.
    """
    choice = fields.get("tool_choice")
    if choice is None:
        return tools, Tools.AUTO if tools else Tools.NONE
    if not tools and choice in _WITHOUT_TOOLS:
        return tools, Tools.NONE
    if not tools:
        raise _refusal("'tool_choice' demands a call, and no 'tools' are given.", "tool_choice")
    if isinstance(choice, str):
        return tools, Tools(choice) if choice in {one.value for one in Tools} else Tools.AUTO
    allowed = choice.get("allowed_tools") if isinstance(choice, Mapping) else None
    use = Tools.REQUIRED
    if isinstance(allowed, Mapping):
        names = set(map(_name_in, allowed.get("tools") or ()))
        use = Tools(str(allowed.get("mode"))) if allowed.get("mode") in ("auto", "required") else Tools.AUTO
    else:
        names = {_name_in(choice)}
    known = tuple(tool for tool in tools if tool.name in names)
    if not known or names - {tool.name for tool in known}:
        raise _refusal("'tool_choice' names a tool that is not among 'tools'.", "tool_choice")
    return known, use


def check_history(messages: Any) -> None:
    """Hold to the order of calls and results: each result follows its call, and each call has its result.

    Raises:
        Refusal: 400 for a result without its call, or a call without its result.
    """
    awaited: set[str] = set()
    for number, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, Mapping):
            continue
        where = f"messages[{number}]"
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in awaited:
                raise _refusal("A tool's message must answer a call of the message before it.", f"{where}.tool_call_id")
            awaited.discard(str(message["tool_call_id"]))
            continue
        if awaited:
            raise _refusal("Each tool call must be answered by a message of its tool.", where)
        if message.get("role") == "assistant":
            awaited = set(_call_ids(message.get("tool_calls")))
    if awaited:
        raise _refusal("Each tool call must be answered by a message of its tool.", "messages")


def check_schema(schema: Any, message: str, param: str) -> None:
    """Raises `Refusal` (400) where a value is not a JSON Schema (2020-12), or needs one from elsewhere."""
    if not is_json_schema(schema):
        raise _refusal(message, param)


def _tools(listed: list[Any]) -> Iterator[Tool]:
    for one in listed:
        if not isinstance(one, Mapping):
            continue
        function, custom = one.get("function"), one.get("custom")
        if isinstance(function, Mapping):
            parameters = function.get("parameters")
            yield Tool(str(function.get("name")), parameters=parameters if isinstance(parameters, Mapping) else {})
        elif isinstance(custom, Mapping):
            written = custom.get("format")
            grammar = written.get("grammar") if isinstance(written, Mapping) else None
            yield Tool(str(custom.get("name")), "custom", grammar if isinstance(grammar, Mapping) else {})


def _name_in(choice: Any) -> str:
    """The name of the tool that a choice is of."""
    for kind in ("function", "custom"):
        held = choice.get(kind) if isinstance(choice, Mapping) else None
        if isinstance(held, Mapping):
            return str(held.get("name"))
    return ""


def _call_ids(calls: Any) -> Iterator[str]:
    for call in calls if isinstance(calls, list) else ():
        if isinstance(call, Mapping) and isinstance(call.get("id"), str):
            yield call["id"]


def _refusal(message: str, param: str) -> Refusal:
    return Refusal(400, "invalid_value", message, param=param)
