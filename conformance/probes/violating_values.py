"""Values that break a schema keyword, just beyond its boundary: ignoring it serves them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Tier
from conformance.contract.samples import (
    LONGEST,
    items_of,
    main_type,
    matching_text,
    multiple_near,
    number_within,
    sample,
    types_of,
)
from conformance.contract.validators import Definitions, validator_for
from conformance.probes.keyword_cases import (
    UNKNOWN_MEMBER,
    Case,
    Cases,
    counts,
    largest_object,
    lengths,
    matching_items,
    object_sample,
    other_items,
    part_of_condition,
    sizes,
    step_of,
)

_WRONG: dict[str, tuple[tuple[str, Any], ...]] = {
    # First what a lenient parser would convert: it shows more than a value that no parser accepts.
    "integer": (("string", "1"), ("fraction", 1.5), ("boolean", True), ("array", [1]), ("object", {})),
    "number": (("string", "0.5"), ("boolean", True), ("array", [1]), ("object", {})),
    "boolean": (("string", "true"), ("integer", 1), ("array", [True]), ("object", {})),
    "string": (("integer", 7), ("boolean", True), ("array", ["a"]), ("object", {})),
    "array": (("object", {}), ("string", "a"), ("integer", 7), ("boolean", True)),
    "object": (("string", "a"), ("array", [1]), ("integer", 7), ("boolean", True)),
    "null": (("string", "null"), ("integer", 0)),
}
COERCED = ("fraction", "boolean")
"""What a lenient parser of numbers takes in silence, so that every run shows it."""
_ANY: tuple[Any, ...] = (7, True, {"a": 1}, "a", [], None, -1, 0.5, "", 0, {}, False)
_ROLES = ("tool", "developer", "function")
"""Roles of other contracts, which shared code may accept."""
_MALFORMED: Mapping[str, tuple[str, ...]] = {
    "date-time": ("2026-13-01T00:00:00Z", "2026-01-01 00:00:00"),
    "date": ("2026-02-30", "01.02.2026"),
    "time": ("25:00:00Z", "00:00"),
    "duration": ("P", "1 day"),
    "email": ("someone.example.com", "someone@"),
    "hostname": ("-example-.com", "exa mple.com"),
    "ipv4": ("192.0.2.256", "192.0.2"),
    "ipv6": ("2001:db8:::1", "192.0.2.1"),
    "uri": ("/relative", "not a uri"),
    "uuid": ("123e4567-e89b-42d3-a456-42661417400", "123e4567-e89b-42d3-a456-42661417400g"),
    "regex": ("(", "["),
    "json-pointer": ("a/b", "/~2"),
}


def _beyond(name: str, keyword: str, direction: int) -> Cases:
    """Values outside of a bound, the nearest first; the last is the nearest multiple of what must divide it."""

    def cases(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
        bound = schema[keyword]
        if keyword.startswith("exclusive"):
            yield Case(name, bound)
        for distance in (step_of(schema), 1):
            yield Case(name, bound + direction * distance)
        rounding = math.ceil if direction < 0 else math.floor
        yield Case(name, multiple_near(bound, schema.get("multipleOf", 1), rounding, direction))

    return cases


def _near_members(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    members = schema["enum"]
    texts = [member for member in members if isinstance(member, str)]
    numbers = [member for member in members if isinstance(member, int | float) and not isinstance(member, bool)]
    if {"user", "assistant"} <= {*texts}:
        # A deployment with `tool` may have `function`, its deprecated twin, which documents rarely list.
        unknown = [role for role in _ROLES if role not in texts and not (role == "function" and "tool" in texts)]
        for number, role in enumerate(unknown):
            yield Case(f"role-{role}", role, Tier.EXHAUSTIVE if number else Tier.STANDARD)
        yield Case("unknown-member", "no-such-member", Tier.EXHAUSTIVE if unknown else Tier.STANDARD)
    if numbers and not texts:
        yield Case("unknown-member", max(numbers) + 1)
        yield Case("unknown-member", min(numbers) - 1)
        yield Case("between", numbers[0] + 0.5, Tier.EXHAUSTIVE)
        yield Case("as-text", str(numbers[0]), Tier.EXHAUSTIVE)
    yield Case("unknown-member", "no-such-member" if texts else "0")
    if texts:
        other_case = texts[0].upper() if texts[0].upper() not in texts else texts[0].title()
        yield Case("other-case", other_case, Tier.EXHAUSTIVE)
        yield Case("with-space", texts[0] + " ", Tier.EXHAUSTIVE)
        yield Case("cut", texts[0][:-1], Tier.EXHAUSTIVE)
        yield Case("empty", "", Tier.EXHAUSTIVE)


def _wrong_types(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    kinds = types_of(schema)
    fitting = {*kinds, *(("integer",) if "number" in kinds else ())}
    first, is_number = True, main_type(schema) in ("integer", "number")
    for name, value in _WRONG[main_type(schema)]:
        kind = "number" if name == "fraction" else name
        if kind not in fitting:
            yield Case(name, value, Tier.STANDARD if first or (is_number and name in COERCED) else Tier.EXHAUSTIVE)
            first = False
    if "null" not in kinds:
        yield Case("null", None, Tier.EXHAUSTIVE)


def _other_constants(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    value = schema["const"]
    if isinstance(value, bool):
        yield Case("other", not value)
    elif isinstance(value, str):
        yield Case("other", f"{value}-other")
        yield Case("other-case", value.upper() if value.upper() != value else value.lower(), Tier.EXHAUSTIVE)
    elif isinstance(value, int | float):
        yield Case("other", value + 1)
    yield Case("other", [value])


def _between_multiples(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    unit = schema["multipleOf"]
    first = multiple_near(number_within(schema), unit, math.ceil)
    yield from (Case("between", unit * share) for share in (1.5, 0.5))
    yield from (Case("between", first + distance) for distance in (unit / 2, 1, -unit / 2, -1))


def _no_match(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    length = max(1, min(int(schema.get("minLength", 1)), LONGEST))
    yield from (Case("no-match", letter * length) for letter in "\u00a7a0A -")
    yield Case("no-match", "")
    known = matching_text(str(schema["pattern"]))
    if known:
        for text in (f"{known}\u00a7", f"\u00a7{known}", known[:-1], known.swapcase()):
            yield Case("near-match", text, Tier.EXHAUSTIVE)


def _not_of_format(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
    name = str(schema["format"])
    yield from (Case(f"not-a-{name}", text) for text in (f"not-a-{name}", "not a value", "(", "{", "-"))
    yield from (Case("malformed", text, Tier.EXHAUSTIVE) for text in _MALFORMED.get(name, ()))


def _wrong_for_branches(keyword: str) -> Cases:
    def cases(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
        branches = [branch for branch in schema[keyword] if isinstance(branch, Mapping)]
        wanted = {name for branch in branches for name in branch.get("required", ())}
        if wanted and main_type(schema) == "object":
            held = object_sample({name: one for name, one in schema.items() if name != keyword}, definitions)
            yield Case("no-branch", {name: value for name, value in held.items() if name not in wanted})
        kinds = {kind for branch in schema[keyword] for kind in types_of(branch)}
        for kind, value in (("integer", 7), ("boolean", True), ("object", {"a": 1}), ("string", "a"), ("array", [])):
            if kind not in kinds and not (kind == "integer" and "number" in kinds):
                yield Case(kind, value)
                break
        else:
            yield from (Case("no-branch", value) for value in _ANY)
        if keyword == "oneOf":
            yield from _two_branches(schema, definitions)

    return cases


def _two_branches(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    """Values that two branches of a `oneOf` accept."""
    accepting = [validator_for(branch, definitions) for branch in schema["oneOf"]]
    samples = [sample(branch, definitions) for branch in schema["oneOf"]]
    pairs = list(itertools.permutations(samples, 2))
    joined = [{**one, **other} for one, other in pairs if isinstance(one, dict) and isinstance(other, dict)]
    both = (sample({"allOf": list(pair)}, definitions) for pair in itertools.combinations(schema["oneOf"], 2))
    numbers = (0, 1, 2, 3, 6, 10, 12, 15, 30, 60)
    for value in itertools.chain(joined, both, samples, ("a", "aaaaaaaa", {}, []), numbers):
        if sum(accepts(value) for accepts in accepting) > 1:
            yield Case("two-branches", value)
            return


def _equal_items(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    count = max(2, int(schema.get("minItems", 0)))
    items = items_of(schema, count - 1, definitions)
    yield Case("equal-items", [*items, items[-1]])


def _with_unknown(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held = sample(schema, definitions)
    if isinstance(held, dict):
        yield Case("unknown-member", {**held, UNKNOWN_MEMBER: 1})
        yield Case("unknown-member", {**held, UNKNOWN_MEMBER: "a"})


def _further_items(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    prefix = items_of(schema, len(schema.get("prefixItems", ())), definitions)
    yield from (Case("further-item", [*prefix, one]) for one in _ANY)


def _without_dependent(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held, properties = object_sample(schema, definitions), schema.get("properties", {})
    for name, names in schema["dependentRequired"].items():
        alone = {**held, name: sample(properties.get(name, True), definitions)}
        for missing in names:
            together = {one: sample(properties.get(one, True), definitions) for one in names if one != missing}
            value = {**alone, **together}
            value.pop(missing, None)
            yield Case(f"{name}-without-{missing}", value)


def _against_dependent_schema(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held, properties = object_sample(schema, definitions), schema.get("properties", {})
    for name, inner in schema["dependentSchemas"].items():
        alone = {**held, name: sample(properties.get(name, True), definitions)}
        yield from (Case(f"against-{name}", value) for value in _against(alone, inner))


def _against(held: dict[str, Any], schema: Any) -> Iterator[dict[str, Any]]:
    """Objects like this one that may break a schema: a member less, one of a wrong kind, one more."""
    yield held
    if not isinstance(schema, Mapping):
        return
    for name in schema.get("required", ()):
        yield {one: value for one, value in held.items() if one != name}
    for name, inner in schema.get("properties", {}).items():
        yield from ({**held, name: value} for value in (_unlike(inner), *_ANY))
    yield {**held, UNKNOWN_MEMBER: 1}


def _unlike(schema: Any) -> Any:
    """A value that breaks what a schema says of it, of its type if that can be."""
    if not isinstance(schema, Mapping):
        return None
    for keyword in ("enum", "const", "minimum", "maximum", "minLength", "maxLength", "type"):
        if keyword in schema:
            case = next(VIOLATING_CASES[keyword](schema, None), None)
            if case is not None:
                return case.value
    return None


def _wrong_names(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held = object_sample(schema, definitions)
    invented = sample(schema.get("additionalProperties", True), definitions)
    longest = int(schema["propertyNames"].get("maxLength", 0)) if isinstance(schema["propertyNames"], Mapping) else 0
    for name in (UNKNOWN_MEMBER, "X chat conformance", "\u00a7", "", "0", "a" * min(longest + 1, LONGEST)):
        yield Case("wrong-name", {**held, name: invented})


def _none_of_the_kind(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    least = int(schema.get("minItems", 0))
    yield Case("none-of-the-kind", other_items(schema, max(1, least), definitions))
    yield Case("none-of-the-kind", [])


def _forbidden(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held = sample({name: value for name, value in schema.items() if name != "not"}, definitions)
    inner = sample({"type": types_of(schema)[0], **schema["not"]} if "type" in schema else schema["not"], definitions)
    if isinstance(held, dict) and isinstance(inner, dict):
        yield Case("forbidden", {**held, **inner})
        yield Case("forbidden", {**largest_object(schema, definitions), **inner})
    yield Case("forbidden", inner)
    yield Case("forbidden", held)


def _against_condition(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
    held = sample({name: value for name, value in schema.items() if name not in ("if", "then", "else")}, definitions)
    met = part_of_condition(schema["if"], definitions)
    if isinstance(held, dict):
        largest = largest_object(schema, definitions)
        for base in (held, largest):
            with_condition = {**base, **met} if isinstance(met, dict) else base
            yield from (Case("against-then", value) for value in _against(with_condition, schema.get("then", True)))
            yield from (Case("against-else", value) for value in _against(base, schema.get("else", True)))
            for name in schema["if"].get("properties", {}) if isinstance(schema["if"], Mapping) else ():
                other = {**base, name: _unlike(schema["if"]["properties"][name])}
                yield from (Case("against-else", value) for value in _against(other, schema.get("else", True)))
    else:
        yield from (Case("against-the-condition", value) for value in (met, *_ANY))


VIOLATING_CASES: Mapping[str, Cases] = {
    "minimum": _beyond("below", "minimum", -1),
    "maximum": _beyond("above", "maximum", 1),
    "exclusiveMinimum": _beyond("at-bound", "exclusiveMinimum", -1),
    "exclusiveMaximum": _beyond("at-bound", "exclusiveMaximum", 1),
    "minLength": lengths("too-short", "minLength", -1),
    "maxLength": lengths("too-long", "maxLength", 1),
    "minItems": counts("too-few", "minItems", -1),
    "maxItems": counts("too-many", "maxItems", 1),
    "minProperties": sizes("too-few", "minProperties", -1),
    "maxProperties": sizes("too-many", "maxProperties", 1),
    "enum": _near_members,
    "const": _other_constants,
    "multipleOf": _between_multiples,
    "type": _wrong_types,
    "anyOf": _wrong_for_branches("anyOf"),
    "oneOf": _wrong_for_branches("oneOf"),
    "format": _not_of_format,
    "pattern": _no_match,
    "uniqueItems": _equal_items,
    "items": _further_items,
    "unevaluatedItems": _further_items,
    "additionalProperties": _with_unknown,
    "unevaluatedProperties": _with_unknown,
    "dependentRequired": _without_dependent,
    "dependentSchemas": _against_dependent_schema,
    "propertyNames": _wrong_names,
    "contains": _none_of_the_kind,
    "minContains": matching_items("too-few-of-the-kind", "minContains", -1),
    "maxContains": matching_items("too-many-of-the-kind", "maxContains", 1),
    "not": _forbidden,
    "if": _against_condition,
}
