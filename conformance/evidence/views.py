"""A view: what a reader could make of some bytes, and where in them each part of it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

_SMALL = 32 * 1024
"""Bytes of a view below which it is looked at together with others."""
_SEPARATOR = b"\n"
Span = tuple[int, int]
Spans = list[Span]
Back = Callable[[Spans], Spans]
"""Turns spans of a view into the spans of the bytes that they came from. It is only called where something is found."""


@dataclass(frozen=True, slots=True)
class View:
    """Bytes as a reader could see them.

    `forms` names what was undone to see them, the outermost coding first. `back` leads to the source. `numbers` is
    true where the source writes each byte as a decimal number.
    """

    data: bytes
    back: Back
    forms: tuple[str, ...] = ()
    numbers: bool = False
    is_source: bool = False
    """Whether it is the source as it is, so that an offset in it is one in the source."""

    is_report: bool = False
    """Whether it is made of what was redacted: then it is neither read from its end nor searched for masks."""

    def part(self, start: int, end: int) -> View:
        """A part of it; what is found there leads to the same source."""
        back = self.back
        return replace(
            self,
            data=self.data[start:end],
            back=lambda spans: back([(first + start, last + start) for first, last in spans]),
        )

    def undone(self, form: str, data: bytes, back: Back, *, numbers: bool = False) -> View:
        """The view of what this one holds after one more undoing; `back` leads to this view's data."""
        first = not self.forms and numbers
        return View(data, lambda spans: self.back(back(spans)), (*self.forms, form), first or self.numbers)


def view_of(data: bytes, offset: int = 0) -> View:
    """The view of some bytes as they are; `offset` is where they begin in the source."""
    return View(data, lambda spans: [(start + offset, end + offset) for start, end in spans], is_source=True)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a view: its place there, and that of what it came from."""

    at: int
    size: int
    start: int
    end: int


def back_through(pieces: list[Piece], within: Callable[[Piece, int, int], Spans]) -> Back:
    """The way back through pieces in order; `within` gives the spans for a part of one, counted from its beginning."""
    begins = [piece.at for piece in pieces]

    def back(spans: Spans) -> Spans:
        found: Spans = []
        for start, end in spans:
            number = max(bisect_right(begins, start) - 1, 0)
            while number < len(pieces) and pieces[number].at < end:
                piece = pieces[number]
                first, last = max(start - piece.at, 0), min(end - piece.at, piece.size)
                if first < last:
                    found += within(piece, first, last)
                number += 1
        return found

    return back


def once(make: Callable[[], Back]) -> Back:
    """A way back that is only made when it is needed, and then kept."""
    made: list[Back] = []

    def back(spans: Spans) -> Spans:
        if not made:
            made.append(make())
        return made[0](spans)

    return back


def together(views: Iterable[View]) -> Iterator[View]:
    """Small views as one: to look into a view costs more than to look at a few more bytes."""
    small: list[View] = []
    for view in views:
        if len(view.data) < _SMALL:
            small.append(view)
        else:
            yield view
    if not small:
        return
    pieces: list[Piece] = []
    at = 0
    for number, view in enumerate(small):
        pieces.append(Piece(at, len(view.data), number, number))
        at += len(view.data) + len(_SEPARATOR)
    back = back_through(pieces, lambda piece, first, last: small[piece.start].back([(first, last)]))
    yield View(_SEPARATOR.join(view.data for view in small), back, small[-1].forms)


def merged(spans: Iterable[Span]) -> Spans:
    """The same places as spans in order that neither touch nor overlap."""
    whole: Spans = []
    for start, end in sorted(spans):
        if whole and start <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(whole[-1][1], end))
        else:
            whole.append((start, end))
    return whole
