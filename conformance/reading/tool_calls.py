"""The tool calls of one choice, put together from the deltas of a stream or read from a whole message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.chunks import position_of
from conformance.reading.deviation import DeviationLog
from conformance.reading.event_stream import Event

MOST_CALLS: Final = 256
"""Calls of one choice that are kept; others are only counted."""
INPUT_KEPT: Final = 256 * 1024
"""Characters of a call's input that are kept."""
_INPUT_OF: Final = {"function": "arguments", "custom": "input"}
"""The member that holds the input of a call, by its kind."""

STREAM_INDEX: Final = "tools.stream-index"
STREAM_OPENING: Final = "tools.stream-opening"
STREAM_LATER: Final = "tools.stream-later-deltas"
STREAM_SEVERAL: Final = "tools.stream-several"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool as it came. What is missing or has the wrong type is None.

    `input` is the arguments of a function or the input of a custom tool, cut at `INPUT_KEPT` characters; `length` is
    the length of all of it.
    """

    id: str | None
    kind: str | None
    name: str | None
    input: str | None
    length: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all of its input was kept."""
        return self.input is not None and self.length == len(self.input)


def calls_of(message: Any) -> tuple[ToolCall, ...]:
    """The calls in a message that came whole; null and an empty list stand for none."""
    listed = message.get("tool_calls") if isinstance(message, dict) else None
    return tuple(map(_whole_call, listed[:MOST_CALLS])) if isinstance(listed, list) else ()


def _whole_call(call: Any) -> ToolCall:
    if not isinstance(call, dict):
        return ToolCall(None, None, None, None)
    kind = _text(call.get("type"))
    held = call.get(kind or "function")
    held = held if isinstance(held, dict) else {}
    given = _text(held.get(_INPUT_OF.get(kind or "", "arguments")))
    return ToolCall(
        _text(call.get("id")), kind, _text(held.get("name")), given and given[:INPUT_KEPT], len(given or "")
    )


@dataclass(slots=True)
class _Open:
    """A call of which deltas have come."""

    id: str = ""
    kind: str = ""
    name: str = ""
    pieces: list[str] = field(default_factory=list)
    has_input: bool = False
    length: int = 0
    kept: int = 0
    member: str = "function"


@dataclass(slots=True)
class ToolCallReader:
    """Follows the calls of one choice of a stream. Give it the `tool_calls` of each delta in order.

    Clients join what has one index: ids, names and arguments by concatenation, so that a second id or name is wrong.
    """

    choice: int
    log: DeviationLog
    count: int = 0
    _calls: dict[int, _Open] = field(default_factory=dict)

    def take(self, entries: Any, event: Event) -> bool:
        """Take the `tool_calls` of one delta; returns whether it had any."""
        if not isinstance(entries, list):
            return False  # the schema of a chunk says what is wrong with it
        for entry in entries:
            if isinstance(entry, dict):
                self._take(entry, event)
        return bool(entries)

    def _take(self, entry: dict[str, Any], event: Event) -> None:
        index = entry.get("index")
        if type(index) is not int or index < 0:
            expected = f"an index of the call, a whole number from 0, in every delta of it in choice {self.choice}"
            actual = f"the index {quoted(index)}" if "index" in entry else "no index"
            self.log.note(STREAM_INDEX, expected, actual, position_of(event))
            index = max(self._calls, default=0)
        known = self._calls.get(index)
        if known is not None:
            self._go_on(known, index, entry, event)
            return
        self.count += 1
        if self.count > MOST_CALLS:
            return
        if index != len(self._calls):
            expected = f"the index {len(self._calls)} for the next call of choice {self.choice}"
            self.log.note(STREAM_INDEX, expected, f"the index {index}", position_of(event))
        self._open(index, entry, event)

    def _open(self, index: int, entry: dict[str, Any], event: Event) -> None:
        opened = self._calls[index] = _Open(id=_text(entry.get("id")) or "", kind=_text(entry.get("type")) or "")
        opened.member = "custom" if "custom" in entry else "function"
        opened.name = _text(_held(entry, opened.member).get("name")) or ""
        missing = [name for name, value in (("id", opened.id), ("name", opened.name)) if not value]
        if missing:
            expected = f"the id and the name of call {index} in its first delta"
            self.log.note(STREAM_OPENING, expected, f"no {' and no '.join(missing)} in it", position_of(event))
        self._add_input(opened, entry)

    def _go_on(self, call: _Open, index: int, entry: dict[str, Any], event: Event) -> None:
        held = _held(entry, call.member)
        given = entry.get("id")
        if isinstance(given, str) and given and call.id and given != call.id:
            expected = f"an index of its own for each call of choice {self.choice}"
            actual = f"the id {quoted(given)} under the index {index} of the call {quoted(call.id)}"
            self.log.note(STREAM_SEVERAL, expected, actual, position_of(event))
        again: list[str] = []
        for name, value in (("id", entry.get("id")), ("name", held.get("name"))):
            if isinstance(value, str) and value:
                if getattr(call, name):
                    again.append(f"the {name} {quoted(value)}")
                setattr(call, name, getattr(call, name) + value)
        if again:
            expected = f"nothing but arguments in later deltas of call {index}, whose id and name were given"
            self.log.note(STREAM_LATER, expected, " and ".join(again), position_of(event))
        call.kind = call.kind or _text(entry.get("type")) or ""
        self._add_input(call, entry)

    def _add_input(self, call: _Open, entry: dict[str, Any]) -> None:
        piece = _held(entry, call.member).get("input" if call.member == "custom" else "arguments")
        if not isinstance(piece, str):
            return
        call.has_input = True
        call.length += len(piece)
        if call.kept < INPUT_KEPT:
            call.pieces.append(piece[: INPUT_KEPT - call.kept])
            call.kept += len(call.pieces[-1])

    def end(self) -> tuple[ToolCall, ...]:
        """The calls as they are at the end of the stream, in the order of their index."""
        return tuple(self._ended())

    def _ended(self) -> Iterator[ToolCall]:
        for _, call in sorted(self._calls.items()):
            given = "".join(call.pieces) if call.has_input else None
            yield ToolCall(call.id or None, call.kind or None, call.name or None, given, call.length)


def as_members(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]]:
    """Calls as a whole message has them, without what did not come; without a type, a call is one of a function."""
    return [_as_member(call) for call in calls]


def _as_member(call: ToolCall) -> dict[str, Any]:
    kind = call.kind or "function"
    held = {"name": call.name, _INPUT_OF.get(kind, "arguments"): call.input}
    whole = {"id": call.id, "type": kind, kind: {name: value for name, value in held.items() if value is not None}}
    return {name: value for name, value in whole.items() if value is not None}


def _held(entry: dict[str, Any], member: str) -> dict[str, Any]:
    held = entry.get(member)
    return held if isinstance(held, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
