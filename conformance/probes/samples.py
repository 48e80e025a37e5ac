"""Small valid values of a schema, made without chance: the same every time, and checked by a validator."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from conformance.contract.vocabulary import APPLIES_TO
from conformance.probes.hypothesis_home import keep_no_files_here

_USUAL_LENGTH = 8
_USUAL_ITEMS = 2
_ROOM = 4
"""Distance of two bounds from which on a value is taken near the lower one, for large numbers cost more."""
_DEEPEST = 12
_SAMPLES: dict[str, Any] = {
    "string": "a",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
_OF_STRUCTURE = {"properties": "object", "patternProperties": "object", "prefixItems": "array"}
_HARD = frozenset(
    {
        *("pattern", "format", "multipleOf", "allOf", "not", "if", "oneOf", "contains", "uniqueItems", "$ref"),
        *("minProperties", "dependentRequired", "dependentSchemas", "propertyNames"),
    }
)
"""Keywords for which a plain value may be a wrong one, so that several are tried."""
OF_FORMAT: Mapping[str, str] = {
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uri-reference": "/a",
    "iri": "https://example.com/",
    "iri-reference": "/a",
    "uri-template": "https://example.com/{a}",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "regex": "^a$",
    "json-pointer": "/a",
    "relative-json-pointer": "0/a",
}
"""One plain text of each format that is judged."""
_USUAL_TEXTS = (
    *("a", "A", "0", "aa", "AA", "00", "a0", "aaa", "AAA", "000", "aaaa", "0000", "aaaaaaaa", "00000000"),
    *("a-a", "a_a", "a.a", "a/a", "a:a", "v1", "1.0", "1.0.0", "en", "en-US", "USD", "#aaaaaa", "+10000000000"),
    *OF_FORMAT.values(),
)

Accepts = Callable[[Any], bool]


def judge(schema: Any, definitions: Mapping[str, Any] | None = None) -> Accepts:
    """Whether a schema, formats included, accepts a value; `definitions` are what its `$ref` lead to."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    whole = {**schema, "$defs": dict(definitions)} if definitions and isinstance(schema, Mapping) else schema
    accepts: Accepts = Draft202012Validator(whole, validate_formats=True).is_valid
    return accepts


def types_of(schema: Any) -> tuple[str, ...]:
    """The JSON types that a schema names, or all of them when it names none."""
    if not isinstance(schema, Mapping) or "type" not in schema:
        return tuple(_SAMPLES)
    types = schema["type"]
    return (types,) if isinstance(types, str) else tuple(types)


def main_type(schema: Any) -> str:
    """The first type that a schema names and that is not null; where it names none, the one that its keywords judge."""
    if isinstance(schema, Mapping) and "type" not in schema:
        judged = (APPLIES_TO.get(keyword, _OF_STRUCTURE.get(keyword)) for keyword in schema)
        return next((kind for kind in judged if kind is not None), "string")
    return next((kind for kind in types_of(schema) if kind != "null"), "null")


def sample(schema: Any, definitions: Mapping[str, Any] | None = None, depth: int = 0) -> Any:
    """A small valid value of a schema, as plain as the schema allows.

    Where none can be found the plainest is given that is not: whoever uses it asks the schema once more.
    """
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return "a"
    tries = itertools.islice(_candidates(schema, definitions, depth), 60)
    first = next(tries)
    if not _HARD & schema.keys():
        return first
    accepts = judge(schema, definitions)
    return next(filter(accepts, itertools.chain([first], tries)), first)


def _candidates(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None, depth: int) -> Iterator[Any]:
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        yield sample((definitions or {}).get(name, True), definitions, depth + 1)
    yield from _written(schema)
    for keyword in ("anyOf", "oneOf"):
        for branch in schema.get(keyword) or ():
            inner = sample(branch, definitions, depth + 1)
            yield inner
            if isinstance(inner, dict):
                yield {**_plain_object(schema, definitions, depth), **inner}
    if isinstance(schema.get("allOf"), list):
        yield from _of_all(schema, definitions, depth)
    kind = main_type(schema)
    yield from _MAKERS[kind](schema, definitions, depth)


