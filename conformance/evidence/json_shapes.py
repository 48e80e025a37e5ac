"""Reads the strings and numbers of JSON texts by their places. Texts of one shape, as in a stream, are read once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

Step = bytes | int | tuple[str, int]
"""A member's name, a position in a list, or the `index` that an element of a list says it has."""
Path = tuple[Step, ...]

MOST_POSITIONS: Final = 24
"""Positions of a list that count as places of their own."""
ANY: Final = -1
"""The step that stands for every element of a list."""
_DEEPEST: Final = 64
_MOST_SHAPES: Final = 512
_LARGEST_SHAPE: Final = 16 * 1024
"""Bytes of a text up to which its shape is remembered."""

# A number of one digit is part of the shape: so is the `index` of a choice.
_TOKENS = re.compile(
    rb'"((?:[^"\\]++|\\.)*+)"(\s*+:)?+|(-?(?:[0-9]{2,}+(?:\.[0-9]++)?|[0-9]\.[0-9]++)(?:[eE][+-]?[0-9]++)?)', re.DOTALL
)
_SINGLE_QUOTED = re.compile(rb"'((?:[^'\\]++|\\.)*+)'(\s*+:)?+|(\Z[0-9])", re.DOTALL)
_ESCAPED = re.compile(rb"\\u[0-9a-fA-F]{4}|\\.|[^\\]+", re.DOTALL)
_STRUCTURE = re.compile(rb"[{}\[\],]|[0-9]")
_LETTERS = {b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t", b"\\b": b"\b", b"\\f": b"\f"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a shape: a string (or a member's name, or a number), and the number of its token."""

    token: int
    path: Path
    kind: str


STRING, NUMBER, NAME = "string", "number", "name"


@dataclass(frozen=True, slots=True)
class Text:
    """One JSON text: its tokens, and the slots of its shape.

    `parts` alternates what stands between tokens with three groups of a token: string, the colon behind it, number.
    """

    parts: list[bytes | None]
    slots: tuple[Slot, ...]

    def value(self, slot: Slot) -> bytes:
        """The bytes at a slot, as they are written."""
        at = 4 * slot.token + (3 if slot.kind == NUMBER else 1)
        return self.parts[at] or b""

    def places(self) -> list[tuple[int, int]]:
        """Where the contents of each token begin and end in the text."""
        found, at = [], 0
        for between, string, colon, number in _rows(self.parts):
            at += len(between)
            quote = string is not None
            size = len(string if string is not None else number or b"")
            found.append((at + quote, at + quote + size))
            at += size + 2 * quote + len(colon or b"")
        return found


class Shapes:
    """Reads texts and remembers their shapes."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], tuple[Slot, ...]] = {}

    def read(self, data: bytes) -> Text:
        """A JSON text, or what is left of one: nothing is demanded of it."""
        pattern = _SINGLE_QUOTED if b'"' not in data and b"'" in data else _TOKENS
        parts: list[bytes | None] = pattern.split(data)
        names = (string for string, colon in zip(parts[1::4], parts[2::4], strict=True) if colon)
        # A number may stand where another text has a string.
        key = (*parts[::4], tuple(map(type, parts[3::4])), *names)
        slots = self._known.get(key)
        if slots is None:
            slots = tuple(_slots(parts))
            if len(key) < _MOST_SHAPES and len(data) < _LARGEST_SHAPE:
                if len(self._known) >= _MOST_SHAPES:
                    self._known.clear()
                self._known[key] = slots
        return Text(parts, slots)


class _Level:
    """An object or a list on the way to a value; `first` is the first slot of the element that is being read."""

    __slots__ = ("first", "is_list", "step")

    def __init__(self, *, is_list: bool, first: int) -> None:
        self.is_list = is_list
        self.step: Step = 0 if is_list else b""
        self.first = first


def _slots(parts: list[bytes | None]) -> list[Slot]:
    slots: list[Slot] = []
    stack: list[_Level] = []
    name = b""
    for token, (between, string, colon, _number) in enumerate(_rows(parts)):
        _follow(between, stack, slots, name)
        name = b""
        if string is not None and colon:
            name = string
            slots.append(Slot(token, (*_path(stack), b""), NAME))
            if stack:
                stack[-1].step = string
        else:
            slots.append(Slot(token, _path(stack), NUMBER if string is None else STRING))
    return slots


def _follow(between: bytes, stack: list[_Level], slots: list[Slot], name: bytes) -> None:
    """Go on through brackets and commas. A digit after the name `index` says which element of its list this is."""
    for match in _STRUCTURE.finditer(between):
        mark = match.group()
        if mark in b"{[":
            if len(stack) < _DEEPEST:
                stack.append(_Level(is_list=mark == b"[", first=len(slots)))
        elif mark in b"}]":
            if stack:
                stack.pop()
        elif mark == b",":
            if stack and stack[-1].is_list:
                level = stack[-1]
                position = level.step if isinstance(level.step, int) else 0
                level.step = min(position + 1, MOST_POSITIONS)
                level.first = len(slots)
        elif name == b"index" and len(stack) > 1 and stack[-2].is_list:
            _number_element(stack, slots, int(mark))
            name = b""


def _number_element(stack: list[_Level], slots: list[Slot], index: int) -> None:
    """Give the element that is being read its own number, also in the slots that came before the number."""
    depth = len(stack) - 2
    level = stack[depth]
    place = ("index", index)
    for at in range(level.first, len(slots)):
        slot = slots[at]
        slots[at] = Slot(slot.token, (*slot.path[:depth], place, *slot.path[depth + 1 :]), slot.kind)
    stack[-1].step = b""
    level.step = place


def _path(stack: list[_Level]) -> Path:
    return tuple(level.step for level in stack)


def _rows(parts: list[bytes | None]) -> Iterator[tuple[bytes, bytes | None, bytes | None, bytes | None]]:
    for at in range(0, len(parts) - 1, 4):
        yield parts[at] or b"", parts[at + 1], parts[at + 2], parts[at + 3]


def wild(path: Path) -> Path:
    """The path with every element of a list at the same place."""
    return tuple(step if isinstance(step, bytes) else ANY for step in path)


def partly_wild(path: Path, *, keep_last: bool) -> Path:
    """The path with every element at the same place but in its first list, or in its last."""
    lists = [at for at, step in enumerate(path) if not isinstance(step, bytes)]
    kept = (lists[-1] if keep_last else lists[0]) if lists else -1
    return tuple(step if isinstance(step, bytes) or at == kept else ANY for at, step in enumerate(path))


def unescaped(text: bytes) -> bytes:
    """The contents of a JSON string without its escapes."""
    return b"".join(piece for _, _, piece in characters(text)) if b"\\" in text else text


def characters(text: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The parts of a JSON string's contents: begin, end, and what they stand for."""
    for match in _ESCAPED.finditer(text):
        written = match.group()
        if written.startswith(b"\\u") and len(written) == 6:
            yield match.start(), match.end(), chr(int(written[2:], 16)).encode("utf-8", "surrogatepass")
        elif written.startswith(b"\\"):
            yield match.start(), match.end(), _LETTERS.get(written, written[1:])
        else:
            yield match.start(), match.end(), written
