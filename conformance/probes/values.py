"""Values for one schema keyword: those that it allows at its very edge, and those just outside of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Tier

SMALL_STEP = 0.00005
"""How far outside of a bound on numbers the nearest refused value lies: coarse rounding must not hide it."""

LONGEST = 100_000
"""Characters of the longest text that is sent to reach a bound on lengths."""
MOST_ITEMS = 10_000
"""Items of the longest array that is sent to reach a bound on them."""

_USUAL_LENGTH = 8
_USUAL_ITEMS = 2
_ROOM = 4
"""Distance of two bounds from which on a value is taken near the lower one, for large numbers cost more."""
_SAMPLES: dict[str, Any] = {
    "string": "a",
    "integer": 1,
    "number": 1,
    "boolean": True,
    "array": [],
    "object": {},
    "null": None,
}
_WRONG: dict[str, tuple[tuple[str, Any], ...]] = {
    # What a lenient parser would convert comes first: it decides more than a value that nothing accepts.
    "integer": (("string", "1"), ("fraction", 1.5), ("boolean", True), ("array", [1]), ("object", {})),
    "number": (("string", "0.5"), ("boolean", True), ("array", [1]), ("object", {})),
    "boolean": (("string", "true"), ("integer", 1), ("array", [True]), ("object", {})),
    "string": (("integer", 7), ("boolean", True), ("array", ["a"]), ("object", {})),
    "array": (("object", {}), ("string", "a"), ("integer", 7), ("boolean", True)),
    "object": (("string", "a"), ("array", [1]), ("integer", 7), ("boolean", True)),
    "null": (("string", "null"), ("integer", 0)),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One value for a keyword, with a short name that becomes part of the probe's name."""

    name: str
    value: Any
    tier: Tier = Tier.STANDARD


_Cases = Callable[[Mapping[str, Any]], Iterator[Case]]


def types_of(schema: Any) -> tuple[str, ...]:
    """The JSON types that a schema names, or all of them when it names none."""
    if not isinstance(schema, Mapping) or "type" not in schema:
        return tuple(_SAMPLES)
    types = schema["type"]
    return (types,) if isinstance(types, str) else tuple(types)


def sample(schema: Any) -> Any:
    """A small valid value of a schema, as plain as the schema allows."""
    if not isinstance(schema, Mapping):
        return "a"
    if "const" in schema:
        return schema["const"]
    if "default" in schema and not {"integer", "number"} & set(types_of(schema)):
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf"):
        if schema.get(keyword):
            return sample({**schema[keyword][0]})
    kind = next((name for name in types_of(schema) if name != "null"), "null")
    return _sample_of(kind, schema)


def _sample_of(kind: str, schema: Mapping[str, Any]) -> Any:
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: sample(properties.get(name, True)) for name in schema.get("required", ())}
    if kind == "array":
        most = schema.get("maxItems", schema.get("minItems", 0))
        count = max(schema.get("minItems", 0), min(_USUAL_ITEMS, most))
        return [sample(schema.get("items", True)) for _ in range(count)]
    if kind == "string":
        # Away from the bounds on length, which have cases of their own.
        return "a" * max(schema.get("minLength", 0), min(_USUAL_LENGTH, schema.get("maxLength", _USUAL_LENGTH)))
    if kind in {"integer", "number"}:
        return _number_within(schema)
    return _SAMPLES[kind]


def _number_within(schema: Mapping[str, Any]) -> int | float:
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


