"""One choice of a stream: a state machine over its deltas, and its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.chunks import is_annotated_only, place_of
from conformance.reading.deviation import DeviationLog, Place
from conformance.reading.event_stream import Event
from conformance.reading.expectations import Expectations
from conformance.reading.logprobs import LogprobsReader

CONTENT_KEPT: Final = 1024 * 1024
"""Characters of a choice's text that are kept."""

_SHORTEST_REPETITION: Final = 4
"""A last delta that is shorter may well equal all that went before it."""
_FEWEST_GROWING: Final = 4
_MOST_DAMAGE: Final = 20
REPLACEMENT: Final = "\ufffd"


class State(StrEnum):
    """Where a choice is."""

    WAITING = "waiting"
    """No chunk named it yet."""
    OPEN = "open"
    FINISHED = "finished"


class Step(StrEnum):
    """What one entry of `choices` does to its choice."""

    DELTA = "delta"
    FINISH = "finish"
    ANNOTATION = "annotation"
    """Moderation results, or a place holder beside the usage: nothing that belongs to the text."""


TRANSITIONS: Final[Mapping[tuple[State, Step], tuple[State, str | None]]] = {
    (State.WAITING, Step.DELTA): (State.OPEN, None),
    (State.WAITING, Step.FINISH): (State.FINISHED, None),
    (State.WAITING, Step.ANNOTATION): (State.WAITING, None),
    (State.OPEN, Step.DELTA): (State.OPEN, None),
    (State.OPEN, Step.FINISH): (State.FINISHED, None),
    (State.OPEN, Step.ANNOTATION): (State.OPEN, None),
    (State.FINISHED, Step.DELTA): (State.FINISHED, "stream.nothing-after-finish"),
    (State.FINISHED, Step.FINISH): (State.FINISHED, "stream.finish-once"),
    (State.FINISHED, Step.ANNOTATION): (State.FINISHED, None),
}
"""From a state, by a step, to a state; and the requirement that the step breaks there."""


