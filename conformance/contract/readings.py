"""Reads a resolved schema for one use: what is surely valid in a request, what may be, and what an answer must be.

Between what a document surely allows and what it surely forbids lies what its author may have meant either way. A
request is sent as valid only if it is surely allowed, and as invalid only if it is surely forbidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.contract.model import Schema
from conformance.contract.provenance import X_SOURCE
from conformance.contract.vocabulary import HOLD_A_SCHEMA, HOLD_LISTS_OF_SCHEMAS, HOLD_SCHEMAS_BY_NAME

_Change = Callable[[dict[str, Any]], dict[str, Any]]


def surely_valid(schema: Schema) -> Schema:
    """The schema of what a request may have: without what only an answer has (`readOnly`)."""
    return _changed(schema, lambda one: _without_members(one, "readOnly", entirely=True))


def perhaps_valid(schema: Schema) -> Schema:
    """The schema that accepts whatever may be meant: any text of a `format`, and what only an answer has."""
    return _changed(schema, lambda one: _without_format(_without_members(one, "readOnly")))


def of_an_answer(schema: Schema) -> Schema:
    """The schema of what an answer must be: without demands of what only a request has (`writeOnly`) or of formats."""
    return _changed(schema, lambda one: _without_format(_without_members(one, "writeOnly")))


def _without_format(schema: dict[str, Any]) -> dict[str, Any]:
    if "format" not in schema or "format" in schema.get(X_SOURCE, {}):
        return schema
    return {name: value for name, value in schema.items() if name != "format"}


def _without_members(schema: dict[str, Any], mark: str, *, entirely: bool = False) -> dict[str, Any]:
    """A schema object that no longer requires the marked properties, or no longer has them."""
    properties = schema.get("properties", {})
    marked = {name for name, one in properties.items() if isinstance(one, Mapping) and one.get(mark) is True}
    if not marked:
        return schema
    changed = {**schema, "required": [name for name in schema.get("required", ()) if name not in marked]}
    if entirely:
        changed["properties"] = {name: one for name, one in properties.items() if name not in marked}
    return changed


def _changed(schema: Schema, change: _Change) -> Schema:
    """The schema with a change made to each schema object in it; parts that are shared stay shared."""
    known: dict[int, tuple[Any, Any]] = {}

    def of(one: Any) -> Any:
        if not isinstance(one, Mapping):
            return one
        if id(one) not in known:
            known[id(one)] = (one, change({keyword: inside(keyword, value) for keyword, value in one.items()}))
        return known[id(one)][1]

    def inside(keyword: str, value: Any) -> Any:
        if keyword in HOLD_SCHEMAS_BY_NAME and isinstance(value, Mapping):
            return {name: of(one) for name, one in value.items()}
        if keyword in HOLD_LISTS_OF_SCHEMAS and isinstance(value, list):
            return [of(one) for one in value]
        return of(value) if keyword in HOLD_A_SCHEMA else value

    changed: Schema = of(schema)
    return changed
