"""Cuts a body to what may be shown: its beginning and the places that findings point at; the rest is counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.quoting import visible

_MARK_LENGTH = 80
_BEFORE = 300
_AFTER = 500
_MOST_MARKS = 20
_BINARY_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a body: `text` at byte `offset`; `marked` if a finding points at it.

    For a piece that was left out, `omitted` is its length in bytes and `text` is empty.
    """

    offset: int
    text: str
    marked: bool = False
    omitted: int = 0


def excerpt(data: bytes, limit: int, offsets: Iterable[int] = ()) -> tuple[Piece, ...]:
    """What to show of `data`: about `limit` bytes from its start, and the surroundings of the first 20 `offsets`.

    An offset at or beyond the end is marked by an empty part at the end: something is missing there.
    """
    marks = _marks(data, offsets)
    windows = [(0, min(limit, len(data)))]
    windows += [(max(start - _BEFORE, 0), min(end + _AFTER, len(data))) for start, end in marks]
    parts: list[Piece] = []
    position = 0
    for start, end in _merged(data, windows):
        if start > position:
            parts.append(Piece(position, "", omitted=start - position))
        parts += _window(data, start, end, marks)
        position = end
    if position < len(data):
        parts.append(Piece(position, "", omitted=len(data) - position))
    return tuple(parts)


def surroundings(data: bytes, offset: int, reach: int = 90) -> tuple[Piece, ...]:
    """One line's worth of `data` around an offset, with the offending part marked."""
    marks = _marks(data, (offset,))
    start, end = _character(data, max(marks[0][0] - reach, 0)), _character(data, min(marks[0][1] + reach, len(data)))
    return tuple(_window(data, start, end, marks))


def is_binary(data: bytes) -> bool:
    """Whether the beginning of a body is anything but text (compressed, for instance)."""
    sample = data[:2048].decode("utf-8", "replace")
    odd = sum(1 for character in sample if character == "\ufffd" or (character < " " and character not in "\t\r\n"))
    return odd > len(sample) * _BINARY_SHARE


def _marks(data: bytes, offsets: Iterable[int]) -> Sequence[tuple[int, int]]:
    """Start and end of each offending part: from the offset to the end of its line, 80 bytes at most."""
    marks: list[tuple[int, int]] = []
    for offset in sorted({max(offset, 0) for offset in offsets})[:_MOST_MARKS]:
        start = _character(data, min(offset, len(data)))
        line_end = data.find(b"\n", start + 1, start + _MARK_LENGTH)
        end = _character(data, min(start + _MARK_LENGTH, len(data)) if line_end < 0 else line_end)
        if marks and start == marks[-1][0]:
            continue  # within the character that is marked already
        if marks and start < marks[-1][1]:
            marks[-1] = (marks[-1][0], start)
        marks.append((start, max(start, end)))
    return marks


def _character(data: bytes, position: int) -> int:
    """The start of the UTF-8 character at a position, so that no cut splits one."""
    start = position
    while start > 0 and position - start < 3 and start < len(data) and data[start] & 0xC0 == 0x80:
        start -= 1
    return start if start == len(data) or data[start] & 0xC0 != 0x80 else position


def _merged(data: bytes, windows: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted((_character(data, start), _character(data, end)) for start, end in windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _window(data: bytes, start: int, end: int, marks: Sequence[tuple[int, int]]) -> list[Piece]:
    parts: list[Piece] = []
    position = start
    for mark_start, mark_end in marks:
        if not start <= mark_start <= mark_end <= end:
            continue
        if mark_start > position:
            parts.append(Piece(position, _text(data[position:mark_start])))
        parts.append(Piece(mark_start, _text(data[mark_start:mark_end]), marked=True))
        position = mark_end
    if position < end:
        parts.append(Piece(position, _text(data[position:end])))
    return parts


def _text(data: bytes) -> str:
    return visible(data.decode("utf-8", "backslashreplace"))