def _written(schema: Mapping[str, Any]) -> Iterator[Any]:
    """The values that a schema itself gives, the most binding first."""
    if "const" in schema:
        yield schema["const"]
    if "default" in schema and not {"integer", "number"} & set(types_of(schema)):
        yield schema["default"]
    if schema.get("enum"):
        yield schema["enum"][0]
    if _HARD & schema.keys() and isinstance(schema.get("examples"), list):
        yield from schema["examples"]


def _of_all(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None, depth: int) -> Iterator[Any]:
    parts = [sample(branch, definitions, depth + 1) for branch in schema["allOf"]]
    if parts and all(isinstance(part, dict) for part in parts):
        yield {**_plain_object(schema, definitions, depth), **{name: part[name] for part in parts for name in part}}
    yield from parts


def _objects(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None, depth: int) -> Iterator[Any]:
    plain = _plain_object(schema, definitions, depth)
    yield plain
    properties = schema.get("properties", {})
    optional = {name: sample(properties[name], definitions, depth + 1) for name in properties if name not in plain}
    grown = dict(plain)
    for name, value in optional.items():
        grown = {**grown, name: value}
        yield grown
    for name, value in optional.items():
        yield {**plain, name: value}
    for keyword in ("then", "else"):
        inner = sample(schema.get(keyword, True), definitions, depth + 1)
        if isinstance(inner, dict):
            yield {**plain, **inner}
            yield {**grown, **inner}
    invented = sample(schema.get("additionalProperties", True), definitions, depth + 1)
    wanted = int(schema.get("minProperties", 0))
    names = ["member", *_USUAL_TEXTS]
    if "propertyNames" in schema:
        names = list(filter(judge(schema["propertyNames"], definitions), names))
    while len(grown) < wanted and names:
        grown = {**grown, names.pop(0): invented}
    yield grown


def _plain_object(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None, depth: int) -> dict[str, Any]:
    """The required members, and what they bring with them."""
    properties = schema.get("properties", {})
    names = list(schema.get("required", ()))
    for name in names:  # grows while it is read
        names += [one for one in schema.get("dependentRequired", {}).get(name, ()) if one not in names]
    return {name: sample(properties.get(name, True), definitions, depth + 1) for name in names}


def _arrays(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None, depth: int) -> Iterator[Any]:
    least = int(schema.get("minItems", 0))
    count = max(least, min(_USUAL_ITEMS, schema.get("maxItems", max(least, _USUAL_ITEMS))))
    prefix = [sample(one, definitions, depth + 1) for one in schema.get("prefixItems", ())]
    yield items_of(schema, max(count, len(prefix)), definitions, depth)
    yield prefix
    if "contains" in schema:
        inner = sample(schema["contains"], definitions, depth + 1)
        matching = [inner] * int(schema.get("minContains", 1))
        yield prefix + matching
        yield matching + items_of(schema, max(0, least - len(matching)), definitions, depth)
    yield items_of(schema, least, definitions, depth)


def items_of(
    schema: Mapping[str, Any], count: int, definitions: Mapping[str, Any] | None = None, depth: int = 0
) -> list[Any]:
    """So many items of an array, different from one another where the array wants that."""
    prefix = [sample(one, definitions, depth + 1) for one in schema.get("prefixItems", ())][:count]
    items = schema.get("items", True)
    if items is False:
        return prefix
    one = sample(items, definitions, depth + 1)
    varied = schema.get("uniqueItems") is True or isinstance(one, str)
    if not varied:
        return prefix + [one] * (count - len(prefix))
    accepts = judge(items, definitions)
    found = list(itertools.islice(filter(accepts, _different(one, items)), count - len(prefix)))
    return prefix + found + [one] * (count - len(prefix) - len(found))


