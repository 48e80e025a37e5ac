"""The wire trace of a stream: the events that were kept, and a row for each with what is wrong with it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from conformance.reading.deviation import Deviation
from conformance.reading.event_stream import Event

FIRST_KEPT: Final = 50
LAST_KEPT: Final = 50
FLAGGED_KEPT: Final = 100
"""Events with deviations that are kept, beyond the first and the last."""
EXCERPT: Final = 240
"""Characters of an event's data that are kept."""
_SMALL: Final = 64 * 1024
"""Bytes up to which the last events of a read are held whole, since cutting each takes longer."""


class KeptEvent(NamedTuple):
    """What is kept of an event: its position and the beginning of its data; `size` counts its bytes on the wire."""

    number: int
    offset: int
    size: int
    at: float
    type: str
    excerpt: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One row of a wire trace: milliseconds since the request began, byte offset, what came, and what is wrong with it.

    `text` and what `note` quotes are the target's own: escape them before showing them. `note` is empty where nothing
    is wrong.
    """

    at_ms: float
    offset: int
    text: str
    note: str = ""


def keep(event: Event) -> KeptEvent:
    """What is kept of an event."""
    data = event.data
    return KeptEvent(
        event.number,
        event.offset,
        event.end - event.offset,
        event.at,
        event.type,
        data[:EXCERPT],
        len(data) > EXCERPT,
    )


class EventKeeper:
    """Keeps the first and the last events of a stream and those with deviations, a bounded number of each."""

    def __init__(self) -> None:
        self._first: list[KeptEvent] = []
        self._flagged: list[KeptEvent] = []
        self._last: deque[Event | KeptEvent] = deque(maxlen=LAST_KEPT)

    def add(self, events: Sequence[Event]) -> None:
        """Takes the events of one read."""
        if len(self._first) < FIRST_KEPT:
            self._first.extend(map(keep, events[: FIRST_KEPT - len(self._first)]))
        last = events[-LAST_KEPT:]
        if last:
            self._last.extend(last if last[-1].end - last[0].offset <= _SMALL else map(keep, last))

    def flag(self, event: Event) -> None:
        """Takes an event with a deviation."""
        if len(self._flagged) < FLAGGED_KEPT:
            self._flagged.append(keep(event))

    def kept(self) -> tuple[KeptEvent, ...]:
        """What was kept, each event once, in the stream's order."""
        last = (event if isinstance(event, KeptEvent) else keep(event) for event in self._last)
        every = {event.number: event for event in (*self._first, *self._flagged, *last)}
        return tuple(every[number] for number in sorted(every))


def timeline(
    kept: Sequence[KeptEvent], deviations: Sequence[Deviation], ending: TimelineRow | None, limit: int
) -> tuple[TimelineRow, ...]:
    """The rows of a wire trace: of more than `limit` events, those with deviations first. A gap has a row, too."""
    notes: dict[int, list[str]] = {}
    rows = []
    known = {event.number for event in kept}
    for one in deviations:
        note = f"{one.requirement}: expected {one.expected}; {one.actual}"
        if one.event in known:
            notes.setdefault(one.event or 0, []).append(note)
        elif one.offset is not None and one.at is not None:
            rows.append(((one.offset, 0), TimelineRow(one.at * 1000, one.offset, "", note)))
    before = -1
    for event in _chosen(kept, notes, limit):
        if event.number > before + 1:
            gap = event.number - before - 1
            rows.append(((event.offset, 0), TimelineRow(event.at * 1000, event.offset, f"… {gap} events not shown")))
        before = event.number
        name = "" if event.type == "message" else f"{event.type}: "
        text = f"{name}{event.excerpt}{'…' if event.is_cut else ''}"
        note = "; ".join(notes.get(event.number, ()))
        rows.append(((event.offset, 1), TimelineRow(event.at * 1000, event.offset, text, note)))
    rows.sort(key=lambda row: row[0])
    return (*(row for _, row in rows), *(() if ending is None else (ending,)))


def _chosen(kept: Sequence[KeptEvent], notes: dict[int, list[str]], limit: int) -> list[KeptEvent]:
    """At most `limit` events: those with notes, then the first and the last."""
    if len(kept) <= limit:
        return list(kept)
    flagged = [event for event in kept if event.number in notes][:limit]
    plain = [event for event in kept if event.number not in notes]
    left = limit - len(flagged)
    half = (left + 1) // 2
    chosen = flagged + plain[:half] + (plain[-(left - half) :] if left > half else [])
    return sorted(chosen, key=lambda event: event.number)
