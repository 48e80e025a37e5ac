"""Reads one YAML document as JSON values and remembers the line of each.

The parser of libyaml gives events, and this module descends through them. Three ways that take less code do not hold:
ruamel.yaml's own loader takes about twenty times as long; composed nodes (PyYAML's and ruamel's) do not know where an
alias stands; and the composers recurse without a bound, so that a hostile document crashes the process.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from typing import Any

import yaml

from conformance.contract.pointers import join

MAX_DEPTH = 100
MAX_NODES = 1_000_000
MAX_POINTER = 10_000
"""Characters of the names that lead to one value, together."""

_MOST_OF_LINES = 50_000_000
"""Characters of all pointers whose lines are kept; values after that have the line of what is around them."""

_TAG = "tag:yaml.org,2002:"
_STRING = _TAG + "str"
_FLOAT = _TAG + "float"
_TYPES = {_TAG + "null": type(None), _TAG + "bool": bool, _TAG + "int": int, _FLOAT: float}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+|0x[0-9a-fA-F]+")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LARGEST = int(sys.float_info.max)
_PARSER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class YamlError(Exception):
    """The text is not one YAML document of JSON values; `line` counts from 1."""

    def __init__(self, message: str, line: int | None) -> None:
        self.line = line
        super().__init__(message)


def read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    """The JSON value of a YAML 1.2 document (core schema), and the line of each JSON pointer in it, from 1.

    Merge keys (`<<`) are followed. Keys are taken as text. Whatever an alias stands for has the alias's line.

    Raises:
        YamlError: the text is not YAML, has a duplicate key, more than one document, or a value that JSON does not
            have; or it is nested more than `MAX_DEPTH` deep, has more than `MAX_NODES` values with its aliases
            followed, or names of more than `MAX_POINTER` characters.
    """
    try:
        descent = _Descent(yaml.parse(text, Loader=_PARSER))
        return descent.document(), descent.lines
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = error.problem or error.context or "it cannot be parsed"
        if "nesting depth" in problem:  # PyYAML has a limit of its own from 6.0.4 on, and may reach it first.
            raise _too_deep(line) from error
        raise YamlError(f"this is not YAML: {problem}", line) from error
    except yaml.YAMLError as error:
        raise YamlError(f"this is not YAML: {getattr(error, 'reason', error)}", None) from error


class _Descent:
    """Builds values from parser events; `MAX_DEPTH` bounds the recursion."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.lines: dict[str, int] = {}
        self._room = _MOST_OF_LINES
        self._events = events
        self._anchors: dict[str, tuple[Any, int, int] | None] = {}
        """What each anchor names, its count of values, and how deep they are nested; None while it is being built."""
        self._count = 0

    def document(self) -> Any:
        documents: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent) and documents:
                raise YamlError("there is more than one YAML document in the file; keep one", _line(event))
            if isinstance(event, yaml.NodeEvent):
                documents.append(self._value(event, "", 0)[0])
        return documents[0] if documents else None

    def _value(self, event: Any, pointer: str, depth: int) -> tuple[Any, int]:
        """The value that starts with an event, and how deep it is nested: 1 for a scalar."""
        line = _line(event)
        if pointer not in self.lines:
            self._note(pointer, line)
        anchor = event.anchor
        if isinstance(event, yaml.AliasEvent):
            value, count, height = self._named(anchor, line)
            if depth + height > MAX_DEPTH:
                raise _too_deep(line)
            self._add(count, line)
            return value, height
        before = self._count
        self._add(1, line)
        if isinstance(event, yaml.ScalarEvent):
            value, height = _scalar(event, line), 1
        else:
            mapping = isinstance(event, yaml.MappingStartEvent)
            if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
                raise _unfit(event.tag, line)
            if depth >= MAX_DEPTH:
                raise _too_deep(line)
            if anchor is not None:
                self._anchors[anchor] = None
            value, height = (self._mapping if mapping else self._sequence)(pointer, depth + 1)
        if anchor is not None:
            self._anchors[anchor] = value, self._count - before, height
        return value, height

    def _sequence(self, pointer: str, depth: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        tallest = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item, height = self._value(event, join(pointer, len(items)), depth)
            items.append(item)
            tallest = max(tallest, height)
        return items, tallest + 1

    def _mapping(self, pointer: str, depth: int) -> tuple[dict[str, Any], int]:
        members: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        tallest = 0
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key, line = self._key(event), _line(event)
            at = join(pointer, key)
            merging = key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]
            if key in members and not merging:
                first = f" (first in line {self.lines[at]})" if at in self.lines else ""
                raise YamlError(f"the key `{key[:80]}` stands twice{first}; keep one", line)
            self._note(at, line)
            value, height = self._value(next(self._events), at, depth)
            tallest = max(tallest, height)
            if not merging:
                members[key] = value
                continue
            sources = value if isinstance(value, list) else [value]
            if not all(isinstance(source, dict) for source in sources):
                raise YamlError("`<<` merges objects only", line)
            merged += sources
        for source in merged:
            for key, value in source.items():
                members.setdefault(key, value)
        return members, tallest + 1

    def _note(self, pointer: str, line: int) -> None:
        """Keep the line of a pointer."""
        if len(pointer) > MAX_POINTER:
            raise YamlError(f"the names that lead to this value have more than {MAX_POINTER} characters", line)
        self._room -= len(pointer)
        if self._room >= 0:
            self.lines[pointer] = line

    def _key(self, event: Any) -> str:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            key = self._named(event.anchor, line)[0]
        else:
            key = getattr(event, "value", None)
        if not isinstance(key, str):
            raise YamlError("a key must be text, not a list or an object", line)
        if event.anchor is not None:
            self._anchors[event.anchor] = key, 1, 1
        return key

    def _named(self, anchor: Any, line: int) -> tuple[Any, int, int]:
        if anchor not in self._anchors:
            raise YamlError(f"the alias *{anchor} names nothing above it", line)
        known = self._anchors[anchor]
        if known is None:
            raise YamlError(f"the alias *{anchor} stands inside what it names", line)
        return known

    def _add(self, values: int, line: int) -> None:
        self._count += values
        if self._count > MAX_NODES:
            raise YamlError(f"the document has more than {MAX_NODES} values once its aliases are followed", line)


def _scalar(event: Any, line: int) -> Any:
    text: str = event.value
    tag = event.tag
    if tag in (_STRING, "!") or (tag is None and not event.implicit[0]):
        return text
    value = _plain(text, line)
    if tag is None:
        return value
    if tag == _FLOAT and type(value) is int:
        value = float(value)
    if type(value) is not _TYPES.get(tag):
        raise _unfit(tag, line)
    return value


def _plain(text: str, line: int) -> Any:
    """What a plain scalar means by the core schema of YAML 1.2 (§10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_FINITE.fullmatch(text):
        raise YamlError(f"`{text}` is not a JSON number", line)
    if not _NUMBER.fullmatch(text):
        return text
    try:
        whole = int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    except ValueError:  # It has a fraction or an exponent, or more digits than Python converts.
        number = float(text)
        if math.isfinite(number):
            return number
    else:
        if abs(whole) <= _LARGEST:
            return whole
    raise YamlError(f"the number `{text[:20]}…` is too large", line)


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _unfit(tag: str, line: int) -> YamlError:
    return YamlError(f"the tag {tag} does not fit this value; remove it", line)


def _too_deep(line: int | None) -> YamlError:
    return YamlError(f"values are nested more than {MAX_DEPTH} deep", line)
