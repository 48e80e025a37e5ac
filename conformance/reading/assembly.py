"""Puts the chunks of a stream together into the completion that the same answer would be without streaming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.reading.choices import Choice, ChoiceState
from conformance.reading.schema import SchemaDeviation, SchemaJudge
from conformance.reading.stream_reading import StreamReading
from conformance.reading.tool_calls import as_members

_GATHERED: Final = frozenset(
    {
        *("id", "object", "created", "model", "choices", "usage", "index", "message", "finish_reason", "role"),
        *("content", "tool_calls", "type", "function", "custom", "name", "arguments", "input"),
    }
)
"""The members that are put together. Others that a schema requires may have been in the chunks."""


_CLOSING: Final = ("/additionalProperties", "/unevaluatedProperties")


def assembled(reading: StreamReading) -> dict[str, Any]:
    """The completion that a stream stands for.

    A member that no chunk has well-typed is left out. The role is `assistant` where no delta has one, since the chunk
    object does not require it.
    """
    members = reading.sequence.members
    body: dict[str, Any] = {name: members[name] for name in ("id", "created", "model") if name in members}
    if "object" in members:
        body["object"] = "chat.completion"
    opened = (choice for _, choice in sorted(reading.choices.items()) if choice.state is not ChoiceState.WAITING)
    body["choices"] = [_choice(choice) for choice in opened]
    if reading.usage is not None:
        body["usage"] = reading.usage
    return body


def assembled_deviations(reading: StreamReading, judge: SchemaJudge) -> Iterator[SchemaDeviation]:
    """Where the assembled stream does not fit the schema of a completion.

    Members that are not put together are left out, and so is the usage where the request does not want it. Of several
    branches, one is enough.
    """
    body = assembled(reading)
    found = list(_counted(reading, judge, body))
    if found and any(not list(_counted(reading, branch, body)) for branch in judge.branches):
        return
    yield from found


def _counted(reading: StreamReading, judge: SchemaJudge, body: Any) -> Iterator[SchemaDeviation]:
    for one in judge.deviations(body):
        if one.name is not None and one.name not in _GATHERED:
            continue
        if one.name == "usage" and reading.expectations.usage is not True:
            continue
        if one.pointer in _CLOSING and set(body) - set(_properties(judge)) == {"usage"}:
            continue  # where a whole answer has no usage, the one that a stream was asked for stands beside it
        yield one


def _properties(judge: SchemaJudge) -> Mapping[str, Any]:
    found: Mapping[str, Any] = judge.schema.get("properties", {}) if isinstance(judge.schema, Mapping) else {}
    return found


def _choice(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": choice.role or "assistant", "content": choice.content}
    if choice.calls:
        message["tool_calls"] = as_members(choice.calls)
    return {"index": choice.index, "message": message, "finish_reason": choice.finish_reason}
