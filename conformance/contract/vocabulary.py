"""The keywords of JSON Schema 2020-12: which hold schemas, and which constrain an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

HOLD_SCHEMAS_BY_NAME = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs"})
HOLD_LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
HOLD_A_SCHEMA = frozenset(
    {
        *("items", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems"),
        *("propertyNames", "not", "if", "then", "else", "contentSchema"),
    }
)
ANNOTATIONS = frozenset(
    {
        *("title", "description", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "$comment"),
        *("externalDocs", "discriminator", "xml", "x-source", "x-tier"),
    }
)

JUDGED_FORMATS = frozenset(
    {
        *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6"),
        *("uri", "uri-reference", "iri", "iri-reference", "uri-template", "uuid", "regex"),
        *("json-pointer", "relative-json-pointer"),
    }
)
"""Formats that can be judged. Others (`unixtime`, `float`, `int64`) are annotations."""

CONSTRAINING = (
    *("type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems"),
    *("minProperties", "maxProperties", "required", "dependentRequired", "dependentSchemas", "propertyNames"),
    *("additionalProperties", "unevaluatedProperties", "items", "unevaluatedItems"),
    *("contains", "minContains", "maxContains", "anyOf", "oneOf", "not", "if"),
)
"""Keywords that can constrain, in the order in which requirements are derived."""

_ONLY_WHEN_FALSE = frozenset({"additionalProperties", "items"})
_UNEVALUATED = frozenset({"unevaluatedProperties", "unevaluatedItems"})
_NOT_WHEN_EMPTY = frozenset(
    {"minLength", "minItems", "minProperties", "uniqueItems", "dependentRequired", "dependentSchemas"}
)

APPLIES_TO: Mapping[str, str] = {
    **dict.fromkeys(("multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), "number"),
    **dict.fromkeys(("minLength", "maxLength", "pattern", "format"), "string"),
    **dict.fromkeys(("minItems", "maxItems", "uniqueItems", "items", "unevaluatedItems"), "array"),
    **dict.fromkeys(("contains", "minContains", "maxContains"), "array"),
    **dict.fromkeys(("minProperties", "maxProperties", "required", "dependentRequired", "dependentSchemas"), "object"),
    **dict.fromkeys(("propertyNames", "additionalProperties", "unevaluatedProperties"), "object"),
}
"""The type of the values that a keyword judges; a keyword that is not here judges all."""


def constraints(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each keyword of a schema object that constrains, with its value; for `required` one pair for each name."""
    for keyword in CONSTRAINING:
        if keyword not in schema:
            continue
        value = schema[keyword]
        if keyword == "required":
            yield from ((keyword, name) for name in dict.fromkeys(value))
        elif _constrains(keyword, value, schema):
            yield keyword, value


def _constrains(keyword: str, value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether a keyword with this value can refuse anything at all."""
    if keyword in _ONLY_WHEN_FALSE:
        return value is False
    if keyword in _UNEVALUATED:
        return value is False or (isinstance(value, Mapping) and bool(value.keys() - ANNOTATIONS))
    if keyword in _NOT_WHEN_EMPTY:
        return bool(value)
    decided: dict[str, bool] = {
        "format": value in JUDGED_FORMATS if keyword == "format" else True,
        "contains": schema.get("minContains", 1) != 0,
        "minContains": "contains" in schema and value != 0,
        "maxContains": "contains" in schema,
        "if": "then" in schema or "else" in schema,
    }
    return decided.get(keyword, True)


def source_key(keyword: str, value: Any) -> str:
    """The name of a constraint in `x-source`: the keyword, and for a required name `required.NAME`."""
    return f"required.{value}" if keyword == "required" else keyword


def child_schemas(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every schema directly inside a schema object, with the pointer tokens that lead there."""
    for keyword, value in schema.items():
        if keyword in HOLD_SCHEMAS_BY_NAME and isinstance(value, Mapping):
            yield from (((keyword, name), child) for name, child in value.items())
        elif keyword in HOLD_LISTS_OF_SCHEMAS and isinstance(value, list):
            yield from (((keyword, str(number)), child) for number, child in enumerate(value))
        elif keyword in HOLD_A_SCHEMA:
            yield (keyword,), value


def without_annotations(schema: Any) -> Any:
    """A schema with only what constrains or structures it, so that a new description changes no digest."""
    if not isinstance(schema, Mapping):
        return schema
    bare: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword in HOLD_SCHEMAS_BY_NAME and isinstance(value, Mapping):
            bare[keyword] = {name: without_annotations(child) for name, child in value.items()}
        elif keyword in HOLD_LISTS_OF_SCHEMAS and isinstance(value, list):
            bare[keyword] = [without_annotations(child) for child in value]
        else:
            bare[keyword] = without_annotations(value) if keyword in HOLD_A_SCHEMA else value
    return bare
