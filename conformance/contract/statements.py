"""Says in plain words what a schema keyword requires."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.contract.branches import branch_names
from conformance.contract.model import Keyword
from conformance.quoting import QUOTED, as_json

_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_FORMATS = {
    "uuid": "a UUID",
    "date-time": "an RFC 3339 date and time",
    "date": "an RFC 3339 date",
    "email": "an e-mail address",
    "uri": "a URI",
}


def complement(name: str, value: Any) -> str:
    """What a value must be to keep a keyword, to stand after "is": `at most 2`, `an integer or null`."""
    known = _COMPLEMENTS.get(name)
    return known(value) if known is not None else f"what `{name}` allows"


def statement(keyword: Keyword, place: Sequence[str]) -> str:
    """The requirement that follows from a keyword, as one or two sentences.

    `place` names the way from the schema's root to the keyword's schema: property names, `[]` for the items of an
    array, and the names of branches in parentheses.
    """
    subject = _subject(keyword.location, place)
    is_sent = keyword.place is not None
    if keyword.name == "required":
        name = _code(str(keyword.value))
        has = f"{subject} has {name}"
        return f"{has}: without it the request is refused." if is_sent else f"{has}."
    sentence = f"{subject} is {complement(keyword.name, keyword.value)}"
    return f"{sentence}: {_consequence(keyword)}." if is_sent else f"{sentence}."


def _subject(location: str, place: Sequence[str]) -> str:
    kinds = [part[1:-1] for part in place if part.startswith("(")]
    branches = f", as {' and '.join(kinds)}," if kinds else ""
    path = ".".join(part for part in place if not part.startswith("(")).replace(".[]", "[]")
    if location.startswith("path."):
        parameter = f"the path parameter {_code(location.removeprefix('path.'))}"
        return f"{_code(path)} in {parameter}{branches}" if path else f"{parameter[0].upper()}{parameter[1:]}{branches}"
    whole = _whole(location)
    if not path:
        return f"{whole[0].upper()}{whole[1:]}{branches}"
    return f"{_code(path)} in {whole}{branches}"


def _whole(location: str) -> str:
    if location.startswith("error."):
        status = location.removeprefix("error.")
        return "the body of an error" if status.lower() == "default" else f"the body of a {status} answer"
    beside = {"query": "the query", "header": "the header of the request", "cookie": "the cookies of the request"}
    return (
        beside.get(location)
        or {"request": "the request", "completion": "the completion", "stream.chunk": "a chunk of the stream"}[location]
    )


def _code(text: str) -> str:
    return f"`{text}`" if len(text) <= QUOTED else f"`{text[: QUOTED - 1]}…`"


def _consequence(keyword: Keyword) -> str:
    value = as_json(keyword.value)
    several = keyword.name == "enum" and len(keyword.value) > 1
    return {
        "maximum": f"{value} is served, more is refused",
        "minimum": f"{value} is served, less is refused",
        "exclusiveMaximum": f"{value} itself is refused",
        "exclusiveMinimum": f"{value} itself is refused",
        "type": "a value of another type is refused",
        "enum": "each of them is served, anything else is refused" if several else "anything else is refused",
        "minLength": "shorter text is refused",
        "maxLength": "longer text is refused",
        "minItems": "fewer items are refused",
        "maxItems": "more items are refused",
    }.get(keyword.name, "anything else is refused")


def _types(value: Any) -> str:
    kinds = [value] if isinstance(value, str) else list(value)
    return _either([_TYPES[kind] for kind in kinds])


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _one_of(value: Sequence[Any]) -> str:
    shown = [_member(one) for one in value[:12]]
    if len(value) == 1:
        return shown[0]
    return f"one of {', '.join(shown)}" + (f" and {len(value) - 12} more" if len(value) > 12 else "")


def _member(value: Any) -> str:
    """A value in code marks: plain words as they are, everything else as JSON."""
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w.:/-]{0,59}", value, re.ASCII)
    return f"`{value if plain and value not in ('null', 'true', 'false') else as_json(value, 60)}`"


def _count(value: Any, one: str, several: str | None = None) -> str:
    return f"{value} {one if value == 1 else several or one + 's'}"


def _branches(value: Sequence[Any]) -> str:
    return ", ".join(branch_names(value))


def _dependent(value: Mapping[str, Sequence[str]]) -> str:
    rules = [f"{_code(name)} only together with {', '.join(map(_code, names))}" for name, names in value.items()]
    return f"an object that has {'; '.join(rules)}"


_COMPLEMENTS: Mapping[str, Callable[[Any], str]] = {
    "type": _types,
    "enum": _one_of,
    "const": _member,
    "multipleOf": lambda value: f"a multiple of {as_json(value)}",
    "minimum": lambda value: f"at least {as_json(value)}",
    "maximum": lambda value: f"at most {as_json(value)}",
    "exclusiveMinimum": lambda value: f"more than {as_json(value)}",
    "exclusiveMaximum": lambda value: f"less than {as_json(value)}",
    "minLength": lambda value: f"at least {_count(value, 'character')} long",
    "maxLength": lambda value: f"at most {_count(value, 'character')} long",
    "pattern": lambda value: f"text that matches the pattern `{as_json(value)}`",
    "format": lambda value: _FORMATS.get(value, f"text in the format `{value}`"),
    "minItems": lambda value: f"an array of at least {_count(value, 'item')}",
    "maxItems": lambda value: f"an array of at most {_count(value, 'item')}",
    "uniqueItems": lambda _: "an array without duplicate items",
    "items": lambda _: "an array without further items",
    "unevaluatedItems": lambda _: "an array without further items",
    "minProperties": lambda value: f"an object of at least {_count(value, 'property', 'properties')}",
    "maxProperties": lambda value: f"an object of at most {_count(value, 'property', 'properties')}",
    "required": lambda value: f"an object with {_code(str(value))}",
    "additionalProperties": lambda _: "an object without properties that the contract does not name",
    "unevaluatedProperties": lambda _: "an object without properties that the contract does not name",
    "propertyNames": lambda _: "an object whose property names the contract allows",
    "dependentRequired": _dependent,
    "dependentSchemas": lambda value: f"an object that meets the conditions of {_either([_code(n) for n in value])}",
    "contains": lambda _: "an array with an item of the required kind",
    "minContains": lambda value: f"an array with at least {_count(value, 'item')} of the required kind",
    "maxContains": lambda value: f"an array with at most {_count(value, 'item')} of the required kind",
    "anyOf": lambda value: f"of one of the kinds {_branches(value)}",
    "oneOf": lambda value: f"of exactly one of the kinds {_branches(value)}",
    "not": lambda _: "none of what the contract forbids here",
    "if": lambda _: "consistent with the condition that the contract sets here",
}