_OPEN: Final = State.OPEN
_DELTA: Final = Step.DELTA


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice as its chunks put it together.

    `content` is its text, cut at `CONTENT_KEPT` characters; `length` is the length of all of it. `role` is that of the
    first delta. `deltas` counts the chunks that belong to it, `content_deltas` those with text. `tokens` counts the log
    probabilities, None where none were asked for.
    """

    index: int
    state: State
    role: str | None
    content: str
    length: int
    finish_reason: str | None
    deltas: int
    content_deltas: int
    tokens: int | None = None


@dataclass(slots=True)
class ChoiceReader:
    """Follows one choice. Hand it each entry of `choices` with its index, in the order of the stream."""

    index: int
    expectations: Expectations
    log: DeviationLog
    state: State = State.WAITING
    role: str | None = None
    finish_reason: str | None = None
    deltas: int = 0
    content_deltas: int = 0
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _kept: int = 0
    _last: str = ""
    _last_event: Event | None = None
    _growing: int = 0
    """How many content deltas, from the first on, began with the whole one before."""
    _damage: list[tuple[int, Place, str]] = field(default_factory=list)
    """Where U+FFFD came: the place in the text, the place in the stream, and the delta."""
    _logprobs: LogprobsReader | None = field(init=False)

    def __post_init__(self) -> None:
        self._logprobs = LogprobsReader(self.index, self.log) if self.expectations.logprobs else None

    def take(self, entry: dict[str, Any], event: Event, *, beside_usage: bool) -> None:
        """Takes one entry; `beside_usage` tells whether its chunk carries the usage."""
        delta = entry.get("delta")
        if type(delta) is not dict:
            delta = None
        step = self._step(entry, delta, event, beside_usage=beside_usage)
        before = self.state
        if step is not _DELTA or before is not _OPEN:  # else nothing changes: the table need not be asked
            self.state, broken = TRANSITIONS[before, step]
            if broken is not None:
                self._note_broken(broken, entry, event)
        if step is Step.ANNOTATION:
            return
        self.deltas += 1
        role = None if delta is None else delta.get("role")
        if role is not None or before is State.WAITING:
            self._take_role(role, event, first=before is State.WAITING)
        content = None if delta is None else delta.get("content")
        if content and type(content) is str:
            self._take_content(content, event)
        if self._logprobs is not None:
            self._logprobs.take(entry.get("logprobs"))

    def _step(self, entry: dict[str, Any], delta: dict[str, Any] | None, event: Event, *, beside_usage: bool) -> Step:
        reason = entry.get("finish_reason")
        if reason is None:
            if beside_usage and self.state is State.FINISHED and not (delta and delta.get("content")):
                return Step.ANNOTATION
            return Step.ANNOTATION if delta is None and is_annotated_only(entry) else Step.DELTA
        if type(reason) is str and reason in self.expectations.finish_reasons:
            if self.finish_reason is None:
                self.finish_reason = reason
            return Step.FINISH
        allowed = ", ".join(sorted(self.expectations.finish_reasons))
        actual = f"the finish_reason {quoted(reason)}"
        self.log.note("stream.finish-reason", f"null, or one of {allowed}", actual, place_of(event))
        if type(reason) is not str or reason in ("", "null"):
            # A badly written null: it stands in every chunk and finishes nothing.
            return Step.DELTA
        if self.finish_reason is None:
            self.finish_reason = reason
        return Step.FINISH

    def _note_broken(self, requirement: str, entry: dict[str, Any], event: Event) -> None:
        if requirement == "stream.finish-once":
            expected = f"one finish_reason for choice {self.index}"
            again = quoted(entry.get("finish_reason"))
            actual = f"a further one, {again}, after {quoted(self.finish_reason)}"
        else:
            expected = f"nothing of choice {self.index} after its finish_reason"
            actual = f"another delta of it: {quoted(entry.get('delta'))}"
        self.log.note(requirement, expected, actual, place_of(event))

    def _take_role(self, role: Any, event: Event, *, first: bool) -> None:
        if role is None:
            expected = f"the role in the first delta of choice {self.index}"
            self.log.note("stream.role-first", expected, "a first delta without it", place_of(event))
        elif role != "assistant":
            actual = f"the role {quoted(role)}"
            self.log.note("stream.role", "the role assistant in every delta that has one", actual, place_of(event))
        if first and type(role) is str:
            self.role = role

    def _take_content(self, content: str, event: Event) -> None:
        if self._growing == self.content_deltas and len(content) > len(self._last) and content.startswith(self._last):
            self._growing += 1
        self._last = content
        self._last_event = event
        if REPLACEMENT in content and len(self._damage) < _MOST_DAMAGE:
            self._damage.append((self.length + content.index(REPLACEMENT), place_of(event), content))
        self.content_deltas += 1
        self.length += len(content)
        if self._kept < CONTENT_KEPT:
            self._pieces.append(content[: CONTENT_KEPT - self._kept])
            self._kept += len(self._pieces[-1])

    def end(self, *, is_whole: bool, place: Place) -> Choice:
        """The choice as it is at the end of the stream, which is at `place`.

        `is_whole` tells whether nothing of it can be missing.
        """
        content = "".join(self._pieces)
        self._judge_increments(content)
        self._judge_damage(content)
        if self._logprobs is not None and is_whole and self.length <= CONTENT_KEPT:
            self._logprobs.end(content, place)
        for stop in self.expectations.stop:
            if stop in content:
                expected = f"no stop sequence in the text of choice {self.index}"
                self.log.note("stream.stop", expected, f"{quoted(stop)} in {quoted(content)}", self._last_place(place))
        if is_whole and self.state is State.WAITING:
            expected = f"chunks for each index from 0 to {self.expectations.n - 1}"
            self.log.note("stream.index-range", expected, f"none for choice {self.index}", place)
        if is_whole and self.state is State.OPEN:
            expected = f"a finish_reason for choice {self.index} before the stream ends"
            self.log.note("stream.finish-once", expected, f"none in its {self.deltas} chunks", place)
        return Choice(
            self.index,
            self.state,
            self.role,
            content,
            self.length,
            self.finish_reason,
            self.deltas,
            self.content_deltas,
            None if self._logprobs is None else self._logprobs.count,
        )

    def _last_place(self, end: Place) -> Place:
        """Where the last text of the choice came, or the end where none did."""
        return end if self._last_event is None else place_of(self._last_event)

    def _judge_increments(self, content: str) -> None:
        """Notes deltas that repeat what went before: the whole text at the end, or in every delta."""
        before = self.length - len(self._last)
        repeats = (
            self.content_deltas > 2
            and before == len(self._last) >= _SHORTEST_REPETITION
            and self.length <= CONTENT_KEPT
            and content[:before] == self._last
        )
        grows = self._growing == self.content_deltas >= _FEWEST_GROWING
        if self._last_event is not None and (repeats or grows):
            actual = f"the last delta is all of the text again: {quoted(self._last)}"
            self.log.note(
                "stream.content-increments", "deltas that only add to the text", actual, place_of(self._last_event)
            )

    def _judge_damage(self, content: str) -> None:
        """Notes replacement characters that nobody sent, but for a character that the token limit cut at the end."""
        if self.expectations.replacement_characters:
            return
        intact = len(content.rstrip(REPLACEMENT)) if self.finish_reason == "length" else self.length
        for position, place, delta in self._damage:
            if position < intact:
                expected = "whole characters in every delta, none replaced by U+FFFD"
                self.log.note("stream.content-intact", expected, f"U+FFFD in {quoted(delta)}", place)
