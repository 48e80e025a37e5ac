"""Finds the schema of an event's data in a schema of a stream, of its events, or of the data itself.

OpenAPI before 3.2 has no word for a stream of events, and documents describe it in several ways: the chunk itself; the
event, an object whose `data` is the chunk, or text with a `contentSchema`; an array of either; and each of them beside
a branch for the last event, whose data is the text `[DONE]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Schema
from conformance.contract.provenance import X_SOURCE
from conformance.contract.samples import types_of

_DEEPEST = 8
_CHOICES = ("anyOf", "oneOf")
_OF_A_CHUNK = frozenset({"choices", "delta", "object"})
"""Properties of a chunk; an object that has `data` and none of them is an event."""
_OF_AN_EVENT = frozenset({"data", "event", "id", "retry"})
"""The fields of an event (WHATWG HTML section 9.2.6)."""


def schema_of_data(schema: Schema) -> Schema | None:
    """The schema of the data of those events that are JSON, or None where a schema says nothing of it."""
    definitions = schema.get("$defs") if isinstance(schema, Mapping) else None
    found = list(_of_data(schema, definitions or {}, 0))
    if not found:
        return None
    whole = found[0] if len(found) == 1 else {"anyOf": _titled(found), X_SOURCE: {}}
    if whole is schema or not definitions:
        return whole
    return {**whole, "$defs": definitions}


def _of_data(schema: Any, definitions: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    if "$ref" in schema:
        referred = definitions.get(str(schema["$ref"]).removeprefix("#/$defs/"), {})
        inside = list(_of_data(referred, definitions, depth + 1))
        yield from [schema] if inside == [referred] else inside
    elif _is_event(schema):
        yield from _in_data(schema["properties"]["data"], definitions, depth + 1)
    elif _is_object(schema):
        yield schema
    elif types_of(schema) == ("array",) and "items" in schema:
        yield from _of_data(schema["items"], definitions, depth + 1)
    else:
        yield from _of_branches(schema, _of_data, definitions, depth)


def _in_data(data: Any, definitions: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """The schemas within the `data` of an event: JSON as it is, or text whose content is described."""
    if not isinstance(data, Mapping) or depth > _DEEPEST:
        return
    if isinstance(data.get("contentSchema"), Mapping):
        yield data["contentSchema"]
    elif "$ref" in data or _is_object(data):
        yield from _of_data(data, definitions, depth + 1)
    else:
        yield from _of_branches(data, _in_data, definitions, depth)


def _of_branches(schema: Mapping[str, Any], read: Any, definitions: Mapping[str, Any], depth: int) -> Iterator[Any]:
    """What the branches of a choice describe; the whole schema where each branch describes its own data."""
    for keyword in _CHOICES:
        branches = schema.get(keyword, ())
        inside = [list(read(branch, definitions, depth + 1)) for branch in branches]
        if branches and all(found == [branch] for found, branch in zip(inside, branches, strict=True)):
            yield schema
            return
        for found in inside:
            yield from found
    for part in schema.get("allOf", ()):
        described = list(read(part, definitions, depth + 1))
        if described:
            yield schema if described == [part] else described[0]
            return


def _is_object(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema or ("type" in schema and "object" in types_of(schema))


def _is_event(schema: Mapping[str, Any]) -> bool:
    properties = schema.get("properties", {})
    return "data" in properties and not properties.keys() & _OF_A_CHUNK and not properties.keys() - _OF_AN_EVENT


def _titled(schemas: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one if "title" in one else {**one, "title": f"event {number}"} for number, one in enumerate(schemas, 1)]
