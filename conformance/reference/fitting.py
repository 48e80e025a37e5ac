"""Makes an answer as a contract's schema has it: with the members, types, words and bounds that the schema asks for."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.branches import has_type
from conformance.contract.model import Schema
from conformance.contract.samples import sample, types_of
from conformance.contract.validators import Accepts, definitions_of, validator_for

_DEEPEST = 24
_MISSING = object()
_USUAL: Mapping[str, Any] = {"role": "assistant", "index": 0, "finish_reason": None, "logprobs": None, "refusal": None}
"""What a member is, as a rule, that an answer of the reference deployment does not have."""


class Fitter:
    """Fits values to one schema. What the schema accepts stays as it is."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions = definitions_of(schema)
        self._validators: dict[int, tuple[Any, Accepts]] = {}

    def accepts(self, value: Any) -> bool:
        """Whether the schema accepts a value as it is."""
        return self._takes(self._schema, value)

    def __call__(self, value: Any) -> Any:
        """The value, changed where the schema asks for another, as little as is known; at worst a sample of it.

        Where no valid value is known, the result is not valid either.
        """
        if self.accepts(value):
            return value
        fitted = self._fit(self._schema, value, 0)
        return fitted if self.accepts(fitted) else self._sample(self._schema)

    def _takes(self, schema: Any, value: Any) -> bool:
        if isinstance(schema, bool):
            return schema
        known = self._validators.get(id(schema))
        if known is None:
            known = self._validators[id(schema)] = (schema, validator_for(schema, self._definitions))
        return known[1](value)

    def _sample(self, schema: Any) -> Any:
        return copy.deepcopy(sample(schema, self._definitions))

    def _fit(self, schema: Any, value: Any, depth: int) -> Any:
        if (
            not isinstance(schema, Mapping)
            or depth > _DEEPEST
            or (value is not _MISSING and self._takes(schema, value))
        ):
            return self._sample(schema) if value is _MISSING else value
        if "$ref" in schema:
            value = self._fit(self._definitions.get(schema["$ref"].removeprefix("#/$defs/"), True), value, depth + 1)
        for part in schema.get("allOf", ()):
            value = self._fit(part, value, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if schema.get(keyword):
                value = self._of_branches(schema[keyword], value, depth + 1)
        return self._by_own_words(schema, value, depth)

    def _of_branches(self, branches: list[Any], value: Any, depth: int) -> Any:
        """The value as the branch has it that takes the most of its members."""
        if any(self._takes(branch, value) for branch in branches):
            return value
        fitted = [(branch, self._fit(branch, value, depth)) for branch in branches]
        right = [one for branch, one in fitted if self._takes(branch, one)] or [one for _, one in fitted]
        return max(right, key=lambda one: _in_common(one, value))

    def _by_own_words(self, schema: Mapping[str, Any], value: Any, depth: int) -> Any:
        if "const" in schema:
            return copy.deepcopy(schema["const"])
        if schema.get("enum") and value not in schema["enum"]:
            return copy.deepcopy(next((one for one in schema["enum"] if one is not None), None))
        if value is _MISSING or not any(has_type(value, kind) for kind in types_of(schema)):
            return self._sample(schema)
        if isinstance(value, Mapping):
            return self._object(schema, value, depth)
        if isinstance(value, list):
            return self._array(schema, value, depth)
        return _bounded(schema, value) if isinstance(value, int | float) else self._text(schema, value)

    def _object(self, schema: Mapping[str, Any], value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        others = schema.get("additionalProperties", True)
        fitted: dict[str, Any] = {}
        for name, member in value.items():
            inner = properties.get(name, others)
            if inner is not False:
                fitted[name] = self._fit(inner, member, depth + 1)
        for name in schema.get("required", ()):
            if name not in fitted:
                usual = _USUAL.get(name, _MISSING)
                inner = properties.get(name, others)
                known = usual is not _MISSING and self._takes(inner, usual)
                fitted[name] = usual if known else self._fit(inner, _MISSING, depth + 1)
        return fitted

    def _array(self, schema: Mapping[str, Any], value: list[Any], depth: int) -> list[Any]:
        items = schema.get("items", True)
        fitted = [self._fit(items, one, depth + 1) for one in value[: schema.get("maxItems")]]
        return fitted if len(fitted) >= schema.get("minItems", 0) else self._sample(schema)

    def _text(self, schema: Mapping[str, Any], value: Any) -> Any:
        if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
            value = value[: schema["maxLength"]]
        return value if self._takes(schema, value) else self._sample(schema)


def _bounded(schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return max(schema.get("minimum", value), min(value, schema.get("maximum", value)))


def _in_common(one: Any, other: Any) -> int:
    """How many members two values share, at any depth; what is alike in type counts a little."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return 1 + sum(2 + _in_common(one[name], other[name]) for name in one.keys() & other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return 1 + sum(_in_common(*pair) for pair in zip(one, other, strict=False))
    return 2 if one == other else int(type(one) is type(other))


def first_accepted(fitter: Fitter, candidates: Iterator[Any]) -> Any:
    """The first candidate that a schema accepts as it is; else the first of them, fitted."""
    first = next(candidates)
    if fitter.accepts(first):
        return first
    return next(filter(fitter.accepts, candidates), None) or fitter(first)
