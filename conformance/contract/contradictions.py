"""Finds schemas that no value can fit, as far as two keywords of one schema object show it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.branches import has_type
from conformance.contract.model import Schema
from conformance.contract.provenance import X_SOURCE
from conformance.contract.samples import types_of
from conformance.contract.vocabulary import child_schemas
from conformance.quoting import as_json

_PAIRS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two keywords that no value keeps: a sentence, and where in the document the first stands, if that is known."""

    sentence: str
    pointer: str | None


def contradictions(schema: Schema) -> Iterator[Contradiction]:
    """Every contradiction in a resolved schema of a user's own document; each schema object is looked at once."""
    seen: set[int] = set()
    ahead: list[Any] = [schema]
    while ahead:
        one = ahead.pop()
        if not isinstance(one, Mapping) or id(one) in seen:
            continue
        seen.add(id(one))
        for keyword, sentence in _within(one):
            entry = one.get(X_SOURCE, {}).get(keyword, {})
            place = str(entry.get("place", ""))
            yield Contradiction(sentence, place[1:] if place.startswith("#/") else None)
        ahead.extend(child for _, child in child_schemas(one))


def _within(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for least, most in _PAIRS:
        if least in schema and most in schema and schema[least] > schema[most]:
            yield least, f"`{least}` {schema[least]} is above `{most}` {schema[most]}"
    allowed = [schema["const"]] if "const" in schema else schema.get("enum")
    if allowed and "type" in schema and not any(has_type(one, kind) for one in allowed for kind in types_of(schema)):
        keyword = "const" if "const" in schema else "enum"
        yield keyword, f"no value of `{keyword}` {as_json(allowed, 60)} has the type {as_json(schema['type'])}"
