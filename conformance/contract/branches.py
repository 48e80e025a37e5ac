"""Which branch of an `anyOf` or `oneOf` a value belongs to, by its type or by a property that names the kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.contract.model import Schema

_CLASSES: Mapping[str, type] = {"string": str, "array": list, "object": dict, "null": type(None)}


def selectors(branches: Sequence[Schema]) -> frozenset[str]:
    """Properties that tell branches apart: at least two branches fix each of them to values of their own."""
    fixing = [
        {name for name, schema in _properties(branch).items() if _fixed(schema) is not None} for branch in branches
    ]
    return frozenset(
        name
        for name in set().union(*fixing)
        if sum(name in names for names in fixing) > 1 and _differ([_fixed(_properties(b).get(name)) for b in branches])
    )


def chosen_branch(branches: Sequence[Schema], value: Any, distinguishing: frozenset[str] | None = None) -> int | None:
    """The number of the only branch that takes values like this one, or None where none or several do.

    A branch takes a value when its own `type`, `const` and `enum` allow it, and so do the properties that tell the
    branches apart: `distinguishing`, which is `selectors(branches)` where it is not given.
    """
    if distinguishing is None:
        distinguishing = selectors(branches)
    taking = [number for number, branch in enumerate(branches) if _takes(branch, value, distinguishing)]
    return taking[0] if len(taking) == 1 else None


def branch_names(branches: Sequence[Schema]) -> tuple[str, ...]:
    """A short lower-case name for each branch, different from the others: its title, its type, or its number from 1."""
    names: list[str] = []
    for number, branch in enumerate(branches, start=1):
        title = branch.get("title") if isinstance(branch, Mapping) else None
        kind = branch.get("type") if isinstance(branch, Mapping) else None
        candidates = [kebab(one) for one in (title, kind) if isinstance(one, str)]
        free = [name for name in candidates if name and name not in names]
        names.append(free[0] if free else str(number))
    return tuple(names)


def kebab(text: str) -> str:
    """A text as part of an id: `Text content` and `textContent` become `text-content`; underscores stay."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9_]+", "-", parted.lower()).strip("-")


def has_type(value: Any, kind: str) -> bool:
    """Whether a JSON value has a type of JSON Schema; 1.0 is an integer, true is not a number (2020-12, §6.1.1)."""
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, (int, float)):
        return kind == "number" or (kind == "integer" and (isinstance(value, int) or value.is_integer()))
    return isinstance(value, _CLASSES[kind]) if kind in _CLASSES else False


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def _takes(branch: Schema, value: Any, distinguishing: frozenset[str]) -> bool:
    if not isinstance(branch, Mapping):
        return branch
    kinds = branch.get("type")
    if kinds is not None and not any(has_type(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    fixed = _fixed(branch)
    if fixed is not None and not any(same(value, one) for one in fixed):
        return False
    if not isinstance(value, dict):
        return True
    return all(
        any(same(value[name], one) for one in allowed)
        for name in distinguishing
        if name in value and (allowed := _fixed(_properties(branch).get(name))) is not None
    )


def _properties(schema: Schema) -> Mapping[str, Schema]:
    found: Mapping[str, Schema] = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    return found


def _fixed(schema: Schema | None) -> list[Any] | None:
    """The values that a schema's own `const` or `enum` allows, or None where it has neither."""
    if not isinstance(schema, Mapping):
        return None
    if "const" in schema:
        return [schema["const"]]
    return list(schema["enum"]) if "enum" in schema else None


def _differ(sets: Sequence[list[Any] | None]) -> bool:
    """Whether no value stands in two of the sets."""
    seen: set[str] = set()
    for values in sets:
        texts = {json.dumps(value, sort_keys=True) for value in values or ()}
        if texts & seen:
            return False
        seen |= texts
    return True
