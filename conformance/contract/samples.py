"""Makes small valid values of a schema, without chance: the same every time, and checked by a validator."""

from __future__ import annotations

import copy
import itertools
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.effort import parts_of, spend
from conformance.contract.slow_patterns import takes_long_to_match
from conformance.contract.validators import Accepts, Definitions, kept_validator, validator_for
from conformance.contract.vocabulary import APPLIES_TO

LONGEST = 100_000
"""Characters of the longest text that is made or sent."""
MOST_ITEMS = 10_000
"""Items of the longest array, and members of the largest object, that are made or sent."""

_USUAL_LENGTH = 8
_USUAL_ITEMS = 2
_WIDE = 4
"""The distance of two bounds from which on a value near the lower one is taken, for large numbers cost more."""
_DEEPEST = 12
_MOST_PARTS = 20_000
"""Parts of a schema that are looked into for one value; what is behind them is filled with the plainest text."""
_TRIES = 60
"""Candidates for a value of which one is looked for that the schema accepts."""
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_OF_STRUCTURE = {"properties": "object", "patternProperties": "object", "prefixItems": "array"}
_HARD = frozenset(
    {
        *("pattern", "format", "multipleOf", "allOf", "not", "if", "oneOf", "contains", "uniqueItems", "$ref"),
        *("minProperties", "dependentRequired", "dependentSchemas", "propertyNames"),
        *("contentEncoding", "contentMediaType"),
    }
)
"""Keywords for which a plain value may be a wrong one, so that several are tried, the schema's own examples first."""
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


def types_of(schema: Any) -> tuple[str, ...]:
    """The JSON types that a schema names, or all of them when it names none."""
    if not isinstance(schema, Mapping) or "type" not in schema:
        return _TYPES
    types = schema["type"]
    return (types,) if isinstance(types, str) else tuple(types)


def main_type(schema: Any) -> str:
    """The first type that a schema names and that is not null; where it names none, the one that its keywords judge."""
    if isinstance(schema, Mapping) and "type" not in schema:
        judged = (APPLIES_TO.get(keyword, _OF_STRUCTURE.get(keyword)) for keyword in schema)
        return next((kind for kind in judged if kind is not None), "string")
    return next((kind for kind in types_of(schema) if kind != "null"), "null")


def sample(schema: Any, definitions: Definitions = None, *, least: bool = False) -> Any:
    """A small valid value of a schema, as plain as the schema allows.

    With `least`, it is the least that the schema allows, and what the schema itself gives as an example where it does;
    without, it stays away from the bounds of text, numbers and arrays. `definitions` are what `$ref` lead to. Where no
    valid value can be found, the plainest invalid one is given: the caller must check it against the schema.
    """
    return _sample(schema, _Context(definitions, least))


def items_of(schema: Mapping[str, Any], count: int, definitions: Definitions = None) -> list[Any]:
    """So many items of an array, different from one another where the array wants that."""
    return _items(schema, min(count, MOST_ITEMS), _Context(definitions))


@dataclass(frozen=True, slots=True)
class _Context:
    """What `$ref` lead to, whether the least value is wanted, and how deep within the schema a value stands."""

    definitions: Definitions
    least: bool = False
    depth: int = 0
    left: list[int] = field(default_factory=lambda: [_MOST_PARTS])
    """The one number in it says how many parts of the schema may still be looked into."""

    def inner(self) -> _Context:
        return replace(self, depth=self.depth + 1)


def _sample(schema: Any, context: _Context) -> Any:
    context.left[0] -= 1
    if not isinstance(schema, Mapping) or context.depth > _DEEPEST or context.left[0] < 0:
        return "a"
    spend(1)
    tries = itertools.islice(_candidates(schema, context), _TRIES)
    first = next(tries)
    if not _HARD & schema.keys():
        return first
    accepts = kept_validator(schema, context.definitions)
    return next(filter(accepts, itertools.chain([first], tries)), first)


