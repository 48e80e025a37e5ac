"""One choice of a stream: a state machine over its entries, and its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from conformance.quoting import quoted
from conformance.reading.beside_text import BesideText
from conformance.reading.chunks import is_annotated_only, position_of
from conformance.reading.deviation import DeviationLog, Position
from conformance.reading.event_stream import Event
from conformance.reading.expectations import Expectations
from conformance.reading.logprobs import LogprobsReader
from conformance.reading.tool_calls import ToolCall

CONTENT_KEPT: Final = 1024 * 1024
"""Characters of a choice's text that are kept."""

_SHORTEST_REPETITION: Final = 4
"""A shorter last delta may equal all text before it by chance."""
_FEWEST_GROWING: Final = 4
_MOST_DAMAGE: Final = 20
REPLACEMENT: Final = "\ufffd"


class ChoiceState(StrEnum):
    """How far a choice has come."""

    WAITING = "waiting"
    """No chunk has named it yet."""
    OPEN = "open"
    FINISHED = "finished"


class EntryKind(StrEnum):
    """What one entry of `choices` is for its choice."""

    DELTA = "delta"
    FINISH = "finish"
    ANNOTATION = "annotation"
    """Moderation results, or a placeholder beside the usage: nothing of the text."""


TRANSITIONS: Final[Mapping[tuple[ChoiceState, EntryKind], tuple[ChoiceState, str | None]]] = {
    (ChoiceState.WAITING, EntryKind.DELTA): (ChoiceState.OPEN, None),
    (ChoiceState.WAITING, EntryKind.FINISH): (ChoiceState.FINISHED, None),
    (ChoiceState.WAITING, EntryKind.ANNOTATION): (ChoiceState.WAITING, None),
    (ChoiceState.OPEN, EntryKind.DELTA): (ChoiceState.OPEN, None),
    (ChoiceState.OPEN, EntryKind.FINISH): (ChoiceState.FINISHED, None),
    (ChoiceState.OPEN, EntryKind.ANNOTATION): (ChoiceState.OPEN, None),
    (ChoiceState.FINISHED, EntryKind.DELTA): (ChoiceState.FINISHED, "stream.nothing-after-finish"),
    (ChoiceState.FINISHED, EntryKind.FINISH): (ChoiceState.FINISHED, "stream.finish-once"),
    (ChoiceState.FINISHED, EntryKind.ANNOTATION): (ChoiceState.FINISHED, None),
}
"""The state that follows from a state and an entry, and the requirement that the entry breaks there."""


