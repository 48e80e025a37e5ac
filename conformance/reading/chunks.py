"""The chunk layer: whether an event's data is a chunk, an error or the sentinel, strict JSON, and fits its schema."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from conformance.quoting import quoted
from conformance.reading.deviation import DeviationLog, Position
from conformance.reading.event_stream import Event
from conformance.strict_json import UNPROVEN, JsonRule, parse, parse_plain

if TYPE_CHECKING:
    from conformance.reading.schema import SchemaDeviation

SENTINEL: Final = "[DONE]"

_MOST_EXPLAINED: Final = 500
"""Chunks whose schema deviations are explained, which costs a hundred times as much as finding that there is one."""
_MOST_SHAPES: Final = 500
"""Shapes of chunks for which the schema keywords that they reach are found."""
_SHAPES_LOOKED_AT: Final = 2000
"""Chunks whose shape is examined; after that only those that finish a choice or carry the usage."""

_REQUIREMENT_OF_RULE: Final = {
    JsonRule.SYNTAX: "stream.json",
    JsonRule.ONE_DOCUMENT: "stream.json",
    JsonRule.ENCODING: "stream.json",
    JsonRule.BYTE_ORDER_MARK: "stream.json",
    JsonRule.UNIQUE_NAMES: "stream.json-duplicate-keys",
    JsonRule.SURROGATES: "stream.json-interoperable",
    JsonRule.NUMBERS: "stream.json-interoperable",
    JsonRule.DEPTH: "stream.json-interoperable",
}


class ChunkJudge(Protocol):
    """Judges an instance by a schema, as `conformance.reading.schema.SchemaJudge` does."""

    def conforms(self, instance: Any, /) -> bool:
        """Whether the instance fits the schema; fast."""

    def deviations(self, instance: Any, /) -> Sequence[SchemaDeviation]:
        """The keywords that it breaks; slow."""

    def reached(self, instance: Any, /) -> frozenset[str]:
        """The keys of the keywords that judged a value of the instance."""


class EventKind(StrEnum):
    """What an event is."""

    CHUNK = "chunk"
    ERROR = "error"
    SENTINEL = "sentinel"
    UNREADABLE = "unreadable"


class Chunk(NamedTuple):
    """An event's kind and, for chunks and errors, its JSON object."""

    kind: EventKind
    value: dict[str, Any]


_NOTHING: Final[dict[str, Any]] = {}
_SENTINEL_CHUNK: Final = Chunk(EventKind.SENTINEL, _NOTHING)
_UNREADABLE_CHUNK: Final = Chunk(EventKind.UNREADABLE, _NOTHING)
_CHUNK: Final = EventKind.CHUNK
_new_chunk = tuple.__new__
"""Twice as fast as calling the class, which would check the names."""


def position_of(event: Event) -> Position:
    """The position of an event, for a deviation."""
    return Position(event.offset, event.at, event.number)


def is_annotation(chunk: dict[str, Any]) -> bool:
    """Whether a chunk has nothing but moderation results, as Azure sends them before and between deltas.

    Such a chunk has no delta and finishes nothing; its id, model and object may be empty.
    """
    choices = chunk.get("choices")
    if not isinstance(choices, list):
        return False
    if not choices:
        return "prompt_filter_results" in chunk
    return all(isinstance(choice, dict) and is_annotated_only(choice) for choice in choices)


def is_annotated_only(choice: dict[str, Any]) -> bool:
    """Whether an entry of `choices` has moderation results and no delta."""
    return "content_filter_results" in choice and "delta" not in choice and choice.get("finish_reason") is None