def _different(one: Any, schema: Any) -> Iterator[Any]:
    """Values like this one, each different."""
    if isinstance(schema, Mapping) and schema.get("enum"):
        yield from schema["enum"]
    elif isinstance(one, str):
        yield from (chr(ord("q") + number % 9) * (1 + number // 9) for number in range(1000))
        yield from (f"{one}{number}" for number in range(1000))
        yield from _USUAL_TEXTS
    elif isinstance(one, int | float) and not isinstance(one, bool):
        yield from (one + number for number in range(1000))
    elif isinstance(one, dict):
        yield one
        yield from ({**one, "member": number} for number in range(1000))
    else:
        yield from (True, False, None, 1, "a")


def _texts(schema: Mapping[str, Any], _definitions: Mapping[str, Any] | None, _depth: int) -> Iterator[Any]:
    # Away from the bounds on length, which have cases of their own.
    length = max(schema.get("minLength", 0), min(_USUAL_LENGTH, schema.get("maxLength", _USUAL_LENGTH)))
    yield OF_FORMAT.get(str(schema.get("format")), "a" * length)
    yield from (letter * length for letter in "aA0")
    yield from _USUAL_TEXTS
    if "pattern" in schema:
        found = matching_text(str(schema["pattern"]))
        if found is not None:
            yield found


@cache
def matching_text(pattern: str) -> str | None:
    """The simplest text that matches a pattern, or None where none is found.

    Usual texts come first. What they do not match, Hypothesis may: it reads Python's patterns, which most of
    JavaScript's are.
    """
    accepts = judge({"type": "string", "pattern": pattern})
    usual = next(filter(accepts, _USUAL_TEXTS), None)
    return usual if usual is not None else _found_by_hypothesis(pattern, accepts)


def _found_by_hypothesis(pattern: str, accepts: Accepts) -> str | None:
    import random  # noqa: PLC0415 - only for unusual patterns

    import hypothesis  # noqa: PLC0415 - takes half a second, and few documents need it
    from hypothesis import strategies  # noqa: PLC0415 - as above

    keep_no_files_here()
    settings = hypothesis.settings(
        max_examples=50, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    try:
        strategy = strategies.from_regex(pattern, alphabet=strategies.characters(codec="ascii"))
        return hypothesis.find(strategy, accepts, settings=settings, random=random.Random(0))  # noqa: S311 - no secret
    except Exception:  # noqa: BLE001 - a pattern that only ECMA-262 knows; then no text is known for it
        return None


def _numbers(schema: Mapping[str, Any], _definitions: Mapping[str, Any] | None, _depth: int) -> Iterator[Any]:
    yield number_within(schema)
    unit = schema.get("multipleOf")
    if unit:
        first = math.ceil(number_within(schema) / unit) * unit
        yield from (first, first - unit, first + unit)


def number_within(schema: Mapping[str, Any]) -> int | float:
    """A small number that the bounds allow, away from them where there is room: the bounds have cases of their own."""
    low: float | None = schema.get("minimum", schema.get("exclusiveMinimum"))
    high: float | None = schema.get("maximum", schema.get("exclusiveMaximum"))
    whole = types_of(schema)[0] == "integer" or "number" not in types_of(schema)
    if low is None:
        return 1 if high is None or high > 1 else math.ceil(high) - 1
    if high is None or high - low > _ROOM:
        return max(1, math.floor(low) + 2)
    middle = (low + high) / 2
    return math.floor(middle) if whole or middle == int(middle) else middle


def _plain(kind: str) -> Callable[..., Iterator[Any]]:
    return lambda *_: iter([_SAMPLES[kind]])


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any] | None, int], Iterator[Any]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _texts,
    "integer": _numbers,
    "number": _numbers,
    "boolean": _plain("boolean"),
    "null": _plain("null"),
}