_OF_TEXT: Final = frozenset({"role", "content"})
_OPEN: Final = ChoiceState.OPEN
_WAITING: Final = ChoiceState.WAITING
_DELTA: Final = EntryKind.DELTA
_ANNOTATION: Final = EntryKind.ANNOTATION


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice, put together from its chunks.

    `content` is its text, cut at `CONTENT_KEPT` characters; `length` is the length of all of it. `role` is that of the
    first delta. `deltas` counts its chunks, `content_deltas` those with text. `tokens` counts the log probabilities,
    None where the request wants none.
    """

    index: int
    state: ChoiceState
    role: str | None
    content: str
    length: int
    finish_reason: str | None
    deltas: int
    content_deltas: int
    tokens: int | None = None
    calls: tuple[ToolCall, ...] = ()
    call_deltas: int = 0
    """How many of its chunks had a part of a call."""
    reasoning: str = ""
    """Its reasoning text, from whichever member has it, cut like the text."""
    reasoning_members: frozenset[str] = frozenset()
    refusal: str = ""


def _says_something(delta: dict[str, Any] | None) -> bool:
    return bool(delta and (delta.get("content") or delta.get("tool_calls")))


@dataclass(slots=True)
class ChoiceReader:
    """Follows one choice. Hand it each entry of `choices` with its index, in the order of the stream."""

    index: int
    expectations: Expectations
    log: DeviationLog
    state: ChoiceState = ChoiceState.WAITING
    role: str | None = None
    finish_reason: str | None = None
    deltas: int = 0
    content_deltas: int = 0
    length: int = 0
    _pieces: list[str] = field(default_factory=list)
    _last: str = ""
    _last_event: Event | None = None
    _growing: int = 0
    """How many content deltas, from the first on, begin with the whole one before."""
    _damage: list[tuple[int, Position, str]] = field(default_factory=list)
    """Each U+FFFD: its index in the text, its position in the stream, and the delta."""
    _logprobs: LogprobsReader | None = field(init=False)
    _beside: BesideText | None = None

    def __post_init__(self) -> None:
        wanted = self.expectations.alternatives
        self._logprobs = LogprobsReader(self.index, self.log, wanted) if self.expectations.logprobs else None

    def take(self, entry: dict[str, Any], event: Event, usage: dict[str, Any] | None) -> bool:
        """Takes one entry, and says whether it had text; `usage` is the one that its chunk carries, if any."""
        delta = entry.get("delta")
        if type(delta) is not dict:
            delta = None
        if delta is not None and usage is None and entry.get("finish_reason") is None:
            kind = _DELTA  # as nearly all are
        else:
            kind = self._kind(entry, delta, event, beside_usage=usage is not None)
        before = self.state
        if kind is not _DELTA or before is not _OPEN:  # else nothing changes, and the table need not be read
            self.state, broken = TRANSITIONS[before, kind]
            if broken is not None:
                self._note_broken(broken, entry, event)
        if kind is _ANNOTATION:
            return False
        self.deltas += 1
        role = None if delta is None else delta.get("role")
        if role is not None or before is _WAITING:
            self._take_role(role, event, first=before is _WAITING)
        content = None if delta is None else delta.get("content")
        has_text = False
        if content and type(content) is str:
            has_text = True
            self._take_content(content, event)
        if delta and (len(delta) > 1 or content is None):
            self._take_beside(delta, event)
        if self._logprobs is not None:
            self._logprobs.take(entry.get("logprobs"), position_of(event))
        return has_text

    def _take_beside(self, delta: dict[str, Any], event: Event) -> None:
        """Takes what a delta has in place of text, or beside an empty one."""
        if delta.keys() <= _OF_TEXT:
            return
        if self._beside is None:
            self._beside = BesideText(self.index, self.log)
        self._beside.take(delta, event)

    def _kind(
        self, entry: dict[str, Any], delta: dict[str, Any] | None, event: Event, *, beside_usage: bool
    ) -> EntryKind:
        reason = entry.get("finish_reason")
        if reason is None:
            if beside_usage and self.state is ChoiceState.FINISHED and not _says_something(delta):
                return EntryKind.ANNOTATION
            return EntryKind.ANNOTATION if delta is None and is_annotated_only(entry) else EntryKind.DELTA
        if type(reason) is str and reason in self.expectations.finish_reasons:
            if self.finish_reason is None:
                self.finish_reason = reason
            return EntryKind.FINISH
        allowed = ", ".join(sorted(self.expectations.finish_reasons))
        actual = f"the finish_reason {quoted(reason)}"
        self.log.note("stream.finish-reason", f"null, or one of {allowed}", actual, position_of(event))
        if type(reason) is not str or reason in ("", "null"):
            # Null, badly written: it stands in every chunk and finishes nothing.
            return EntryKind.DELTA
        if self.finish_reason is None:
            self.finish_reason = reason
        return EntryKind.FINISH

    def _note_broken(self, requirement: str, entry: dict[str, Any], event: Event) -> None:
        if requirement == "stream.finish-once":
            expected = f"one finish_reason for choice {self.index}"
            again = quoted(entry.get("finish_reason"))
            actual = f"a further one, {again}, after {quoted(self.finish_reason)}"
        else:
            expected = f"nothing of choice {self.index} after its finish_reason"
            actual = f"another delta of it: {quoted(entry.get('delta'))}"
        self.log.note(requirement, expected, actual, position_of(event))

    def _take_role(self, role: Any, event: Event, *, first: bool) -> None:
        if role is None:
            expected = f"the role in the first delta of choice {self.index}"
            self.log.note("stream.role-first", expected, "a first delta without it", position_of(event))
        elif role != "assistant":
            actual = f"the role {quoted(role)}"
            self.log.note("stream.role", "the role assistant in every delta that has one", actual, position_of(event))
        if first and type(role) is str:
            self.role = role

    def _take_content(self, content: str, event: Event) -> None:
        if self._growing == self.content_deltas and len(content) > len(self._last) and content.startswith(self._last):
            self._growing += 1
        self._last = content
        self._last_event = event
        if REPLACEMENT in content and len(self._damage) < _MOST_DAMAGE:
            self._damage.append((self.length + content.index(REPLACEMENT), position_of(event), content))
        if self.length < CONTENT_KEPT:
            self._pieces.append(content[: CONTENT_KEPT - self.length])
        self.content_deltas += 1
        self.length += len(content)

    def end(self, *, is_whole: bool, position: Position) -> Choice:
        """The choice as it is at the end of the stream, which is at `position`.

        `is_whole` says whether the stream came to its end, so that what is missing will not come.
        """
        content = "".join(self._pieces)
        self._judge_increments(content)
        self._judge_damage(content)
        if self._logprobs is not None and is_whole and self.length <= CONTENT_KEPT:
            self._logprobs.end(content, position)
        for stop in self.expectations.stop:
            if stop in content:
                expected = f"no stop sequence in the text of choice {self.index}"
                actual = f"{quoted(stop)} in {quoted(content)}"
                self.log.note("stream.stop", expected, actual, self._last_position(position))
        if is_whole and self.state is ChoiceState.WAITING:
            expected = f"chunks for each index from 0 to {self.expectations.n - 1}"
            self.log.note("stream.index-range", expected, f"none for choice {self.index}", position)
        if is_whole and self.state is ChoiceState.OPEN:
            expected = f"a finish_reason for choice {self.index} before the stream ends"
            self.log.note("stream.finish-once", expected, f"none in its {self.deltas} chunks", position)
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
            **({} if self._beside is None else self._beside.end()),
        )

    def _last_position(self, end: Position) -> Position:
        """The position of the choice's last text, or the end where it has none."""
        return end if self._last_event is None else position_of(self._last_event)

    def _judge_increments(self, content: str) -> None:
        """Notes deltas that repeat earlier text: the whole of it at the end, or in every delta."""
        before = self.length - len(self._last)
        repeats = (
            self.content_deltas > 2
            and before == len(self._last) >= _SHORTEST_REPETITION
            and self.length <= CONTENT_KEPT
            and content[:before] == self._last
        )
        grows = self._growing == self.content_deltas >= _FEWEST_GROWING
        if self._last_event is not None and (repeats or grows):
            actual = f"the last delta is the whole text again: {quoted(self._last)}"
            self.log.note(
                "stream.content-increments", "deltas that only add to the text", actual, position_of(self._last_event)
            )

    def _judge_damage(self, content: str) -> None:
        """Notes replacement characters, but for one at the end of a text that the token limit cut."""
        if self.expectations.replacement_characters:
            return
        intact = len(content.rstrip(REPLACEMENT)) if self.finish_reason == "length" else self.length
        for index, position, delta in self._damage:
            if index < intact:
                expected = "whole characters in every delta, none replaced by U+FFFD"
                self.log.note("stream.content-intact", expected, f"U+FFFD in {quoted(delta)}", position)
