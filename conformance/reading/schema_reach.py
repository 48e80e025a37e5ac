"""Finds the keywords of a schema that judge a value of an instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from conformance.contract.branches import chosen_branch, selectors
from conformance.contract.derive import SchemaPlace, places
from conformance.contract.model import Schema
from conformance.contract.pointers import join
from conformance.contract.vocabulary import APPLIES_TO

Accepts = Callable[[Schema, Any], bool]
"""Whether a value fits a schema of the same document."""


@dataclass(slots=True)
class _Choice:
    branches: Sequence[Schema]
    selecting: frozenset[str]
    nodes: Sequence[_Node | None]


@dataclass(slots=True)
class _Node:
    """The keys of one schema object's keywords by the type of value that they apply to, and the schemas below it."""

    always: tuple[str, ...]
    by_type: Mapping[str, tuple[str, ...]]
    properties: dict[str, _Node] = field(default_factory=dict)
    patterns: list[tuple[Callable[[str], bool], _Node]] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    additional: _Node | None = None
    prefix: list[_Node | None] = field(default_factory=list)
    items: _Node | None = None
    choices: list[_Choice] = field(default_factory=list)
    same_value: list[_Node] = field(default_factory=list)


class SchemaReach:
    """The keywords of one schema, arranged so that an instance can be walked through them."""

    def __init__(self, root: Schema, accepts: Accepts) -> None:
        self._accepts = accepts
        self._places = {place.pointer: place for place in places(root)}
        self._nodes: dict[str, _Node] = {}
        self._root = self._node("")
        self.keys = frozenset(key for place in self._places.values() for key in _all_keys(place))
        """The keys of all keywords that are requirements of their own."""

    def reached(self, instance: Any) -> frozenset[str]:
        """The keys of all keywords that judge a value of the instance.

        A keyword judges the values at its place that have the type it applies to: `maximum` does not judge null. Of an
        `anyOf` or `oneOf`, the one branch judges that takes such values, or else those that accept the value.
        """
        found: set[str] = set()
        ahead: list[tuple[_Node, Any]] = [] if self._root is None else [(self._root, instance)]
        while ahead:
            node, value = ahead.pop()
            found.update(node.always)
            found.update(node.by_type.get(_kind(value), ()))
            ahead.extend((same, value) for same in node.same_value)
            for choice in node.choices:
                ahead.extend((branch, value) for branch in self._judging(choice, value))
            if isinstance(value, dict):
                _enter_object(node, value, ahead)
            elif isinstance(value, list):
                _enter_array(node, value, ahead)
        return frozenset(found)

    def _judging(self, choice: _Choice, value: Any) -> list[_Node]:
        number = chosen_branch(choice.branches, value, choice.selecting)
        if number is not None:
            judging = [choice.nodes[number]]
        else:
            accepting = (self._accepts(branch, value) for branch in choice.branches)
            judging = [node for node, accepts in zip(choice.nodes, accepting, strict=True) if accepts]
        return [node for node in judging if node is not None]

    def _node(self, pointer: str) -> _Node | None:
        place = self._places.get(pointer)
        if place is None:
            return None
        if pointer not in self._nodes:
            always, by_type = _keys(place)
            # Stored before it is filled, since a schema may refer to itself.
            self._nodes[pointer] = _Node(always, by_type)
            self._fill(self._nodes[pointer], place)
        return self._nodes[pointer]

    def _fill(self, node: _Node, place: SchemaPlace) -> None:
        schema = place.schema

        def inner(*tokens: str | int) -> _Node | None:
            return self._node(join(place.pointer, *tokens))

        names = schema.get("properties", {})
        node.named = frozenset(names)
        node.properties = {name: found for name in names if (found := inner("properties", name)) is not None}
        for pattern in schema.get("patternProperties", {}):
            found = inner("patternProperties", pattern)
            if found is not None:
                node.patterns.append((matcher(pattern), found))
        node.additional = inner("additionalProperties")
        node.prefix = [inner("prefixItems", number) for number in range(len(schema.get("prefixItems", ())))]
        node.items = inner("items")
        for keyword in ("anyOf", "oneOf"):
            branches = schema.get(keyword, ())
            if branches:
                nodes = [inner(keyword, number) for number in range(len(branches))]
                node.choices.append(_Choice(branches, selectors(branches), nodes))
        same = [inner("allOf", number) for number in range(len(schema.get("allOf", ())))]
        reference = schema.get("$ref")
        if isinstance(reference, str):
            same.append(self._node(reference[1:]))
        node.same_value = [one for one in same if one is not None]


@cache
def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a pattern of a schema somewhere (ECMA-262, as jsonschema-rs reads it)."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    is_valid: Callable[[str], bool] = Draft202012Validator({"pattern": pattern}).is_valid
    return is_valid


def key_of(pointer: str, keyword: str, value: Any) -> str:
    """The key of a constraint: its pointer, followed by `#NAME` for a required name."""
    return f"{pointer}#{value}" if keyword == "required" else pointer


def _all_keys(place: SchemaPlace) -> list[str]:
    return [key_of(join(place.pointer, keyword), keyword, value) for keyword, value in place.judged()]


def _keys(place: SchemaPlace) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
    always: list[str] = []
    by_type: dict[str, list[str]] = {}
    for keyword, value in place.judged():
        applies = APPLIES_TO.get(keyword)
        keys = always if applies is None else by_type.setdefault(applies, [])
        keys.append(key_of(join(place.pointer, keyword), keyword, value))
    return tuple(always), {kind: tuple(keys) for kind, keys in by_type.items()}


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "other" if value is None or isinstance(value, bool) else "number"


def _enter_object(node: _Node, value: Mapping[str, Any], ahead: list[tuple[_Node, Any]]) -> None:
    for name, inner in value.items():
        known = node.properties.get(name)
        if known is not None:
            ahead.append((known, inner))
        matching = [below for matches, below in node.patterns if matches(name)]
        ahead.extend((below, inner) for below in matching)
        if node.additional is not None and name not in node.named and not matching:
            ahead.append((node.additional, inner))


def _enter_array(node: _Node, value: list[Any], ahead: list[tuple[_Node, Any]]) -> None:
    for below, inner in zip(node.prefix, value, strict=False):
        if below is not None:
            ahead.append((below, inner))
    if node.items is not None:
        ahead.extend((node.items, inner) for inner in value[len(node.prefix) :])
