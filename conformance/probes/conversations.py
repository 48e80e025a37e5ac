"""Conversations with calls of tools: what a call, and the result of a call, need beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from conformance.contract.vocabulary import child_schemas

TOOL_NAME: Final = "get_weather"
TOOL: Final[Mapping[str, Any]] = {
    "type": "function",
    "function": {
        "name": TOOL_NAME,
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
"""A tool as agents give it."""
OF_RESULTS: Final = ("tool", "function")
"""Roles of messages that only follow a call."""
_CALL_ID: Final = "call_0001"
_ASKING: Final = {"role": "user", "content": "What is the weather in Paris?"}
_GOING_ON: Final = {"role": "user", "content": "Say it again."}
_INSTRUCTING: Final = frozenset({"system", "developer"})


def in_context(messages: Sequence[Any]) -> tuple[list[Any], int]:
    """The conversation with what its calls need, and how many messages were put before the first.

    The message of a tool comes after the call with its id, a call is followed by the result of each tool, and the user
    speaks before an assistant does, and after one that calls nothing.
    """
    completed: list[Any] = []
    called: set[str] = set()
    before = 0
    for number, message in enumerate(messages):
        needed = list(_needed_before(message, completed, called))
        if number == 0:
            before = len(needed)
        completed += [*needed, message]
        called |= {one for part in (*needed, message) for one in called_by(part)}
        following = messages[number + 1 :]
        completed += [result_of(one) for one in called_by(message) if not _answers(following, one)]
    if completed and role_of(completed[-1]) == "assistant":
        completed.append(_GOING_ON)
    return completed, before


def names_called(messages: Any) -> list[str]:
    """The names of the functions that a conversation calls, each once."""
    listed = messages if isinstance(messages, list) else []
    calls = [call for message in listed for call in calls_of(message)]
    functions = [call.get("function") for call in calls]
    names = [one.get("name") for one in functions if isinstance(one, Mapping)]
    return list(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def tools_for(messages: Any) -> list[dict[str, Any]]:
    """A tool for each function that a conversation calls: many deployments want them beside the calls."""
    parameters = {"type": "object", "properties": {}}
    return [{"type": "function", "function": {"name": one, "parameters": parameters}} for one in names_called(messages)]


def role_of(message: Any) -> Any:
    """The role of a message, or None where it has none."""
    return message.get("role") if isinstance(message, Mapping) else None


def calls_of(message: Any) -> list[Mapping[str, Any]]:
    """The calls of tools that an assistant's message has."""
    calls = message.get("tool_calls") if isinstance(message, Mapping) and role_of(message) == "assistant" else None
    return [one for one in calls if isinstance(one, Mapping)] if isinstance(calls, list) else []


def called_by(message: Any) -> list[str]:
    """The ids of the calls that a message has."""
    return [one["id"] for one in calls_of(message) if isinstance(one.get("id"), str)]


def calling(call_id: str) -> dict[str, Any]:
    """An assistant's message that calls the tool."""
    function = {"name": TOOL_NAME, "arguments": '{"city": "Paris"}'}
    return {"role": "assistant", "content": None, "tool_calls": [_function_call(call_id, function)]}


def result_of(call_id: str) -> dict[str, Any]:
    """A tool's message that answers a call."""
    return {"role": "tool", "tool_call_id": call_id, "content": "18 degrees and sunny."}


def _function_call(call_id: str, function: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": dict(function)}


def _needed_before(message: Any, completed: Sequence[Any], called: set[str]) -> Iterator[Any]:
    spoken = any(role_of(one) not in _INSTRUCTING for one in completed)
    if role_of(message) == "assistant" and not spoken:
        yield _ASKING
    if role_of(message) == "tool":
        wanted = message.get("tool_call_id")
        call_id = wanted if isinstance(wanted, str) and wanted else _CALL_ID
        if call_id not in called:
            if not spoken:
                yield _ASKING
            yield calling(call_id)


def _answers(messages: Sequence[Any], call_id: str) -> bool:
    """Whether a result of the call is among the messages that directly follow it."""
    for message in messages:
        if role_of(message) != "tool":
            return False
        if message.get("tool_call_id") == call_id:
            return True
    return False


def usual_message(schema: Any) -> dict[str, Any]:
    """The `properties` and `required` of a usual message: of all kinds, and of the kind that its schema names first."""
    if not isinstance(schema, Mapping):
        return {"properties": {}, "required": []}
    kind = usual_message(schema.get("then") if "if" in schema else None)
    required = dict.fromkeys([*schema.get("required", ()), *kind["required"]])
    return {"properties": {**kind["properties"], **schema.get("properties", {})}, "required": list(required)}


def knows_calls(schema: Any) -> bool:
    """Whether the schema of messages describes calls of tools."""
    return any("tool_calls" in one.get("properties", {}) for one in _schemas_within(schema))


def named_roles(schema: Any) -> frozenset[str]:
    """The roles that the schema of messages names."""
    roles = (one.get("properties", {}).get("role") for one in _schemas_within(schema))
    values = ((*role.get("enum", ()), role.get("const")) for role in roles if isinstance(role, Mapping))
    return frozenset(value for some in values for value in some if isinstance(value, str))


def described_members(schema: Any) -> frozenset[str]:
    """The members that the schema of messages describes."""
    members = ((one, one.get("properties", {})) for one in _schemas_within(schema))
    return frozenset(name for one, some in members if {"content", "role"} & some.keys() or "if" in one for name in some)


def _schemas_within(schema: Any) -> Iterator[Mapping[str, Any]]:
    """A schema and all that stand within it, each once."""
    ahead: list[Any] = [schema]
    seen: set[int] = set()
    while ahead:
        one = ahead.pop()
        if isinstance(one, Mapping) and id(one) not in seen:
            seen.add(id(one))
            yield one
            ahead.extend(child for _, child in child_schemas(one))


def with_own_names(tools: Sequence[Any]) -> list[Any]:
    """Function tools of which no two have one name."""
    taken: set[str] = set()
    apart: list[Any] = []
    for number, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            apart.append(tool)
            continue
        name = function["name"]
        apart.append({**tool, "function": {**function, "name": f"{name}_{number}"}} if name in taken else tool)
        taken.add(name)
    return apart


def with_own_ids(message: Any) -> Any:
    """A message of which no two calls have one id."""
    if not calls_of(message):
        return message
    taken: set[Any] = set()
    apart: list[Any] = []
    for number, call in enumerate(message["tool_calls"]):
        known = isinstance(call, Mapping) and isinstance(call.get("id"), str)
        apart.append({**call, "id": f"{call['id']}_{number}"} if known and call["id"] in taken else call)
        taken |= {call["id"]} if known else set()
    return {**message, "tool_calls": apart}
