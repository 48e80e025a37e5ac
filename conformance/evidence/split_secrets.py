"""Finds secrets that are split over the events of a stream, a piece in each."""

from __future__ import annotations

import json
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from conformance.evidence.secret_encodings import Span

Path = tuple[object, ...]
Find = Callable[[bytes], Iterable[Span]]

_RAW: Path = ("data",)
"""Stands for the data of events that is not JSON."""
_DATA = re.compile(rb"(?:^|(?<=[\r\n]))data: ?([^\r\n]*)")
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')
_CHARACTER = re.compile(rb"\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)
_ESCAPED = {b"\\n": b"\n", b"\\r": b"\r", b"\\t": b"\t", b"\\b": b"\b", b"\\f": b"\f"}


@dataclass(frozen=True, slots=True)
class _Event:
    """The data of one event: where it begins in the body, its bytes, and the JSON value that it is, if it is one."""

    offset: int
    data: bytes
    value: Any
    is_json: bool


def find_split(body: bytes, find: Find) -> list[Span]:
    """Where pieces of secrets stand in an event stream: whoever joins the deltas would read a secret.

    `find` finds secrets in bytes. Strings at the same place of each event's JSON are joined; elements of a list count
    as the same place by their `index` member, where they have one, since choices may take turns.
    """
    suspects = [path for path, (count, text) in _texts(_events(body)).items() if count > 1 and any(find(bytes(text)))]
    return [span for path in suspects for span in _locate(body, path, find)]


def _events(body: bytes) -> Iterator[_Event]:
    """The events one after another: all values of a long stream together take ten times its size."""
    return map(_event, _DATA.finditer(body))


def _event(match: re.Match[bytes]) -> _Event:
    data = match.group(1)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _Event(match.start(1), data, None, is_json=False)
    # A bare number or `true` may also be a piece of text that happens to look like one.
    return _Event(match.start(1), data, value, is_json=isinstance(value, (dict, list, str)))


def _texts(events: Iterable[_Event]) -> dict[Path, tuple[int, bytearray]]:
    """All strings of all events by their path: how many there are, and what they make together."""
    texts: dict[Path, tuple[int, bytearray]] = {}
    for event in events:
        if not event.is_json:
            _add(texts, _RAW, event.data)
            continue
        for path, text in _strings(event.value, ()):
            _add(texts, path, text.encode("utf-8", "surrogatepass"))
    return texts


def _add(texts: dict[Path, tuple[int, bytearray]], path: Path, text: bytes) -> None:
    count, joined = texts.get(path) or (0, bytearray())
    joined += text
    texts[path] = (count + 1, joined)


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    stack = [(value, path)]
    while stack:
        value, path = stack.pop()
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, dict):
            stack += [(member, (*path, key)) for key, member in reversed(value.items())]
        elif isinstance(value, list):
            stack += [(element, (*path, _place(element, at))) for at, element in reversed(list(enumerate(value)))]


def _place(element: Any, at: int) -> object:
    index = element.get("index") if isinstance(element, dict) else None
    return ("index", index) if isinstance(index, (int, float)) else at


def _locate(body: bytes, path: Path, find: Find) -> Iterator[Span]:
    """The spans in the body of what is found in the joined strings at one path."""
    joined = bytearray()
    # Of each piece: where it begins in the joined text, and where in the body it stands.
    begins, starts, ends = array("q"), array("q"), array("q")
    for event in _events(body):
        for start, end in _contents(event, path):
            begins.append(len(joined))
            starts.append(event.offset + start)
            ends.append(event.offset + end)
            joined += _text(event.data[start:end], is_json=event.is_json)
    for found in find(bytes(joined)):
        first, last = bisect_right(begins, found.start) - 1, bisect_left(begins, found.end)
        for number in range(first, last):
            at = begins[number]
            for match in _CHARACTER.finditer(body, starts[number], ends[number]):
                size = len(match.group() if path == _RAW else _decoded(match.group()))
                if found.start < at + size and at < found.end:
                    yield Span(match.start(), match.end(), found.secret, "spread over events")
                at += size


def _text(piece: bytes, *, is_json: bool) -> bytes:
    """What a piece of the body adds to the joined text."""
    if not is_json or b"\\" not in piece:
        return piece
    return b"".join(_decoded(match.group()) for match in _CHARACTER.finditer(piece))


def _decoded(character: bytes) -> bytes:
    if character.startswith(b"\\u"):
        return chr(int(character[2:], 16)).encode("utf-8", "surrogatepass")
    return _ESCAPED.get(character, character[-1:])


def _contents(event: _Event, path: Path) -> Iterator[tuple[int, int]]:
    """Where, in an event's data, the contents of its strings at a path begin and end."""
    if not event.is_json:
        if path == _RAW:
            yield 0, len(event.data)
        return
    for steps, start, end in _scan(event.data):
        if _named(event.value, steps) == path:
            yield start, end


def _named(value: Any, steps: list[Any]) -> Path:
    """A path with positions in lists as the path that `_strings` gives."""
    path: Path = ()
    for step in steps:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            # A duplicate key hid this value from the JSON parser.
            value = None
        path = (*path, _place(value, step) if isinstance(step, int) else step)
    return path


def _scan(data: bytes) -> Iterator[tuple[list[Any], int, int]]:
    """Every string value of a valid JSON text, with the keys and positions that lead to it."""
    steps: list[Any] = []
    key_next = False
    for match in _TOKEN.finditer(data):
        token = match.group()
        if token in {b"{", b"["}:
            steps.append(None if token == b"{" else 0)
            key_next = token == b"{"
        elif token in {b"}", b"]"}:
            steps.pop()
            key_next = False
        elif token == b"," and steps:
            if isinstance(steps[-1], int):
                steps[-1] += 1
            else:
                key_next = True
        elif token.startswith(b'"'):
            if key_next:
                steps[-1] = json.loads(token)
                key_next = False
            else:
                yield list(steps), match.start() + 1, match.end() - 1
