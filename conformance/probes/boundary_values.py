"""Values that a schema keyword allows, as close to its boundary as possible: over-enforcing refuses them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Tier
from conformance.contract.samples import OF_FORMAT, items_of, main_type, multiple_near, number_within, sample, types_of
from conformance.contract.validators import Definitions
from conformance.probes.keyword_cases import (
    Case,
    Cases,
    counts,
    largest_object,
    lengths,
    matching_items,
    object_sample,
    part_of_condition,
    sizes,
    step_of,
)

MULTIBYTE = "n\u00e4h-\u4f60\u597d-\U0001f44d"
"""A short text without spaces, of characters of one, two, three and four bytes in UTF-8."""
INSIDE = 3
"""An integer away from the usual bounds, which no other request has."""
SEVERAL = 5
"""Items of an array without a bound: more than a usual request has."""
LONG = 2000
"""Characters of a long text without a bound: more than a database's usual 255, and still few tokens."""


def _number_at_boundary(name: str, keyword: str, direction: int) -> Cases:
    """The value nearest to a bound on its valid side; a direction of 0 gives the bound itself."""

    def cases(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
        bound = schema[keyword]
        yield Case(name, bound + direction * step_of(schema) if direction else bound)
        unit = schema.get("multipleOf")
        if unit:
            yield Case(name, multiple_near(bound, unit, math.ceil if "inimum" in keyword else math.floor))

    return cases


def _types(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    kinds, main = types_of(schema), main_type(schema)
    nullable = "null" in kinds and len(kinds) > 1
    if nullable:
        yield Case("null", None)
    yield from _OF_TYPE[main](schema, definitions)
    for kind in kinds:
        if kind not in ("null", main):
            yield Case(kind, sample({**schema, "type": kind}, definitions))


def _strings(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    if {"enum", "const"} & schema.keys():
        return  # they say which texts are valid
    yield Case("multibyte", MULTIBYTE)
    yield Case("long", "a" * LONG, Tier.EXHAUSTIVE)
    yield Case("string", sample(schema, definitions), Tier.EXHAUSTIVE)


def _booleans(_schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    yield Case("true", True)
    yield Case("false", False)


def _numbers(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    inside = number_within(schema)
    whole = math.floor(inside)
    bounds = [schema.get(name) for name in ("minimum", "maximum")]
    yield from (Case("fraction", value) for value in (whole + 0.5, whole - 0.5, whole + 0.25, inside))
    yield from (Case("integer", value, Tier.EXHAUSTIVE) for value in (whole, whole + 1) if value not in bounds)


def _integers(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    tier = Tier.EXHAUSTIVE if "null" in types_of(schema) else Tier.STANDARD
    yield from (Case("inside", value, tier) for value in (INSIDE, number_within(schema)))


def _arrays(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    bounded = "maxItems" in schema
    yield Case("several-items", items_of(schema, SEVERAL, definitions), Tier.EXHAUSTIVE if bounded else Tier.STANDARD)
    one = items_of(schema, 1, definitions)
    yield Case("equal-items", one * 2, Tier.STANDARD if bounded else Tier.EXHAUSTIVE)
    yield Case("array", sample(schema, definitions), Tier.EXHAUSTIVE)


def _objects(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    yield Case("empty", {})
    held = sample(schema, definitions)
    if isinstance(held, dict) and len(held) < 2:
        held = largest_object(schema, definitions)
    if isinstance(held, dict) and len(held) > 1:
        yield Case("members-reversed", dict(reversed(held.items())))


_OF_TYPE: Mapping[str, Cases] = {
    "string": _strings,
    "boolean": _booleans,
    "number": _numbers,
    "integer": _integers,
    "array": _arrays,
    "object": _objects,
    "null": lambda _schema, _definitions: iter([Case("null", None)]),
}


def _members(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    yield from (Case(f"member-{number}", member) for number, member in enumerate(schema["enum"]))


def _branch_samples(keyword: str) -> Cases:
    def cases(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
        for number, branch in enumerate(schema[keyword]):
            yield Case(branch_name(branch, number), sample(branch, definitions))

    return cases


def branch_name(branch: Any, number: int) -> str:
    """A short name of a branch: its title, its type, or its number."""
    if isinstance(branch, Mapping):
        title = branch.get("title") or branch.get("type")
        if isinstance(title, str):
            return title.lower().replace(" ", "-")
    return f"branch-{number}"


def _of_format(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    name = str(schema["format"])
    if name in OF_FORMAT:
        yield Case(name, OF_FORMAT[name])
    if name == "uuid":  # RFC 9562 section 4: letters of either case are taken
        yield Case("upper-case", OF_FORMAT[name].upper())


def _plain(name: str) -> Cases:
    return lambda schema, definitions: iter([Case(name, sample(schema, definitions))])


def _every_named(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    yield Case("every-member", largest_object(schema, definitions))


def _with_dependent(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held, properties = object_sample(schema, definitions), schema.get("properties", {})
    for name, names in schema["dependentRequired"].items():
        together = {one: sample(properties.get(one, True), definitions) for one in (name, *names)}
        yield Case(f"together-{name}", {**held, **together})


def _with_dependent_schema(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held, properties = object_sample(schema, definitions), schema.get("properties", {})
    for name, inner in schema["dependentSchemas"].items():
        brought = sample(inner, definitions)
        value = {**held, name: sample(properties.get(name, True), definitions)}
        yield Case(f"together-{name}", {**value, **brought} if isinstance(brought, dict) else value)


def _named_as_allowed(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held = object_sample(schema, definitions)
    name = sample({"type": "string", **schema["propertyNames"]}, definitions)
    invented = sample(schema.get("additionalProperties", True), definitions)
    yield Case("another-name", {**held, str(name): invented})
    yield Case("another-name", held)


def _both_ways(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    for name, parts in (("met", (schema["if"], schema.get("then", True))), ("not-met", (schema.get("else", True),))):
        held: Any = sample({one: value for one, value in schema.items() if one not in ("if", "then", "else")})
        for part in parts:
            inner = part_of_condition(part, definitions)
            held = {**held, **inner} if isinstance(held, dict) and isinstance(inner, dict) else inner or held
        yield Case(name, held)


def _different_items(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    count = max(2, int(schema.get("minItems", 0)))
    yield Case("different-items", items_of(schema, count, definitions))


BOUNDARY_CASES: Mapping[str, Cases] = {
    "minimum": _number_at_boundary("at-minimum", "minimum", 0),
    "maximum": _number_at_boundary("at-maximum", "maximum", 0),
    "exclusiveMinimum": _number_at_boundary("just-above", "exclusiveMinimum", 1),
    "exclusiveMaximum": _number_at_boundary("just-below", "exclusiveMaximum", -1),
    "minLength": lengths("length-{}", "minLength", 0),
    "maxLength": lengths("length-{}", "maxLength", 0),
    "minItems": counts("{}-items", "minItems", 0),
    "maxItems": counts("{}-items", "maxItems", 0),
    "minProperties": sizes("{}-members", "minProperties", 0),
    "maxProperties": sizes("{}-members", "maxProperties", 0),
    "enum": _members,
    "const": lambda schema, _: iter([Case("constant", schema["const"])]),
    "multipleOf": lambda schema, _: iter([Case("multiple", schema["multipleOf"]), Case("multiple", sample(schema))]),
    "type": _types,
    "anyOf": _branch_samples("anyOf"),
    "oneOf": _branch_samples("oneOf"),
    "format": _of_format,
    "pattern": _plain("match"),
    "uniqueItems": _different_items,
    "items": lambda schema, definitions: iter(
        [Case("nothing-further", items_of(schema, len(schema.get("prefixItems", ())), definitions))]
    ),
    "unevaluatedItems": _plain("nothing-further"),
    "additionalProperties": _every_named,
    "unevaluatedProperties": _every_named,
    "dependentRequired": _with_dependent,
    "dependentSchemas": _with_dependent_schema,
    "propertyNames": _named_as_allowed,
    "contains": matching_items("{}-of-the-kind", "minContains", 0),
    "minContains": matching_items("{}-of-the-kind", "minContains", 0),
    "maxContains": matching_items("{}-of-the-kind", "maxContains", 0),
    "not": _plain("allowed"),
    "if": _both_ways,
}
