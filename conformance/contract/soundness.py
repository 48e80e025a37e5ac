"""Checks that a schema is one that instances can be judged by: each keyword by itself, and the whole.

Each keyword has a row of its own, since `check_schema` of jsonschema reads patterns as Python's (it refuses property
escapes and takes `(?P<name>.)`), accepts an empty `enum` and `$dynamicRef`, and says of a wrong `type` only that it is
"not valid under any of the given schemas".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, cast

from conformance.contract.documents import Document
from conformance.contract.model import Schema, Tier

_LONGEST_PATTERN = 10_000
_TYPES = frozenset({"null", "boolean", "object", "array", "number", "string", "integer"})


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _types(value: Any) -> bool:
    kinds = [value] if isinstance(value, str) else value
    return _texts(kinds) and bool(kinds) and len(set(kinds)) == len(kinds) and set(kinds) <= _TYPES


def _pattern(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_PATTERN and bool(_regular_expressions().is_valid(value))


def _schemas_by_pattern(value: Any) -> bool:
    return isinstance(value, Mapping) and all(_pattern(pattern) for pattern in value)


@cache
def _regular_expressions() -> Any:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    return Draft202012Validator({"format": "regex"}, validate_formats=True)


def _tiers(value: Any) -> bool:
    tiers = list(value.values()) if isinstance(value, Mapping) else [value]
    return all(isinstance(tier, str) and tier in list(Tier) for tier in tiers)


_Check = tuple[Callable[[Any], bool], str]
_A_NUMBER: _Check = (_number, "a number")
_A_COUNT: _Check = (_count, "a whole number from 0")
_A_TEXT: _Check = (lambda value: isinstance(value, str), "text")
_A_FLAG: _Check = (lambda value: isinstance(value, bool), "true or false")
_AN_OBJECT: _Check = (lambda value: isinstance(value, Mapping), "an object of schemas by name")
_SCHEMAS: _Check = (lambda value: isinstance(value, list) and bool(value), "a list of at least one schema")
_A_SCHEMA: _Check = (lambda value: isinstance(value, (Mapping, bool)), "one schema")

_CHECKS: Mapping[str, _Check] = {
    "type": (_types, f"one or several of {', '.join(sorted(_TYPES))}"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list of at least one value"),
    "multipleOf": (lambda value: _number(value) and value > 0, "a number above 0"),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _A_NUMBER),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), _A_COUNT),
    **dict.fromkeys(("minContains", "maxContains"), _A_COUNT),
    "format": _A_TEXT,
    "pattern": (_pattern, f"a regular expression (ECMA-262) of at most {_LONGEST_PATTERN} characters"),
    "patternProperties": (
        _schemas_by_pattern,
        f"an object of schemas by regular expression (ECMA-262) of at most {_LONGEST_PATTERN} characters",
    ),
    "uniqueItems": _A_FLAG,
    "x-tier": (_tiers, f"one of {', '.join(Tier)}, or an object that gives one for each keyword"),
    "required": (_texts, "a list of property names"),
    "dependentRequired": (
        lambda value: isinstance(value, Mapping) and all(_texts(names) for names in value.values()),
        "an object of lists of property names",
    ),
    **dict.fromkeys(("properties", "dependentSchemas"), _AN_OBJECT),
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _SCHEMAS),
    **dict.fromkeys(("items", "contains", "additionalProperties", "unevaluatedProperties"), _A_SCHEMA),
    **dict.fromkeys(("unevaluatedItems", "propertyNames", "not", "if", "then", "else", "contentSchema"), _A_SCHEMA),
}
_NOT_SUPPORTED = ("$dynamicRef", "$recursiveRef")


def misshapen(schema: Mapping[str, Any]) -> tuple[str, str] | None:
    """The first keyword that cannot be used as it is, and what is wrong with it; None for a sound schema object."""
    for keyword, value in schema.items():
        if keyword in _NOT_SUPPORTED:
            return keyword, f"`{keyword}` is not supported; use $ref"
        if keyword in _CHECKS:
            fits, kind = _CHECKS[keyword]
            if not fits(value):
                return keyword, f"`{keyword}` should be {kind}"
    return None


def check_sound(schema: Schema, document: Document, origin: Callable[[Schema, tuple[str, ...]], str]) -> None:
    """Builds a judge of the schema, which reads every part of it.

    Raises:
        ContractError: a part of it is not JSON Schema 2020-12, such as a name that is `required` twice.
    """
    from jsonschema_rs import Draft202012Validator, ValidationError  # noqa: PLC0415 - takes 50 ms

    try:
        Draft202012Validator(cast(dict[str, Any], schema), validate_formats=True, retriever=_nothing_from_outside)
    except ValidationError as error:
        pointer = origin(schema, tuple(str(token) for token in error.instance_path))
        raise document.error(f"the schema cannot be used: {error.message[:200]}", pointer) from error
    except ValueError as error:
        raise document.error(f"the schema cannot be used: {str(error)[:200]}") from error


def _nothing_from_outside(uri: str) -> Any:
    raise ValueError(f"`{uri}` is not in the document")