class ChunkReader:
    """Reads one event after another and collects the schema keywords that its chunks reach."""

    def __init__(
        self, log: DeviationLog, judge: ChunkJudge | None = None, error_judge: ChunkJudge | None = None
    ) -> None:
        self.reached: set[str] = set()
        self.judged_chunks = 0
        """How many chunks were judged by the schema."""
        self._log = log
        self._judge = judge
        self._error_judge = error_judge
        self._explained = 0
        self._shapes: set[tuple[Any, ...]] = set()

    def read(self, event: Event) -> Chunk:
        """What an event is; its deviations are added to the log."""
        data = event.data
        if data == SENTINEL:
            return _SENTINEL_CHUNK
        if not data or data.isspace():
            self._log.note(
                "stream.no-empty-event", "data in every event", "an event with empty data", position_of(event)
            )
            return _UNREADABLE_CHUNK
        value = parse_plain(data, _least_names)
        if value is UNPROVEN:
            value, readable, faults = parse(data)
            for rule, actual in faults:
                requirement = _REQUIREMENT_OF_RULE[rule]
                self._log.note(requirement, f"one strict JSON document or {SENTINEL}", actual, position_of(event))
            if not readable:
                return _UNREADABLE_CHUNK
        if type(value) is not dict:
            expected = "a chunk object, an error object or the sentinel"
            self._log.note("stream.event-kind", expected, f"the data {quoted(data)}", position_of(event))
            self._judge_by_schema(value, event)
            return _UNREADABLE_CHUNK
        if _is_error(value, event):
            self._judge_error(value, event)
            return Chunk(EventKind.ERROR, value)
        self._judge_by_schema(value, event)
        return _new_chunk(Chunk, (_CHUNK, value))

    def _judge_by_schema(self, value: Any, event: Event) -> None:
        judge = self._judge
        if judge is None:
            return
        self.judged_chunks += 1
        if not judge.conforms(value) and not (type(value) is dict and is_annotation(value)):
            self._explain(judge, value, event)
        if self.judged_chunks <= _SHAPES_LOOKED_AT or _is_special(value):
            shape = _shape(value)
            if shape not in self._shapes and len(self._shapes) < _MOST_SHAPES:
                self._shapes.add(shape)
                self.reached |= judge.reached(value)

    def _explain(self, judge: ChunkJudge, value: Any, event: Event) -> None:
        self._explained += 1
        if self._explained > _MOST_EXPLAINED:
            self._log.note("stream.chunk", "a chunk that fits its schema", "a chunk that does not", position_of(event))
            return
        for found in judge.deviations(value):
            key = found.pointer if found.name is None else f"{found.pointer}#{found.name}"
            actual = f"{found.actual} at {found.instance_path or 'the root'}"
            self._log.note("stream.chunk", found.expected, actual, position_of(event), key)

    def _judge_error(self, value: dict[str, Any], event: Event) -> None:
        """Notes an error object that does not have the form of the contract's error responses."""
        if self._error_judge is None:
            error = value.get("error")
            message = error.get("message") if isinstance(error, dict) else error
            if isinstance(message, str) and message:
                return
            why = quoted(event.data)
        else:
            if self._error_judge.conforms(value):
                return
            found = self._error_judge.deviations(value)[:3] if self._log.keeps("stream.error-recognisable") else ()
            why = "; ".join(f"{one.actual} at {one.instance_path or 'the root'}" for one in found)
        self._log.note("stream.error-recognisable", "the contract's error object", why, position_of(event))


def _least_names(value: Any) -> int:
    """The number of names in a usual chunk: its own, those of its one choice and of the delta; never too many."""
    if type(value) is not dict:
        return 0
    names = len(value)
    choices = value.get("choices")
    if type(choices) is list and len(choices) == 1 and type(choices[0]) is dict:
        names += len(choices[0])
        delta = choices[0].get("delta")
        if type(delta) is dict:
            names += len(delta)
    return names


def _is_error(value: dict[str, Any], event: Event) -> bool:
    """Whether an object reports a failure: by its `error` member, its event's type, or its `object`."""
    error = value.get("error")
    if error or event.type == "error" or value.get("object") == "error":
        return True
    if "choices" in value:
        return False  # beside choices, an empty error says that there is none
    return error is not None or ("message" in value and ("code" in value or "error" in value))


def _is_special(value: Any) -> bool:
    """Whether a chunk is anything but one delta of one choice."""
    choices = value.get("choices") if type(value) is dict else None
    if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
        return True
    return choices[0].get("finish_reason") is not None or value.get("usage") is not None


def _shape(value: Any) -> tuple[Any, ...]:
    """The members of a chunk and their types: chunks of one shape reach the same schema keywords."""
    choices = value.get("choices") if type(value) is dict else None
    if type(choices) is not list:
        return (type(value), *value) if type(value) is dict else (type(value),)
    entries = [_entry_shape(choice) for choice in choices[:2] if type(choice) is dict]
    return (*value, type(value.get("usage")), *entries)


def _entry_shape(entry: dict[str, Any]) -> tuple[Any, ...]:
    get = entry.get
    delta = get("delta")
    members = (*delta, type(delta.get("content"))) if type(delta) is dict else ()
    return (*entry, type(get("finish_reason")), type(get("logprobs")), members)
