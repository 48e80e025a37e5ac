"""Joins what a reader may put together: pieces in deltas, members, list elements, tokens, comments, header fields."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from conformance.evidence.json_shapes import (
    NAME,
    NUMBER,
    STRING,
    Path,
    Shapes,
    Slot,
    Text,
    characters,
    partly_wild,
    unescaped,
    wild,
)
from conformance.evidence.spellings import escapes_undone
from conformance.evidence.views import Piece, Span, Spans, View, back_through, together

LARGEST_TEXT: Final = 512 * 1024
"""Bytes of one JSON text whose places are told apart; in a larger one, all of its strings are joined in order."""
_READ_ONCE: Final = 64 * 1024
"""Bytes of a body up to which all of its JSON texts are kept once they are read."""
_LINE = re.compile(rb"(?:^|(?<=[\r\n]))(data|event|id|retry|): ?([^\r\n]*)")
_STRINGS = re.compile(rb'"((?:[^"\\]|\\.)*+)"(?!\s*+:)', re.DOTALL)
_LOOKS_LIKE_JSON = re.compile(rb"\s*[\[{]")
_MAY_BE_JSON = re.compile(rb"\s*[\[{\"]")
_FIELD = re.compile(rb"(?m)^([^:\r\n]*):[ \t]*([^\r\n]*)")
_BYTE: Final = range(10, 127)

Group = tuple[str, str, Path]
"""How strings (or numbers, or names) are joined, and those of which places."""


@dataclass
class _Leaf:
    """The strings at one place: how many, and whether they differ. What is always the same is no piece of anything."""

    count: int = 0
    first: bytes | None = None
    varies: bool = False

    def add(self, value: bytes) -> None:
        self.count += 1
        if self.first is None:
            self.first = value
        elif not self.varies and value != self.first:
            self.varies = True

    @property
    def counts(self) -> bool:
        return self.varies or self.count == 1


@dataclass
class _Joined:
    """What one group comes to, and of each piece the number of its text and its slot."""

    data: bytearray = field(default_factory=bytearray)
    begins: array[int] = field(default_factory=lambda: array("q"))
    texts: array[int] = field(default_factory=lambda: array("q"))
    slots: array[int] = field(default_factory=lambda: array("l"))

    def add(self, value: bytes, text: int, slot: int) -> None:
        self.begins.append(len(self.data))
        self.texts.append(text)
        self.slots.append(slot)
        self.data += value


class _Places:
    """Spans, in a tenth of the memory of a list: a stream has very many."""

    def __init__(self, *spans: Span) -> None:
        self._starts, self._ends = array("q"), array("q")
        for span in spans:
            self.add(span)

    def add(self, span: Span) -> None:
        self._starts.append(span[0])
        self._ends.append(span[1])

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, number: int) -> Span:
        return self._starts[number], self._ends[number]

    def __iter__(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)


def joined(view: View, shapes: Shapes) -> Iterator[View]:
    """The views that join parts of a body: of an event stream, or of JSON.

    `shapes` may be those that other bodies have: nearly all answers of a target have one of a few.
    """
    data = view.data
    if _STREAM.match(data) or b"\ndata:" in data or b"\rdata:" in data:
        yield from _of_stream(view, _LINE.finditer(data), shapes)
    elif len(data) > LARGEST_TEXT:
        yield from _of_strings(view)
    elif _STRUCTURED.search(data):
        yield from _of_texts(view, _Places((0, len(data))), shapes)


_STREAM = re.compile(rb"(?:\xef\xbb\xbf)?[\r\n]*(?:data|event|id|retry|):")
_STRUCTURED = re.compile(rb"[\"'\]}]")


def joined_fields(view: View) -> Iterator[View]:
    """The views that join the values, and the names, of header fields that stand one a line."""
    matches = list(_FIELD.finditer(view.data))
    for number in (1, 2):
        yield joined_spans(view, [match.span(number) for match in matches], "spread over fields")


def joined_spans(view: View, spans: Iterable[Span], form: str) -> View:
    """The view that joins parts of another."""
    pieces: list[Piece] = []
    data = bytearray()
    for start, end in spans:
        pieces.append(Piece(len(data), end - start, start, end))
        data += view.data[start:end]
    back = back_through(pieces, lambda piece, first, last: [(piece.start + first, piece.start + last)])
    return view.undone(form, bytes(data), back)


def _of_stream(view: View, lines: Iterator[re.Match[bytes]], shapes: Shapes) -> Iterator[View]:
    """Of the JSON in events, and of what is none: plain text, comments, names and ids of events."""
    texts = _Places()
    others: dict[bytes, _Places] = {}
    for line in lines:
        span = line.span(2)
        if line.group(1) == b"data" and _MAY_BE_JSON.match(view.data, *span):
            texts.add(span)
        else:
            others.setdefault(line.group(1), _Places()).add(span)
    for spans in others.values():
        if len(spans) > 1:
            yield joined_spans(view, spans, "spread over events")
    yield from _of_texts(view, texts, shapes)


def _of_strings(view: View) -> Iterator[View]:
    yield joined_spans(view, (match.span(1) for match in _STRINGS.finditer(view.data)), "spread over members")


def _of_texts(view: View, spans: _Places, shapes: Shapes, *, inner: bool = False) -> Iterator[View]:
    def read() -> Iterator[Text]:
        return (shapes.read(view.data[start:end]) for start, end in spans)

    # What is larger is read twice: what is made of a text takes many times its memory.
    texts = list(read()) if len(view.data) <= _READ_ONCE else None
    leaves = _leaves(texts or read(), names=len(spans) == 1)
    groups_of = _usual_groups_of if len(view.data) <= _READ_ONCE else _groups_of
    groups = _groups(leaves, groups_of)
    if not groups:
        return
    by_group = {group: _Joined() for group in groups}
    of_leaf = {
        leaf: [by_group[group] for group in groups_of(*leaf) if group in by_group]
        for leaf, seen in leaves.items()
        if seen.counts
    }
    for number, text in enumerate(texts or read()):
        for at, slot in enumerate(text.slots):
            for one in of_leaf.get((slot.kind, slot.path), ()):
                one.add(_contents(text, slot), number, at)
    form = "spread over events" if len(spans) > 1 else "spread over members"
    again = _ReadAgain(view.data, spans, shapes)
    views = [view.undone(form, bytes(one.data), _back(one, again)) for one in by_group.values()]
    yield from together(views)
    if not inner:
        for whole in (*views, *_texts_in_strings(view, spans, shapes)):
            if _LOOKS_LIKE_JSON.match(whole.data):
                yield from _of_texts(whole, _Places((0, len(whole.data))), shapes, inner=True)


def _texts_in_strings(view: View, spans: _Places, shapes: Shapes) -> Iterator[View]:
    """The strings of one JSON text that may be JSON themselves, such as the arguments of a tool call."""
    if len(spans) != 1 or b'\\"' not in view.data:
        return
    start, end = spans[0]
    text = shapes.read(view.data[start:end])
    tokens = text.places()
    for slot in text.slots:
        value = text.value(slot)
        if slot.kind == STRING and _LOOKS_LIKE_JSON.match(value):
            first = start + tokens[slot.token][0]
            undone = escapes_undone(view.part(first, first + len(value)))
            yield view.part(first, first + len(value)) if undone is None else undone


def _contents(text: Text, slot: Slot) -> bytes:
    value = text.value(slot)
    return value + b"," if slot.kind == NUMBER else unescaped(value)


def _leaves(texts: Iterable[Text], *, names: bool) -> dict[tuple[str, Path], _Leaf]:
    """What stands at each place. Numbers only count where they may be bytes."""
    leaves: dict[tuple[str, Path], _Leaf] = {}
    for text in texts:
        for slot in text.slots:
            if slot.kind == NAME and not names:
                continue
            value = text.value(slot)
            if slot.kind == NUMBER and not (len(value) < 4 and value.isdigit() and int(value) in _BYTE):
                continue
            place = (slot.kind, slot.path)
            leaf = leaves.get(place)
            if leaf is None:
                leaf = leaves[place] = _Leaf()
            leaf.add(value)
    return leaves


def _groups_of(kind: str, path: Path) -> tuple[Group, ...]:
    """The groups to which what stands at a place belongs."""
    if kind == NAME:
        return ((kind, "names", ()),)
    everywhere, in_first, in_last = wild(path), partly_wild(path, keep_last=False), partly_wild(path, keep_last=True)
    name = next((step for step in reversed(path) if isinstance(step, bytes)), b"")
    found: list[Group] = [
        (kind, "place", path),
        (kind, "place", everywhere),
        (kind, "place", in_first),
        (kind, "place", in_last),
        (kind, "name", (name,)),
    ]
    found += [(kind, "below", everywhere[:depth]) for depth in range(len(path))]
    found += [(kind, "below", in_first[:depth]) for depth in range(len(path))]
    return tuple(dict.fromkeys(found))


_usual_groups_of = lru_cache(maxsize=256)(_groups_of)


def _groups(leaves: dict[tuple[str, Path], _Leaf], groups_of: Callable[[str, Path], tuple[Group, ...]]) -> list[Group]:
    """Every group of more than one piece, but only one of those that have the same pieces."""
    members: dict[Group, list[int]] = {}
    counts: dict[Group, int] = {}
    for number, ((kind, path), leaf) in enumerate(leaves.items()):
        if not leaf.counts:
            continue
        for group in groups_of(kind, path):
            members.setdefault(group, []).append(number)
            counts[group] = counts.get(group, 0) + leaf.count
    distinct = {tuple(numbers): group for group, numbers in members.items() if counts[group] > 1}
    return list(distinct.values())


class _ReadAgain:
    """Texts that are read a second time, to find where something stands in them; a few of them are kept."""

    def __init__(self, data: bytes, spans: _Places, shapes: Shapes) -> None:
        self._data, self._spans, self._shapes = data, spans, shapes
        self._texts: dict[int, tuple[Text, int, Spans]] = {}
        self._written: dict[tuple[int, int], tuple[int, _Written]] = {}

    def written(self, number: int, slot_number: int) -> tuple[int, _Written]:
        """Where the contents of a text's string, or number, begin, and what they are."""
        key = (number, slot_number)
        if key not in self._written:
            if len(self._written) > _MOST_READ_AGAIN:
                self._written.clear()
            text, begin, tokens = self._text(number)
            slot = text.slots[slot_number]
            value = text.value(slot)
            has_escapes = slot.kind != NUMBER and b"\\" in value
            self._written[key] = (begin + tokens[slot.token][0], _Written(value, has_escapes=has_escapes))
        return self._written[key]

    def _text(self, number: int) -> tuple[Text, int, Spans]:
        """A text, where it begins, and where its tokens stand in it."""
        if number not in self._texts:
            if len(self._texts) > _MOST_READ_AGAIN:
                self._texts.clear()
            start, end = self._spans[number]
            text = self._shapes.read(self._data[start:end])
            self._texts[number] = (text, start, text.places())
        return self._texts[number]


