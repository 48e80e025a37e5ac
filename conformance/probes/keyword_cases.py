"""The cases of a schema keyword, and what the values at its boundary and those beyond it are both made with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.effort import parts_of
from conformance.contract.model import Keyword, Place, Tier
from conformance.contract.samples import LONGEST, MOST_ITEMS, items_of, matching_text, sample, types_of
from conformance.contract.validators import Definitions, validator_for

SMALL_STEP = 0.00005
"""How far beyond a bound on numbers the nearest invalid value lies: coarse rounding must not hide it."""
UNKNOWN_MEMBER = "x_chat_conformance_unknown"
"""A property that no document names."""


@dataclass(frozen=True, slots=True)
class Case:
    """One value for a keyword, with a short name that becomes part of the probe's name."""

    name: str
    value: Any
    tier: Tier = Tier.STANDARD


Cases = Callable[[Mapping[str, Any], Definitions], Iterator[Case]]
"""Makes the cases for a keyword from the schema that holds it."""


def probe_name(requirement_id: str, aspect: str, case: str) -> str:
    """The name of the probe for one case of one keyword: `request.n.minimum/enforced/below`."""
    return f"{requirement_id}/{aspect}/{case}"


def is_always_text(keyword: Keyword) -> bool:
    """Whether a keyword demands that text is text: of a path segment, or of a parameter that is a string."""
    if keyword.name != "type" or keyword.place is Place.BODY:
        return False
    return keyword.place is Place.PATH or keyword.pointer == "/type" or keyword.value == "string"


def step_of(schema: Mapping[str, Any]) -> float:
    """The least distance from a bound that counts: 1 for integers, `SMALL_STEP` for numbers."""
    kinds = types_of(schema)
    return SMALL_STEP if "number" in kinds or "integer" not in kinds else 1


def lengths(name: str, keyword: str, longer: int) -> Cases:
    """Texts as long as a bound says, or longer by so many characters."""

    def cases(schema: Mapping[str, Any], _definitions: Definitions) -> Iterator[Case]:
        length = int(schema[keyword]) + longer
        if 0 <= length <= LONGEST:
            yield from (Case(name.format(length), letter * length) for letter in "aA0")
            known = matching_text(str(schema["pattern"])) if "pattern" in schema else None
            if known:
                yield Case(name.format(length), (known + known[-1] * length)[:length])

    return cases


def counts(name: str, keyword: str, more: int) -> Cases:
    """Arrays of as many items as a bound says, or of so many more."""

    def cases(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
        count = int(schema[keyword]) + more
        if 0 <= count <= MOST_ITEMS:
            yield Case(name.format(count), items_of(schema, count, definitions))

    return cases


def sizes(name: str, keyword: str, more: int) -> Cases:
    """Objects of as many members as a bound says, or of so many more."""

    def cases(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
        count = int(schema[keyword]) + more
        if not 0 <= count <= MOST_ITEMS:
            return
        largest = largest_object(schema, definitions)
        required = [one for one in largest if one in schema.get("required", ())]
        others = [one for one in largest if one not in required]
        invented = sample(schema.get("additionalProperties", True), definitions)
        if count * parts_of(invented, MOST_ITEMS) > MOST_ITEMS:
            return
        chosen = [*required, *others][:count]
        held = {one: largest[one] for one in chosen}
        held.update({f"member{number}": invented for number in range(count - len(held))})
        yield Case(name.format(count), held)

    return cases


def object_sample(schema: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    """The usual sample where it is an object; else an empty one, for a schema may rather be null or text."""
    held = sample(schema, definitions)
    return held if isinstance(held, dict) else {}


def largest_object(schema: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    """A small valid object with every member that the schema names."""
    properties = schema.get("properties", {})
    every = {name: sample(inner, definitions) for name, inner in properties.items()}
    return {**every, **object_sample(schema, definitions)}


def matching_items(name: str, keyword: str, more: int) -> Cases:
    """Arrays with as many items of the wanted kind as a bound says, or with so many more."""

    def cases(schema: Mapping[str, Any], definitions: Definitions) -> Iterator[Case]:
        count = int(schema.get(keyword, 1)) + more
        if not 0 <= count <= MOST_ITEMS:
            return
        one = sample(schema["contains"], definitions)
        if count * parts_of(one, MOST_ITEMS) > MOST_ITEMS:
            return
        least = max(0, min(int(schema.get("minItems", 0)), MOST_ITEMS) - count)
        yield Case(name.format(count), [one] * count + other_items(schema, least, definitions))
        yield Case(name.format(count), [one] * count + other_items(schema, 1, definitions))

    return cases


def other_items(schema: Mapping[str, Any], count: int, definitions: Definitions) -> list[Any]:
    """Items that an array allows and that are not of the kind that it must contain."""
    wanted = validator_for(schema["contains"], definitions)
    fits = validator_for(schema.get("items", True), definitions)
    tries: tuple[Any, ...] = (
        sample(schema.get("items", True), definitions),
        "other",
        "a",
        0,
        -1,
        7,
        None,
        False,
        {},
        [],
    )
    other = next((one for one in tries if fits(one) and not wanted(one)), None)
    none_fits = other is None and not (fits(None) and not wanted(None))
    return [] if none_fits else [other] * min(count, MOST_ITEMS // parts_of(other, MOST_ITEMS))


def part_of_condition(part: Any, definitions: Definitions) -> Any:
    """A value that meets a part of a condition, with every member that it names; empty where the part says nothing."""
    if not isinstance(part, Mapping):
        return {}
    return largest_object(part, definitions) if "properties" in part else sample(part, definitions)
