"""Says which optional fields, with which values, every deployment that has them serves.

Others are a matter of the model (an effort of thinking), of a platform (a service tier, a search of the web), or mean
something only beside other fields (the choice of a tool). A deployment that lacks one of these may say so in words of
its own: no request that must be served carries them, while what breaks their schema must be refused all the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from conformance.probes.usual_requests import is_usual_conversation

MOST_TOOLS: Final = 128
"""The published schema bounds the list that tools replaced, `functions`."""
_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def is_common(body: Any, required: Collection[str] = ()) -> bool:
    """Whether a body's fields, but for those that the contract requires, are served by every deployment with them."""
    if not isinstance(body, Mapping):
        return True
    if not all(name in required or is_common_field(name, body) for name in body):
        return False
    messages = body.get("messages")
    if not isinstance(messages, list) or not any(map(_is_special, messages)):
        return True
    return is_usual_conversation(messages)


def without_uncommon_fields(body: Mapping[str, Any], required: Collection[str] = ()) -> dict[str, Any]:
    """The same without the optional fields that not every deployment serves."""
    kept = dict(body)
    while uncommon := [name for name in kept if name not in required and not is_common_field(name, kept)]:
        kept = {name: value for name, value in kept.items() if name not in uncommon}
    return kept


def is_common_field(name: str, body: Mapping[str, Any]) -> bool:
    """Whether a field of the body is one that every deployment serves that has it, beside the others."""
    rule = _RULES.get(name)
    return rule is None or rule(body[name], body)


def _is_special(message: Any) -> bool:
    """Whether a message is more than a text of a usual role."""
    if not isinstance(message, Mapping):
        return False
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    few = {"tool_calls", "function_call", "audio", "refusal"} & message.keys()
    return (
        message.get("role") in ("tool", "function")
        or bool(few)
        or content is None
        or any(isinstance(part, Mapping) and part.keys() != {"type", "text"} for part in parts)
    )


def _never(_value: Any, _body: Mapping[str, Any]) -> bool:
    return False


def _tools(value: Any, _body: Mapping[str, Any]) -> bool:
    names = [_name_of(one) for one in value] if isinstance(value, list) else []
    return 0 < len(names) <= MOST_TOOLS and None not in names and len(set(names)) == len(names)


def _name_of(tool: Any) -> str | None:
    """The name of a usual function tool."""
    function = tool.get("function") if isinstance(tool, Mapping) and tool.get("type") == "function" else None
    if not isinstance(function, Mapping) or function.get("strict") is True:
        return None
    parameters = function.get("parameters", {"type": "object"})
    name = function.get("name")
    usual = isinstance(name, str) and _NAME.fullmatch(name) and _is_schema_of_an_object(parameters)
    return name if usual else None


def _is_schema_of_an_object(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "object"


def _tool_choice(value: Any, body: Mapping[str, Any]) -> bool:
    # What must be called may take more tokens than such a request has.
    return value in ("none", "auto") and bool(body.get("tools"))


def _beside_tools(_value: Any, body: Mapping[str, Any]) -> bool:
    return bool(body.get("tools"))


def _response_format(value: Any, body: Mapping[str, Any]) -> bool:
    kind = value.get("type") if isinstance(value, Mapping) else None
    if kind == "json_object":
        return "json" in json.dumps(body.get("messages")).lower()
    if kind == "json_schema":
        described = value.get("json_schema")
        return (
            isinstance(described, Mapping)
            and described.get("strict") is not True
            and _is_schema_of_an_object(described.get("schema"))
        )
    return kind == "text"


def _reasoning_effort(value: Any, _body: Mapping[str, Any]) -> bool:
    return value in ("low", "medium", "high")


def _logit_bias(value: Any, _body: Mapping[str, Any]) -> bool:
    return value is None or (isinstance(value, Mapping) and all(key.isdecimal() for key in value))


_RULES: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], bool]]] = {
    "tools": _tools,
    "tool_choice": _tool_choice,
    "parallel_tool_calls": _beside_tools,
    "response_format": _response_format,
    "reasoning_effort": _reasoning_effort,
    "logit_bias": _logit_bias,
    **dict.fromkeys(("functions", "function_call", "prediction", "modalities", "audio", "store", "metadata"), _never),
    **dict.fromkeys(("verbosity", "service_tier", "web_search_options", "moderation"), _never),
    **dict.fromkeys(("prompt_cache_options", "prompt_cache_retention"), _never),
}
MATTER_OF_THE_MODEL: Final = frozenset(_RULES)
"""Fields of which some values, or all, are not served by every deployment that has them."""
