"""Puts the chunks of a stream together into the completion that the same answer would be without streaming."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from conformance.reading.choices import Choice, State
from conformance.reading.schema import SchemaDeviation, SchemaJudge
from conformance.reading.stream_reading import StreamReading

_GATHERED: Final = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "index", "message", "finish_reason", "role", "content"}
)
"""The members that are put together. What else a schema requires may have been in the chunks."""


def assembled(reading: StreamReading) -> dict[str, Any]:
    """The completion that a stream stands for.

    A member is left out where no chunk has it well-typed. The role is `assistant` where no delta says otherwise: the
    chunk object does not require it. The usage is there where the stream has one.
    """
    members = reading.sequence.members
    body: dict[str, Any] = {name: members[name] for name in ("id", "created", "model") if name in members}
    if "object" in members:
        body["object"] = "chat.completion"
    opened = (choice for _, choice in sorted(reading.choices.items()) if choice.state is not State.WAITING)
    body["choices"] = [_choice(choice) for choice in opened]
    if reading.usage is not None:
        body["usage"] = reading.usage
    return body


def misfits(reading: StreamReading, judge: SchemaJudge) -> Iterator[SchemaDeviation]:
    """In what the assembled stream does not fit the schema of a completion.

    Left out is what the stream need not have: members that are not put together, and a usage that was not asked for.
    """
    for one in judge.deviations(assembled(reading)):
        if one.name is not None and one.name not in _GATHERED:
            continue
        if one.name == "usage" and reading.expectations.usage is not True:
            continue
        yield one


def _choice(choice: Choice) -> dict[str, Any]:
    return {
        "index": choice.index,
        "message": {"role": choice.role or "assistant", "content": choice.content},
        "finish_reason": choice.finish_reason,
    }
