"""The result of reading a streamed answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.reading.choices import Choice
from conformance.reading.delivery import Arrivals, delivery_of
from conformance.reading.deviation import Deviation
from conformance.reading.event_stream import Event, EventFacts
from conformance.reading.expectations import Expectations
from conformance.reading.sequence import Phase, SequenceReading
from conformance.reading.timeline import KeptEvent, TimelineRow, timeline
from conformance.reading.transfer import TransferReading
from conformance.wire.exchange import Ending


@dataclass(frozen=True, slots=True)
class StreamReading:
    """What a streamed answer says, and all its deviations.

    `problem` says why it could not be read, or not to its end, None where it could. `applicable` has the requirements
    that this stream was able to break: one that is not in it cannot have been kept by this stream. `deviations` is
    bounded, `counts` has the full numbers. `lost` is the event that the end of the body cut off. `reached` has the keys
    of the schema keywords that judged a value of a chunk.
    """

    exchange: str | None
    expectations: Expectations
    problem: str | None
    transfer: TransferReading | None
    events: int
    sequence: SequenceReading
    deviations: tuple[Deviation, ...]
    counts: Mapping[str, int]
    applicable: frozenset[str]
    facts: EventFacts
    reached: frozenset[str]
    judged_chunks: int
    arrivals: Arrivals
    kept: tuple[KeptEvent, ...]
    lost: Event | None
    ending: Ending | None
    size: int
    """Bytes of the body after content decoding."""

    @property
    def chunks(self) -> int:
        """How many events were chunks."""
        return self.sequence.chunks

    @property
    def choices(self) -> Mapping[int, Choice]:
        """The choices by their index."""
        return self.sequence.choices

    @property
    def usage(self) -> dict[str, Any] | None:
        """The last usage object, None where there was none."""
        return self.sequence.usage

    @property
    def id(self) -> str | None:
        """The id of the first chunk that has one."""
        return self.sequence.members.get("id")

    @property
    def model(self) -> str | None:
        """The model of the first chunk that names one."""
        return self.sequence.members.get("model")

    @property
    def created(self) -> int | None:
        """The time of creation of the first chunk that has one, in seconds since 1970."""
        return self.sequence.members.get("created")

    @property
    def sentinels(self) -> int:
        """How many times the sentinel came."""
        return self.sequence.sentinels

    @property
    def errors(self) -> tuple[dict[str, Any], ...]:
        """The first error objects in the stream."""
        return self.sequence.errors

    @property
    def is_complete(self) -> bool:
        """Whether the stream came to its end: every choice finished, and the sentinel after that."""
        return self.sequence.phase is Phase.DONE and self.is_finished

    @property
    def is_finished(self) -> bool:
        """Whether every choice finished, with the sentinel or without it: nothing of the answer is missing."""
        return self.chunks > 0 and all(choice.finish_reason is not None for choice in self.choices.values())

    def broke(self, requirement: str) -> tuple[Deviation, ...]:
        """The deviations from one requirement."""
        return tuple(one for one in self.deviations if one.requirement == requirement)

    def timeline(self, limit: int = 120) -> tuple[TimelineRow, ...]:
        """A wire trace with at most `limit` events."""
        if self.ending is None:
            return timeline(self.kept, self.deviations, None, limit)
        placed: list[Deviation] = []
        notes: list[Deviation] = []  # what is missing, and what has no position, is noted at the end
        for one in self.deviations:
            has_place = one.at is not None and -1 < _offset(one) < max(self.size, 1)
            (placed if has_place else notes).append(one)
        note = "; ".join(f"{one.requirement}: expected {one.expected}; {one.actual}" for one in notes)
        last = TimelineRow(self.ending.at * 1000, self.size, self._ended, note)
        return timeline(self.kept, placed, last, limit)

    @property
    def _ended(self) -> str:
        """How the body ended, and how its text was delivered."""
        assert self.ending is not None
        ended = f"end of body: {self.ending.kind.value}"
        return f"{ended}; {delivery_of(self.arrivals)}" if self.arrivals.content_events else ended


def _offset(one: Deviation) -> int:
    return -1 if one.offset is None else one.offset