def _back(one: _Joined, again: _ReadAgain) -> Callable[[Spans], Spans]:
    """The way back from a joined view."""

    def back(found: Spans) -> Spans:
        places: Spans = []
        for start, end in found:
            number = max(bisect_right(one.begins, start) - 1, 0)
            while number < len(one.begins) and one.begins[number] < end:
                offset, written = again.written(one.texts[number], one.slots[number])
                found_there = written.spans(start - one.begins[number], end - one.begins[number])
                places += [(offset + first, offset + last) for first, last in found_there]
                number += 1
        return places

    return back


_MOST_READ_AGAIN = 64


class _Written:
    """A string's contents as they are written, with where each part of them stands for what."""

    def __init__(self, written: bytes, *, has_escapes: bool) -> None:
        self._size = len(written)
        self._parts: list[tuple[int, int, bool]] | None = None
        """Begin and end of each part as it is written, and whether it stands for itself."""
        self._begins: list[int] = []
        """Where each part begins in what it stands for."""
        if has_escapes:
            at, self._parts = 0, []
            for start, end, text in characters(written):
                self._begins.append(at)
                self._parts.append((start, end, text == written[start:end]))
                at += len(text)
            self._size = at

    def spans(self, first: int, last: int) -> Iterator[Span]:
        """The spans, as they are written, that stand for a part of the contents."""
        first, last = max(first, 0), min(last, self._size)
        if first >= last:
            return
        if self._parts is None:
            yield first, last
            return
        at = bisect_right(self._begins, first) - 1
        while at < len(self._parts) and self._begins[at] < last:
            start, end, plain = self._parts[at]
            begin = self._begins[at]
            if plain:
                yield start + max(first - begin, 0), start + min(last - begin, end - start)
            else:
                yield start, end
            at += 1
