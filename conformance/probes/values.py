"""Values for one schema keyword: those that it allows at its very edge, and those just outside of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Tier

SMALL_STEP = 0.00005
"""How far outside of a bound on numbers the nearest refused value lies: coarse rounding must not hide it."""

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
    for keyword in ("const", "default"):
        if keyword in schema:
            return schema[keyword]
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
        return [sample(schema.get("items", True)) for _ in range(schema.get("minItems", 0))]
    if kind == "string":
        return "a" * max(1, schema.get("minLength", 1))
    if kind in {"integer", "number"}:
        return _number_within(schema)
    return _SAMPLES[kind]


def _number_within(schema: Mapping[str, Any]) -> int | float:
    number: int | float = max(1, schema.get("minimum", 1))
    if "exclusiveMinimum" in schema:
        number = max(number, schema["exclusiveMinimum"] + 1)
    if "maximum" in schema:
        number = min(number, schema["maximum"])
    return number


def allowed(keyword: str, schema: Mapping[str, Any]) -> Iterator[Case]:
    """Values that the keyword allows, as near to its edge as can be."""
    value = schema[keyword]
    step: float = 1 if types_of(schema)[0] == "integer" else SMALL_STEP
    if keyword in {"minimum", "maximum"}:
        yield Case(f"at-{keyword}", value)
    elif keyword == "exclusiveMinimum":
        yield Case("just-above", value + step)
    elif keyword == "exclusiveMaximum":
        yield Case("just-below", value - step)
    elif keyword in {"minLength", "maxLength"}:
        yield Case(f"length-{value}", "a" * value)
    elif keyword in {"minItems", "maxItems"}:
        yield Case(f"{value}-items", _items(schema, value))
    elif keyword == "enum":
        yield from (Case(f"member-{number}", member) for number, member in enumerate(value))
    elif keyword == "const":
        yield Case("constant", value)
    elif keyword == "multipleOf":
        yield Case("multiple", value)
    elif keyword == "type":
        yield from _allowed_types(schema)
    elif keyword in {"anyOf", "oneOf"}:
        yield from (Case(_branch_name(branch, number), sample(branch)) for number, branch in enumerate(value))
    elif keyword == "format" and value == "uuid":
        yield Case("uuid", "123e4567-e89b-42d3-a456-426614174000")


def _allowed_types(schema: Mapping[str, Any]) -> Iterator[Case]:
    kinds = types_of(schema)
    yield Case(kinds[0], sample(schema))
    if "null" in kinds[1:]:
        yield Case("null", None)


def refused(keyword: str, schema: Mapping[str, Any]) -> Iterator[Case]:
    """Values that break the keyword and, as far as can be, nothing else; the cheapest that decide come first."""
    value = schema[keyword]
    step: float = 1 if types_of(schema)[0] == "integer" else SMALL_STEP
    if keyword == "minimum":
        yield Case("below", value - step)
    elif keyword == "maximum":
        yield Case("above", value + step)
    elif keyword in {"exclusiveMinimum", "exclusiveMaximum"}:
        yield Case("at-bound", value)
    elif keyword == "minLength" and value > 0:
        yield Case("too-short", "a" * (value - 1))
    elif keyword == "maxLength":
        yield Case("too-long", "a" * (value + 1))
    elif keyword == "minItems" and value > 0:
        yield Case("too-few", _items(schema, value - 1))
    elif keyword == "maxItems":
        yield Case("too-many", _items(schema, value + 1))
    elif keyword == "enum":
        yield from _near_members(value)
    elif keyword == "const":
        yield Case("other", f"{value}-other" if isinstance(value, str) else [value])
    elif keyword == "multipleOf":
        yield Case("between", value * 1.5)
    elif keyword == "type":
        yield from _wrong_types(schema)
    elif keyword in {"anyOf", "oneOf"}:
        yield from _wrong_for_branches(value)
    elif keyword == "format" and value == "uuid":
        yield Case("not-a-uuid", "not-a-uuid")
    elif keyword == "pattern":
        yield Case("no-match", "\u00a7")


def _items(schema: Mapping[str, Any], count: int) -> list[Any]:
    one = sample(schema.get("items", True))
    varied = isinstance(one, str) and len(one) == 1
    return [chr(ord("q") + number % 9) * (1 + number // 9) if varied else one for number in range(count)]


def _near_members(members: list[Any]) -> Iterator[Case]:
    texts = [member for member in members if isinstance(member, str)]
    yield Case("unknown-member", "no-such-member" if texts else "0")
    if texts:
        other_case = texts[0].upper() if texts[0].upper() not in texts else texts[0].title()
        yield Case("other-case", other_case, Tier.EXHAUSTIVE)
        yield Case("with-space", texts[0] + " ", Tier.EXHAUSTIVE)


def _wrong_types(schema: Mapping[str, Any]) -> Iterator[Case]:
    kinds = types_of(schema)
    fitting = {*kinds, *(("integer",) if "number" in kinds else ())}
    first = True
    for name, value in _WRONG[kinds[0]]:
        kind = "number" if name == "fraction" else name
        if kind not in fitting:
            yield Case(name, value, Tier.STANDARD if first else Tier.EXHAUSTIVE)
            first = False
    if "null" not in kinds:
        yield Case("null", None, Tier.EXHAUSTIVE)


def _wrong_for_branches(branches: list[Any]) -> Iterator[Case]:
    kinds = {kind for branch in branches for kind in types_of(branch)}
    for kind, value in (("integer", 7), ("boolean", True), ("object", {"a": 1}), ("string", "a"), ("array", [])):
        if kind not in kinds and not (kind == "integer" and "number" in kinds):
            yield Case(kind, value)
            return


def _branch_name(branch: Any, number: int) -> str:
    if isinstance(branch, Mapping):
        title = branch.get("title") or branch.get("type")
        if isinstance(title, str):
            return title.lower().replace(" ", "-")
    return f"branch-{number}"
