"""The sequence layer: what must be true of all chunks of a stream together, as a state machine over its events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.choices import Choice, ChoiceReader, ChoiceState
from conformance.reading.chunks import SENTINEL, Chunk, EventKind, is_annotation, position_of
from conformance.reading.deviation import NO_POSITION, DeviationLog, Position
from conformance.reading.event_stream import Event
from conformance.reading.expectations import Expectations
from conformance.reading.usage import UsageReader


class Phase(StrEnum):
    """How far a stream has come."""

    RUNNING = "running"
    DONE = "done"
    """The sentinel came."""
    FAILED = "failed"
    """An error came."""


PHASES: Final[Mapping[tuple[Phase, EventKind], tuple[Phase, str | None]]] = {
    (Phase.RUNNING, EventKind.CHUNK): (Phase.RUNNING, None),
    (Phase.RUNNING, EventKind.UNREADABLE): (Phase.RUNNING, None),
    (Phase.RUNNING, EventKind.SENTINEL): (Phase.DONE, None),
    (Phase.RUNNING, EventKind.ERROR): (Phase.FAILED, None),
    (Phase.DONE, EventKind.CHUNK): (Phase.DONE, "stream.done-last"),
    (Phase.DONE, EventKind.UNREADABLE): (Phase.DONE, "stream.done-last"),
    (Phase.DONE, EventKind.SENTINEL): (Phase.DONE, "stream.done-once"),
    (Phase.DONE, EventKind.ERROR): (Phase.DONE, "stream.done-last"),
    (Phase.FAILED, EventKind.CHUNK): (Phase.FAILED, "stream.error-terminal"),
    (Phase.FAILED, EventKind.UNREADABLE): (Phase.FAILED, "stream.error-terminal"),
    (Phase.FAILED, EventKind.SENTINEL): (Phase.FAILED, "stream.done-absent-after-error"),
    (Phase.FAILED, EventKind.ERROR): (Phase.FAILED, "stream.error-terminal"),
}
"""The phase that follows from a phase and an event, and the requirement that the event breaks there."""

_RUNNING: Final = Phase.RUNNING
_CHUNK: Final = EventKind.CHUNK

_EXPECTED: Final = {
    "stream.done-last": f"nothing after {SENTINEL}",
    "stream.done-once": f"{SENTINEL} once",
    "stream.error-terminal": "nothing after an error",
    "stream.done-absent-after-error": f"no {SENTINEL} after an error, since it stands for success",
}

_NO_SECONDS: Final = 100_000_000_000
"""A time of creation from here on is not in seconds, for they would be more than a thousand years in the future."""

_CONSTANT: Final = {
    "id": "stream.id-constant",
    "object": "stream.object",
    "created": "stream.created-constant",
    "model": "stream.model-constant",
}
"""The members that every chunk has, and the requirement on each."""


@dataclass(frozen=True, slots=True)
class SequenceReading:
    """What all events of a stream say together.

    `members` has each constant member of the first chunk where it is well-typed. `terminal_at` is when the sentinel or
    the error came, in seconds, None where neither came.
    """

    phase: Phase
    chunks: int
    sentinels: int
    errors: tuple[dict[str, Any], ...]
    choices: Mapping[int, Choice]
    members: Mapping[str, Any]
    usage: dict[str, Any] | None
    usages: int
    terminal_at: float | None


class SequenceReader:
    """Follows a stream. Give it each event with its chunk, then call `end`."""

    def __init__(self, expectations: Expectations, log: DeviationLog) -> None:
        self.phase = Phase.RUNNING
        self.chunks = 0
        self.content_deltas = 0
        """How many entries of `choices` had text so far."""
        self.terminal_at: float | None = None
        self._expectations = expectations
        self._log = log
        self._choices: dict[int | float, ChoiceReader] = {
            index: ChoiceReader(index, expectations, log) for index in range(expectations.n)
        }
        self._usage = UsageReader(expectations, log)
        self._members: dict[str, Any] = {}
        self._envelope: tuple[Any, ...] | None = None
        """The constant members of the last chunk in which all of them were right."""
        self._sentinels = 0
        self._errors: list[dict[str, Any]] = []

    def take(self, chunk: Chunk, event: Event) -> None:
        """Takes one event."""
        kind, before = chunk.kind, self.phase
        if kind is _CHUNK and before is _RUNNING:
            # Nearly all events are chunks. They skip the table: hashing its key costs more than everything else here.
            self.chunks += 1
            self._take_chunk(chunk.value, event)
            return
        self.phase, broken = PHASES[before, kind]
        if broken is not None:
            self._log.note(broken, _EXPECTED[broken], f"the event {quoted(event.data)}", position_of(event))
        if kind is EventKind.CHUNK:
            self.chunks += 1
            return
        if kind is EventKind.SENTINEL:
            self._sentinels += 1
        elif kind is EventKind.ERROR and len(self._errors) < 3:
            self._errors.append(chunk.value)
        if self.terminal_at is None and self.phase is not Phase.RUNNING:
            self.terminal_at = event.at

    def _take_chunk(self, chunk: dict[str, Any], event: Event) -> None:
        envelope = (chunk.get("id"), chunk.get("object"), chunk.get("created"), chunk.get("model"))
        if envelope != self._envelope:
            self._judge_envelope(chunk, envelope, event)
        choices = chunk.get("choices")
        usage = chunk.get("usage")
        if type(usage) is not dict:
            usage = None
        if type(choices) is list:
            for entry in choices:
                if type(entry) is not dict:
                    continue
                index = entry.get("index")
                choice = self._choices.get(index) if type(index) is int or type(index) is float else None
                if choice is None:
                    self._note_index(index, event)
                elif choice.take(entry, event, usage):
                    self.content_deltas += 1
        if usage is not None:
            finished = all(choice.state is ChoiceState.FINISHED for choice in self._choices.values())
            self._usage.take(usage, chunk, event, all_finished=finished)
        elif choices and self._usage.count:
            self._usage.go_on()

    def _note_index(self, index: Any, event: Event) -> None:
        n = self._expectations.n
        expected = "the index 0, since the request wants one choice" if n == 1 else f"an index from 0 to {n - 1}"
        self._log.note("stream.index-range", expected, f"the index {quoted(index)}", position_of(event))

    def _judge_envelope(self, chunk: dict[str, Any], envelope: tuple[Any, ...], event: Event) -> None:
        """Judges id, object, created and model of a chunk in which one of them differs from the chunk before."""
        lenient = is_annotation(chunk)
        clean = True
        for (member, requirement), value in zip(_CONSTANT.items(), envelope, strict=True):
            if lenient and not value:
                clean = False
                continue
            first = self._members.get(member)
            expected = self._expected_of(member, first)
            if (
                not _is_well_typed(member, value)
                or (first is not None and value != first)
                or (member == "object" and value != self._expectations.object)
            ):
                actual = f"the {member} {quoted(value)}" if member in chunk else f"no {member}"
                self._log.note(requirement, expected, actual, position_of(event))
                clean = False
            elif first is None:
                self._members[member] = value
        if clean:
            self._envelope = envelope

    def _expected_of(self, member: str, first: Any) -> str:
        if member == "object":
            return f"the object {self._expectations.object} in every chunk"
        if first is not None:
            return f"the same {member} in every chunk, {quoted(first)}"
        return f"{member} in every chunk, " + ("seconds since 1970" if member == "created" else "not empty")

    def end(self, *, is_whole: bool, position: Position = NO_POSITION) -> SequenceReading:
        """Ends the stream at `position`.

        `is_whole` says whether the target ended it, so that what has not come is missing.
        """
        if is_whole and self.chunks == 0 and not self._errors:
            self._log.note("stream.not-empty", "at least one chunk", "a stream without chunks", position)
        # A stream without chunks gets one finding and no further ones.
        expects_all = is_whole and self.phase is not Phase.FAILED and self.chunks > 0
        ended = [reader.end(is_whole=expects_all, position=position) for reader in self._choices.values()]
        text_length = sum(choice.length for choice in ended)
        self._usage.end(is_whole=expects_all, text_length=text_length, position=position)
        if is_whole and self.phase is Phase.RUNNING:
            self._log.note(
                "stream.done-once", f"{SENTINEL} as the last event", "a stream that ends without it", position
            )
        return SequenceReading(
            self.phase,
            self.chunks,
            self._sentinels,
            tuple(self._errors),
            {choice.index: choice for choice in ended},
            self._members,
            self._usage.last,
            self._usage.count,
            self.terminal_at,
        )


def _is_well_typed(member: str, value: Any) -> bool:
    if member == "created":
        return (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 <= value < _NO_SECONDS
            and value == int(value)
        )
    return isinstance(value, str) and value != ""
