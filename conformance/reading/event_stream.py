"""Event streams: bytes in, events out, by the algorithm of WHATWG HTML 9.2.5 and 9.2.6, without I/O.

The reader works on whole reads and not on single bytes. Lines may end with LF, CR or CRLF, and only ASCII bytes decide
where a line or a field ends, so splitting before decoding gives what the standard's decoding before splitting gives: an
invalid UTF-8 sequence never swallows an ASCII byte.

There are two paths through it. `_read_lines` is the standard's algorithm, line by line. `_read_blocks` is for what
nearly all streams are made of, blocks of one `data` line between blank lines with LF; it passes everything else to
`_read_lines`. Both give the same events however the bytes are cut (the tests compare them with a slow reference).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from conformance.quoting import quoted
from conformance.reading.deviation import DeviationLog, Position

MAX_LINE: Final = 16 * 1024 * 1024
"""Bytes of one line, or of the data of one event, after which reading stops."""

_BOM: Final = b"\xef\xbb\xbf"
_LF: Final = 0x0A
"""As a number, which is found in bytes ten times as fast as bytes in bytes."""
_WINDOW: Final = 1024 * 1024
"""A larger read is taken in pieces of this size, to bound what is copied."""
_MAX_RETRY_DIGITS: Final = 18
_FIELDS: Final = (b"data", b"event", b"id", b"retry")
_OWN_NAME: Final = re.compile(rb"[A-Za-z0-9_.-]+")
_PAYLOAD: Final = re.compile(rb"\s*(?:[{\[]|data\s*:)")
"""How a value begins that belongs into the data of an event: JSON, or another field."""


class Event(NamedTuple):
    """One dispatched event (a named tuple and not a dataclass, since long streams make a million of them).

    `type` is `message` where the stream names none. `id` is the last event id as of this event. `retry` is the
    reconnection time that its block sets, in milliseconds. The block's bytes are `offset` to `end` of the body: from
    its first field to the blank line that ends it. `at` is the arrival of the byte that completed it, in seconds.
    `lines` counts its data lines.
    """

    number: int
    data: str
    offset: int
    end: int
    at: float
    type: str = "message"
    id: str = ""
    retry: int | None = None
    lines: int = 1


@dataclass(frozen=True, slots=True)
class EventFacts:
    """Which of the format's liberties an event stream used; none of them is a fault.

    `lf`, `crlf` and `cr` count line ends, `comments` comment lines, `dataless` blocks that have fields but no data
    (clients dispatch nothing for them). `bom` says whether the stream begins with a byte order mark.
    """

    lf: int
    crlf: int
    cr: int
    comments: int
    dataless: int
    bom: bool


@dataclass(slots=True)
class _Block:
    """The fields of a block that is not yet complete."""

    offset: int
    data: list[bytes] = field(default_factory=list)
    size: int = 0
    type: bytes = b""
    retry: int | None = None
    ignored: bool = False
    """Whether one of its lines was reported as ignored by clients."""


class EventStreamReader:
    """Reads one event stream.

    Feed it the decoded content of the body as it came, then call `end`. Deviations go to `log`. Once `stopped`, because
    a limit was reached or the stream ended, it takes no more.
    """

    def __init__(self, log: DeviationLog | None = None, max_line: int = MAX_LINE) -> None:
        self.log = DeviationLog() if log is None else log
        self.stopped = False
        self.number = 0
        """The number of events dispatched so far, which is the number of the next one."""
        self._max_line = max_line
        self._head: bytes | None = b""
        """The first bytes while they may still become a byte order mark; None once that is decided."""
        self._tail: list[bytes] = []
        """The pieces of a line whose end has not come."""
        self._tail_size = 0
        self._offset = 0
        """Where in the body the line begins that is read next."""
        self._after_cr = False
        """Whether the last byte was a CR: an LF that follows belongs to the same line end."""
        self._block: _Block | None = None
        self._last_id = ""
        self._lf = self._crlf = self._cr = self._comments = self._dataless = 0
        self._bom = False

    @property
    def facts(self) -> EventFacts:
        """The format's liberties that were used so far."""
        return EventFacts(self._lf, self._crlf, self._cr, self._comments, self._dataless, self._bom)

    def feed(self, data: bytes, at: float = 0.0) -> list[Event]:
        """The events that these bytes complete; `at` is when the bytes arrived, in seconds."""
        events: list[Event] = []
        if len(data) <= _WINDOW:
            self._take(data, at, events)
        else:
            for start in range(0, len(data), _WINDOW):
                self._take(data[start : start + _WINDOW], at, events)
        return events

    def end(self, at: float = 0.0) -> Event | None:
        """Ends the stream and gives the event that its end cut off, if any: clients discard it (9.2.6)."""
        if self.stopped:
            return None
        self.stopped = True
        if self._head:
            self._tail.append(self._head)
        self._settle_cr()
        line = b"".join(self._tail)
        end = self._offset + len(line)
        if line and _has_whole_name(line):
            self._line(_without_cut_character(line), at)
            line = b""
        if self._block is not None and self._block.data:
            lost = self._event(self._block, end, at)
            self._note_lost(lost.data, Position(lost.offset, at, lost.number))
            return lost
        if line:
            self._note_lost(line, Position(self._offset, at))
        return None

    def _note_lost(self, what: str | bytes, position: Position) -> None:
        self.log.note(
            "stream.terminated",
            "a blank line after every event, also after the last one",
            f"the body ended within a block; clients discard {quoted(what)}",
            position,
        )

    def _take(self, data: bytes, at: float, events: list[Event]) -> None:
        """Appends a read to what is left of the one before and reads every line that is now complete."""
        if self.stopped or not data:
            return
        if self._head is not None:
            data = self._without_bom(data)
            if not data:
                return
        if self._after_cr:
            data = self._without_split_lf(data)
        if self._tail:
            if b"\n" not in data and b"\r" not in data:
                self._keep(data, at)
                return
            # Joined only when a line ends: a line that comes in many pieces is copied once.
            data = b"".join((*self._tail, data))
            self._tail, self._tail_size = [], 0
        if b"\r" in data or len(data) > self._max_line:
            self._read_lines(data, at, events)
        else:
            self._read_blocks(data, at, events)

    def _without_bom(self, data: bytes) -> bytes:
        """The bytes after the one byte order mark that a stream may begin with; none while it may still come."""
        head = (self._head or b"") + data
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._head = head
            return b""
        self._head = None
        if not head.startswith(_BOM):
            return head
        self._bom = True
        self._offset = len(_BOM)
        return head[len(_BOM) :]

    def _without_split_lf(self, data: bytes) -> bytes:
        self._after_cr = False
        if not data.startswith(b"\n"):
            self._cr += 1
            return data
        self._crlf += 1
        self._offset += 1
        return data[1:]

    def _keep(self, piece: bytes, at: float) -> None:
        """Keeps a piece of a line whose end has not come, up to the limit."""
        self._tail.append(piece)
        self._tail_size += len(piece)
        if self._tail_size > self._max_line:
            self._stop("line", at)

    def _stop(self, what: str, at: float) -> None:
        self.stopped = True
        self._tail = []
        self.log.note(
            "stream.line-length",
            f"lines, and data of one event, of at most {self._max_line} bytes",
            f"a {what} that is longer; nothing after it was read",
            Position(self._offset, at),
        )

    def _read_blocks(self, data: bytes, at: float, events: list[Event]) -> None:
        """Reads bytes that begin with a line, hold no CR and no line beyond the limit: the quick path."""
        if self._block is not None:
            # The open block ends at the first blank line; only after that can whole blocks be split off.
            blank = data.find(b"\n\n")
            cut = 1 if data.startswith(b"\n") else len(data) if blank < 0 else blank + 2
            self._read_lines(data[:cut], at, events)
            data = data[cut:]
            if self.stopped or not data:
                return
        blocks = data.split(b"\n\n")
        rest = blocks.pop()
        offset = self._offset
        number = self.number
        last_id = self._last_id
        slow = 0
        # Twice as fast as calling the class, which would check the names.
        new_event = tuple.__new__
        for block in blocks:
            before = 6 if block[:6] == b"data: " else 5 if block[:5] == b"data:" else 0
            if before and _LF not in block:
                try:
                    text = block[before:].decode()
                except UnicodeDecodeError:
                    pass
                else:
                    end = offset + len(block) + 1
                    events.append(new_event(Event, (number, text, offset, end, at, "message", last_id, None, 1)))
                    offset = end + 1
                    number += 1
                    continue
            slow += 1
            self._offset, self.number = offset, number
            self._read_lines(block + b"\n\n", at, events)
            offset, number, last_id = self._offset, self.number, self._last_id
        self._offset, self.number = offset, number
        self._lf += 2 * (len(blocks) - slow)
        if rest:
            self._read_lines(rest, at, events)

    def _read_lines(self, data: bytes, at: float, events: list[Event]) -> None:
        """Reads bytes that begin with a line, one line after another, and keeps what has no end yet."""
        for raw in data.splitlines(keepends=True):
            self._settle_cr()
            if raw.endswith(b"\r\n"):
                line = raw[:-2]
                self._crlf += 1
            elif raw.endswith(b"\n"):
                line = raw[:-1]
                self._lf += 1
            elif raw.endswith(b"\r"):
                line = raw[:-1]
                self._after_cr = True
            else:
                self._keep(raw, at)
                return
            if len(line) > self._max_line:
                self._stop("line", at)
                return
            if line:
                self._line(line, at)
            else:
                self._dispatch(at, events)
            if self.stopped:
                return
            self._offset += len(raw)

    def _settle_cr(self) -> None:
        """Counts the CR that ended the line before: since a line follows, no LF belonged to it."""
        if self._after_cr:
            self._after_cr = False
            self._cr += 1

    def _line(self, line: bytes, at: float) -> None:
        """Processes one line that is not empty, without its end (9.2.6)."""
        if line.startswith(b":"):
            self._comments += 1
            self._check_encoding(line, Position(self._offset, at))
            return
        if self._block is None:
            self._block = _Block(self._offset)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._check_encoding(line, Position(self._offset, at, self.number))
            self._add_data(self._block, value, at)
            return
        position = Position(self._offset, at)
        self._check_encoding(line, position)
        if name == b"event":
            self._block.type = value
        elif name == b"id" and b"\0" not in value:
            self._last_id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _MAX_RETRY_DIGITS:
            self._block.retry = int(value)
        elif not self._block.ignored and not _is_a_field_of_its_own(line):
            # One report for each block: every line of an HTML page or of bare JSON is such a line.
            self._block.ignored = True
            self.log.note(
                "stream.field-names",
                "comments, data, event, id (without NUL), retry (digits), and fields of the vendor's own without JSON",
                f"the line {quoted(line)}, which clients ignore",
                position,
            )

    def _add_data(self, block: _Block, value: bytes, at: float) -> None:
        block.data.append(value)
        block.size += len(value) + 1
        if block.size > self._max_line + 1:
            self._stop("block of data lines", at)

    def _check_encoding(self, line: bytes, position: Position) -> None:
        if line.isascii():
            return
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            offset = self._offset + error.start
            self.log.note(
                "stream.utf8",
                "UTF-8 throughout the stream",
                f"{quoted(line[error.start : error.end])} in {quoted(line)}, which clients read as U+FFFD",
                position._replace(offset=offset),
            )

    def _dispatch(self, at: float, events: list[Event]) -> None:
        """Ends a block at a blank line."""
        block, self._block = self._block, None
        if block is None:
            return
        if block.data:
            events.append(self._event(block, self._offset, at))
            self.number += 1
        elif not block.ignored:
            self._dataless += 1

    def _event(self, block: _Block, end: int, at: float) -> Event:
        data = b"\n".join(block.data).decode("utf-8", "replace")
        kind = block.type.decode("utf-8", "replace") or "message"
        return Event(self.number, data, block.offset, end, at, kind, self._last_id, block.retry, len(block.data))


def _is_a_field_of_its_own(line: bytes) -> bool:
    """Whether a line is a field that the format does not define and leaves free (9.2.5), and lacks nothing of an event.

    A name that is one of the format's in another spelling, text without a colon and JSON are lost by mistake.
    """
    name, colon, value = line.partition(b":")
    return bool(colon) and _OWN_NAME.fullmatch(name) is not None and _is_own(name) and not _PAYLOAD.match(value)


def _is_own(name: bytes) -> bool:
    return name.lower() not in _FIELDS


def _has_whole_name(line: bytes) -> bool:
    """Whether a line that the end of the body cut off has its whole field name."""
    return b":" in line or not any(name.startswith(line) for name in _FIELDS)


def _without_cut_character(line: bytes) -> bytes:
    """The line without the part of a character at its very end that the end of the body cut."""
    try:
        line.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return line[: error.start]
    return line