def _candidates(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    inner = context.inner()
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        yield _sample((context.definitions or {}).get(name, True), inner)
    yield from _written(schema, context)
    for keyword in ("anyOf", "oneOf"):
        for branch in schema.get(keyword) or ():
            found = _sample(branch, inner)
            yield found
            if isinstance(found, dict):
                yield {**_plain_object(schema, context), **found}
    if isinstance(schema.get("allOf"), list):
        yield from _of_all(schema, context)
    yield from _MAKERS[main_type(schema)](schema, context)


def _written(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    """Copies of the values that a schema itself gives, the most binding first: whoever gets one may write into it."""
    yield from map(copy.deepcopy, _given(schema, context))


def _given(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    if "const" in schema:
        yield schema["const"]
    if "default" in schema and (context.least or not {"integer", "number"} & set(types_of(schema))):
        yield schema["default"]
    if schema.get("enum"):
        yield schema["enum"][0]
    if (context.least or _HARD & schema.keys()) and isinstance(schema.get("examples"), list):
        yield from schema["examples"]


def _of_all(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    parts = [_sample(branch, context.inner()) for branch in schema["allOf"]]
    if parts and all(isinstance(part, dict) for part in parts):
        yield {**_plain_object(schema, context), **{name: part[name] for part in parts for name in part}}
    yield from parts


def _objects(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    plain = _plain_object(schema, context)
    yield plain
    inner = context.inner()
    properties = schema.get("properties", {})
    optional = {name: _sample(properties[name], inner) for name in properties if name not in plain}
    grown = dict(plain)
    for name, value in optional.items():
        grown = {**grown, name: value}
        yield grown
    for name, value in optional.items():
        yield {**plain, name: value}
    for keyword in ("then", "else"):
        found = _sample(schema.get(keyword, True), inner)
        if isinstance(found, dict):
            yield {**plain, **found}
            yield {**grown, **found}
    invented = _sample(schema.get("additionalProperties", True), inner)
    wanted = int(schema.get("minProperties", 0))
    names = ["member", *_USUAL_TEXTS]
    if "propertyNames" in schema:
        names = list(filter(validator_for(schema["propertyNames"], context.definitions), names))
    while len(grown) < wanted and names:
        grown = {**grown, names.pop(0): invented}
    yield grown


def _plain_object(schema: Mapping[str, Any], context: _Context) -> dict[str, Any]:
    """The required members, and what they bring with them."""
    properties = schema.get("properties", {})
    names = list(schema.get("required", ()))
    for name in names:  # grows while it is read
        names += [one for one in schema.get("dependentRequired", {}).get(name, ()) if one not in names]
    return {name: _sample(properties.get(name, True), context.inner()) for name in names}


def _arrays(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    inner = context.inner()
    fewest = min(int(schema.get("minItems", 0)), MOST_ITEMS)
    usual = 0 if context.least else _USUAL_ITEMS
    count = max(fewest, min(usual, schema.get("maxItems", max(fewest, usual))))
    prefix = [_sample(one, inner) for one in schema.get("prefixItems", ())]
    yield _items(schema, count if context.least else max(count, len(prefix)), context)
    yield prefix
    if "contains" in schema:
        wanted = _sample(schema["contains"], inner)
        matching = [wanted] * min(int(schema.get("minContains", 1)), MOST_ITEMS // parts_of(wanted, MOST_ITEMS))
        yield prefix + matching
        yield matching + _items(schema, max(0, fewest - len(matching)), context)
    yield _items(schema, fewest, context)


def _items(schema: Mapping[str, Any], count: int, context: _Context) -> list[Any]:
    inner = context.inner()
    prefix = [_sample(one, inner) for one in schema.get("prefixItems", ())][:count]
    items = schema.get("items", True)
    if items is False:
        return prefix
    one = _sample(items, inner)
    # Where items have items themselves, all of them together are bounded.
    count = min(count, max(1, MOST_ITEMS // parts_of(one, MOST_ITEMS)) if count > 1 else count)
    varied = schema.get("uniqueItems") is True or (isinstance(one, str) and not context.least)
    if not varied:
        return prefix + [one] * (count - len(prefix))
    accepts = validator_for(items, context.definitions)
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


def _texts(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    # Without `least`, away from the bounds on length, which have cases of their own.
    usual = 1 if context.least else _USUAL_LENGTH
    length = min(max(schema.get("minLength", 0), min(usual, schema.get("maxLength", usual))), LONGEST)
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
    accepts = validator_for({"type": "string", "pattern": pattern})
    usual = next(filter(accepts, _USUAL_TEXTS), None)
    return usual if usual is not None or takes_long_to_match(pattern) else _found_by_hypothesis(pattern, accepts)


def _found_by_hypothesis(pattern: str, accepts: Accepts) -> str | None:
    import random  # noqa: PLC0415 - only for unusual patterns

    import hypothesis  # noqa: PLC0415 - takes half a second, and few documents need it
    from hypothesis import strategies  # noqa: PLC0415 - as above

    keep_hypothesis_files_elsewhere()
    settings = hypothesis.settings(
        max_examples=50, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    try:
        strategy = strategies.from_regex(pattern, alphabet=strategies.characters(codec="ascii"))
        return hypothesis.find(strategy, accepts, settings=settings, random=random.Random(0))  # noqa: S311 - no secret
    except Exception:  # noqa: BLE001 - a pattern that only ECMA-262 knows; then no text is known for it
        return None


def keep_hypothesis_files_elsewhere() -> None:
    """Let Hypothesis write to the user's cache, as far as it writes at all: never to the working directory."""
    from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415 - takes half a second to load

    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    set_hypothesis_home_dir(Path(base) / "chat-conformance" / "hypothesis")


def _numbers(schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    if context.least:
        yield _least_number(schema)
    yield number_within(schema)
    unit = schema.get("multipleOf")
    if unit:
        first = multiple_near(number_within(schema), unit, math.ceil)
        yield from (first, first - unit, first + unit)


def _least_number(schema: Mapping[str, Any]) -> int | float:
    """The least number that the bounds allow, but for a lower bound below 1: then 1."""
    lowest: int | float = max(1, schema.get("minimum", 1))
    if "exclusiveMinimum" in schema:
        lowest = max(lowest, schema["exclusiveMinimum"] + 1)
    number: int | float = min(lowest, schema.get("maximum", lowest))
    if "exclusiveMaximum" in schema and number >= schema["exclusiveMaximum"]:
        number = schema["exclusiveMaximum"] - 1
    multiple: int | float = schema.get("multipleOf", number)
    return multiple


def multiple_near(number: float, unit: float, rounding: Callable[[float], int], more: int = 0) -> int | float:
    """The multiple of `unit` beside a number, or `more` units from there; the number itself where none can be told."""
    try:
        return (rounding(number / unit) + more) * unit
    except OverflowError:  # So many units are beyond what a double holds.
        return number


def number_within(schema: Mapping[str, Any]) -> int | float:
    """A small number that the bounds allow, away from them where possible: the bounds have cases of their own."""
    low: float | None = schema.get("minimum", schema.get("exclusiveMinimum"))
    high: float | None = schema.get("maximum", schema.get("exclusiveMaximum"))
    whole = types_of(schema)[0] == "integer" or "number" not in types_of(schema)
    if low is None:
        return 1 if high is None or high > 1 else math.ceil(high) - 1
    if high is None or high - low > _WIDE:
        return max(1, math.floor(low) + 2)
    middle = (low + high) / 2
    return math.floor(middle) if whole or middle == int(middle) else middle


def _booleans(_schema: Mapping[str, Any], context: _Context) -> Iterator[Any]:
    yield not context.least


def _nulls(_schema: Mapping[str, Any], _context: _Context) -> Iterator[Any]:
    yield None


_MAKERS: Mapping[str, Callable[[Mapping[str, Any], _Context], Iterator[Any]]] = {
    "object": _objects,
    "array": _arrays,
    "string": _texts,
    "integer": _numbers,
    "number": _numbers,
    "boolean": _booleans,
    "null": _nulls,
}