def allowed(keyword: str, schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Iterator[Case]:
    """Values that the keyword allows, as near to its edge as can be, and that the rest of its schema takes too.

    `definitions` are the `$defs` that a `$ref` in the schema leads to.
    """
    accepts = _judge(schema, definitions)
    make = _EDGES.get(keyword)
    yield from _first_of_each_name(case for case in (make(schema) if make else ()) if accepts(case.value))


def refused(keyword: str, schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Iterator[Case]:
    """Values that break the keyword and, as far as can be, nothing else; the cheapest that decide come first.

    Where every value that breaks the keyword breaks another one too (no wrong type is a member of an `enum`), those
    are given. Of several values for one case, the first that fits is given.
    """
    make = _BREACHES.get(keyword)
    if make is None:
        return
    others_accept = _judge({name: value for name, value in schema.items() if name != keyword}, definitions)
    keyword_accepts = _judge({keyword: schema[keyword]}, definitions)
    breaking = [case for case in make(schema) if not keyword_accepts(case.value)]
    alone = [case for case in breaking if others_accept(case.value)]
    yield from _first_of_each_name(alone or breaking)


def _first_of_each_name(cases: Iterable[Case]) -> Iterator[Case]:
    named: dict[str, Case] = {}
    for case in cases:
        named.setdefault(case.name, case)
    yield from named.values()


def _judge(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None) -> Callable[[Any], bool]:
    """Whether a schema accepts a value."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    whole = {**schema, "$defs": dict(definitions)} if definitions else dict(schema)
    validator = Draft202012Validator(whole, validate_formats=True)
    return validator.is_valid


def _number_edge(name: str, keyword: str, direction: int) -> _Cases:
    """The value nearest to a bound, on its allowed side; a direction of 0 is the bound itself."""

    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        bound = schema[keyword]
        yield Case(name, bound + direction * _step(schema) if direction else bound)

    return cases


def _beyond(name: str, keyword: str, direction: int) -> _Cases:
    """Values outside of a bound, the nearest first; the last is the nearest multiple of what must divide it."""

    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        bound = schema[keyword]
        if keyword.startswith("exclusive"):
            yield Case(name, bound)
        for distance in (_step(schema), 1):
            yield Case(name, bound + direction * distance)
        unit = schema.get("multipleOf", 1)
        rounded = math.ceil(bound / unit) - 1 if direction < 0 else math.floor(bound / unit) + 1
        yield Case(name, rounded * unit)

    return cases


def _step(schema: Mapping[str, Any]) -> float:
    """The least distance from a bound that counts: 1 for integers, a hair for numbers."""
    kinds = types_of(schema)
    return SMALL_STEP if "number" in kinds or "integer" not in kinds else 1


def _lengths(name: str, keyword: str, longer: int) -> _Cases:
    """Texts as long as a bound says, or longer by so many characters."""

    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        length = int(schema[keyword]) + longer
        if 0 <= length <= LONGEST:
            yield from (Case(name.format(length), letter * length) for letter in "aA0")

    return cases


def _counts(name: str, keyword: str, more: int) -> _Cases:
    """Arrays of as many items as a bound says, or of so many more."""

    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        count = int(schema[keyword]) + more
        if 0 <= count <= MOST_ITEMS:
            yield Case(name.format(count), _items(schema, count))

    return cases


def _members(schema: Mapping[str, Any]) -> Iterator[Case]:
    yield from (Case(f"member-{number}", member) for number, member in enumerate(schema["enum"]))


def _branch_samples(keyword: str) -> _Cases:
    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        yield from (Case(_branch_name(branch, number), sample(branch)) for number, branch in enumerate(schema[keyword]))

    return cases


def _allowed_types(schema: Mapping[str, Any]) -> Iterator[Case]:
    kinds = types_of(schema)
    yield Case(_main_type(kinds), sample(schema))
    if "null" in kinds and len(kinds) > 1:
        yield Case("null", None)


def _main_type(kinds: tuple[str, ...]) -> str:
    return next((kind for kind in kinds if kind != "null"), "null")


def _other_constants(schema: Mapping[str, Any]) -> Iterator[Case]:
    value = schema["const"]
    if isinstance(value, bool):
        yield Case("other", not value)
    elif isinstance(value, str):
        yield Case("other", f"{value}-other")
    elif isinstance(value, int | float):
        yield Case("other", value + 1)
    yield Case("other", [value])


def _between_multiples(schema: Mapping[str, Any]) -> Iterator[Case]:
    unit = schema["multipleOf"]
    first = math.ceil(_number_within(schema) / unit) * unit
    yield from (Case("between", unit * share) for share in (1.5, 0.5))
    yield from (Case("between", first + distance) for distance in (unit / 2, 1, -unit / 2, -1))


def _no_match(schema: Mapping[str, Any]) -> Iterator[Case]:
    length = max(1, min(int(schema.get("minLength", 1)), LONGEST))
    yield from (Case("no-match", letter * length) for letter in "\u00a7a0A -")
    yield Case("no-match", "")


def _of_format(schema: Mapping[str, Any]) -> Iterator[Case]:
    if schema["format"] == "uuid":
        yield Case("uuid", "123e4567-e89b-42d3-a456-426614174000")


def _not_of_format(schema: Mapping[str, Any]) -> Iterator[Case]:
    name = str(schema["format"])
    yield from (Case(f"not-a-{name}", text) for text in (f"not-a-{name}", "not a value", "(", "{", "-"))


def _items(schema: Mapping[str, Any], count: int) -> list[Any]:
    one = sample(schema.get("items", True))
    varied = isinstance(one, str) and len(one) == 1
    return [chr(ord("q") + number % 9) * (1 + number // 9) if varied else one for number in range(count)]


def _near_members(schema: Mapping[str, Any]) -> Iterator[Case]:
    members = schema["enum"]
    texts = [member for member in members if isinstance(member, str)]
    numbers = [member for member in members if isinstance(member, int | float) and not isinstance(member, bool)]
    if numbers and not texts:
        yield Case("unknown-member", max(numbers) + 1)
        yield Case("unknown-member", min(numbers) - 1)
    yield Case("unknown-member", "no-such-member" if texts else "0")
    if texts:
        other_case = texts[0].upper() if texts[0].upper() not in texts else texts[0].title()
        yield Case("other-case", other_case, Tier.EXHAUSTIVE)
        yield Case("with-space", texts[0] + " ", Tier.EXHAUSTIVE)


def _wrong_types(schema: Mapping[str, Any]) -> Iterator[Case]:
    kinds = types_of(schema)
    fitting = {*kinds, *(("integer",) if "number" in kinds else ())}
    first = True
    for name, value in _WRONG[_main_type(kinds)]:
        kind = "number" if name == "fraction" else name
        if kind not in fitting:
            yield Case(name, value, Tier.STANDARD if first else Tier.EXHAUSTIVE)
            first = False
    if "null" not in kinds:
        yield Case("null", None, Tier.EXHAUSTIVE)


def _wrong_for_branches(keyword: str) -> _Cases:
    def cases(schema: Mapping[str, Any]) -> Iterator[Case]:
        kinds = {kind for branch in schema[keyword] for kind in types_of(branch)}
        for kind, value in (("integer", 7), ("boolean", True), ("object", {"a": 1}), ("string", "a"), ("array", [])):
            if kind not in kinds and not (kind == "integer" and "number" in kinds):
                yield Case(kind, value)
                return

    return cases


def _branch_name(branch: Any, number: int) -> str:
    if isinstance(branch, Mapping):
        title = branch.get("title") or branch.get("type")
        if isinstance(title, str):
            return title.lower().replace(" ", "-")
    return f"branch-{number}"


_EDGES: Mapping[str, _Cases] = {
    "minimum": _number_edge("at-minimum", "minimum", 0),
    "maximum": _number_edge("at-maximum", "maximum", 0),
    "exclusiveMinimum": _number_edge("just-above", "exclusiveMinimum", 1),
    "exclusiveMaximum": _number_edge("just-below", "exclusiveMaximum", -1),
    "minLength": _lengths("length-{}", "minLength", 0),
    "maxLength": _lengths("length-{}", "maxLength", 0),
    "minItems": _counts("{}-items", "minItems", 0),
    "maxItems": _counts("{}-items", "maxItems", 0),
    "enum": _members,
    "const": lambda schema: iter([Case("constant", schema["const"])]),
    "multipleOf": lambda schema: iter([Case("multiple", schema["multipleOf"])]),
    "type": _allowed_types,
    "anyOf": _branch_samples("anyOf"),
    "oneOf": _branch_samples("oneOf"),
    "format": _of_format,
}
_BREACHES: Mapping[str, _Cases] = {
    "minimum": _beyond("below", "minimum", -1),
    "maximum": _beyond("above", "maximum", 1),
    "exclusiveMinimum": _beyond("at-bound", "exclusiveMinimum", -1),
    "exclusiveMaximum": _beyond("at-bound", "exclusiveMaximum", 1),
    "minLength": _lengths("too-short", "minLength", -1),
    "maxLength": _lengths("too-long", "maxLength", 1),
    "minItems": _counts("too-few", "minItems", -1),
    "maxItems": _counts("too-many", "maxItems", 1),
    "enum": _near_members,
    "const": _other_constants,
    "multipleOf": _between_multiples,
    "type": _wrong_types,
    "anyOf": _wrong_for_branches("anyOf"),
    "oneOf": _wrong_for_branches("oneOf"),
    "format": _not_of_format,
    "pattern": _no_match,
}
