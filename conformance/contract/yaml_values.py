"""Reads one YAML document as JSON values and remembers the line of each, without recursion."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from conformance.contract.pointers import join

MAX_DEPTH = 100
MAX_NODES = 2_000_000
_TOO_DEEP = f"values are nested more than {MAX_DEPTH} deep"

_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MERGE = "<<"


class YamlError(Exception):
    """The text is no YAML document of JSON values; `line` counts from 1."""

    def __init__(self, message: str, line: int | None) -> None:
        self.line = line
        super().__init__(message)


@dataclass(slots=True)
class _Node:
    """A value that is being built: a mapping, a sequence or a scalar, with its size for the limits."""

    value: Any
    pointer: str
    line: int
    anchor: str | None
    size: int = 1
    height: int = 1
    key: str | None = None
    merged: list[Any] = field(default_factory=list)
    merging: bool = False


def read_yaml(text: str) -> tuple[Any, dict[str, int]]:
    """The JSON value of a YAML 1.2 document (core schema), and the line of each JSON pointer in it, from 1.

    Merge keys (`<<`) are followed. Keys are taken as text. Whatever an alias leads to has the alias's line.

    Raises:
        YamlError: the text is not YAML, has a duplicate key, more than one document, a value that JSON has not,
            or is nested or repeated beyond all measure.
    """
    return _Builder().build(text)


class _Builder:
    """Builds values from parser events, since the composer of libyaml recurses and a deep document crashes it."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.anchors: dict[str, _Node | None] = {}
        self.open: list[_Node] = []
        self.root: _Node | None = None

    def build(self, text: str) -> tuple[Any, dict[str, int]]:
        documents = 0
        for event in _events(text):
            line = event.start_mark.line + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise YamlError("there is more than one YAML document in the file; keep one", line)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event, line)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._start(event, line)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor), line)
        return (None if self.root is None else self.root.value), self.lines

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        parent = self.open[-1] if self.open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None and not parent.merging:
            if event.anchor is not None:
                self.anchors[event.anchor] = _Node(event.value, "", line, event.anchor)
            self._key(parent, event.value, plain=event.implicit[0], line=line)
            return
        node = _Node(_scalar_value(event, line), self._place(), line, event.anchor)
        self._finish(node)

    def _start(self, event: yaml.CollectionStartEvent, line: int) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise YamlError(f"the tag {event.tag} has no meaning here; remove it", line)
        parent = self.open[-1] if self.open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None and not parent.merging:
            raise YamlError("a key must be text, not a list or an object", line)
        if len(self.open) >= MAX_DEPTH:
            raise YamlError(_TOO_DEEP, line)
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Node({} if mapping else [], self._place(), line, event.anchor))

    def _end(self) -> None:
        node = self.open.pop()
        for source in node.merged:
            for key, value in source.items():
                node.value.setdefault(key, value)
        self._finish(node)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor not in self.anchors:
            raise YamlError(f"the alias *{anchor} names nothing above it", line)
        known = self.anchors[anchor]
        if known is None:
            raise YamlError(f"the alias *{anchor} stands inside what it names", line)
        parent = self.open[-1] if self.open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None and not parent.merging:
            if not isinstance(known.value, str):
                raise YamlError("a key must be text, not a list or an object", line)
            self._key(parent, known.value, plain=False, line=line)
            return
        if len(self.open) + known.height > MAX_DEPTH:
            raise YamlError(_TOO_DEEP, line)
        self._finish(_Node(known.value, self._place(), line, None, known.size, known.height))

    def _key(self, parent: _Node, key: str, *, plain: bool, line: int) -> None:
        if plain and key == _MERGE:
            parent.merging = True
            return
        if key in parent.value:
            first = self.lines.get(join(parent.pointer, key))
            raise YamlError(f"the key `{key[:80]}` stands twice (first in line {first}); keep one", line)
        parent.key = key
        self.lines[join(parent.pointer, key)] = line

    def _place(self) -> str:
        """The pointer of the value that comes next."""
        if not self.open:
            return ""
        parent = self.open[-1]
        if isinstance(parent.value, list):
            return join(parent.pointer, len(parent.value))
        return join(parent.pointer, _MERGE if parent.key is None else parent.key)

    def _finish(self, node: _Node) -> None:
        """Hands a complete value to what it stands in."""
        self.lines.setdefault(node.pointer, node.line)
        if node.anchor is not None:
            self.anchors[node.anchor] = node
        if not self.open:
            self.root = node
            return
        parent = self.open[-1]
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MAX_NODES:
            raise YamlError(f"the document has more than {MAX_NODES} values once its aliases are followed", node.line)
        if isinstance(parent.value, list):
            parent.value.append(node.value)
        elif parent.merging:
            parent.merging = False
            sources = node.value if isinstance(node.value, list) else [node.value]
            if not all(isinstance(source, dict) for source in sources):
                raise YamlError("`<<` merges objects only", node.line)
            parent.merged.extend(sources)
        else:
            parent.value[parent.key] = node.value
            parent.key = None


def _events(text: str) -> Iterator[Any]:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "it cannot be parsed"
        if "nesting depth" in problem:  # PyYAML has a limit of its own from 6.0.4 on, and may come to it first
            raise YamlError(_TOO_DEEP, mark.line + 1 if mark else None) from error
        raise YamlError(f"this is not YAML: {problem}", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise YamlError(f"this is not YAML: {getattr(error, 'reason', error)}", None) from error


def _scalar_value(event: yaml.ScalarEvent, line: int) -> Any:
    text: str = event.value
    tag = event.tag
    if tag is None and not event.implicit[0]:
        return text
    if tag in ("!", _TAG + "str"):
        return text
    value = _plain_value(text, line)
    kinds = {"null": type(None), "bool": bool, "int": int, "float": float}
    if tag is None:
        return value
    kind = kinds.get(tag.removeprefix(_TAG))
    if kind is None:
        raise YamlError(f"the tag {tag} has no meaning here; remove it", line)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind):
        raise YamlError(f"`{text[:80]}` is not of the type that its tag {tag} says", line)
    return value


def _plain_value(text: str, line: int) -> Any:
    """What a plain scalar means by the core schema of YAML 1.2 (§10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_A_NUMBER.fullmatch(text):
        raise YamlError(f"`{text}` is no number of JSON", line)
    try:
        if _INTEGER.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            return number if math.isfinite(number) else _too_large(text, line)
    except ValueError:
        return _too_large(text, line)  # More digits than Python converts.
    return text


def _too_large(text: str, line: int) -> NoReturn:
    raise YamlError(f"the number `{text[:20]}…` is too large", line)
