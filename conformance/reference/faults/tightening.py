"""Stricter forms of a request schema: each refuses the boundary value of one keyword."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Contract, Keyword, Schema
from conformance.contract.pointers import split
from conformance.probes.boundary_values import INSIDE

_ASCII = "^[\\x00-\\x7f]*$"
_MOST_ITEMS = 4
"""The most items that a deployment takes which limits their number."""
_ALWAYS_SERVED = ("user", "assistant", "tool")
"""Roles that no fault refuses alone."""
_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Tightened:
    """A rule that over-enforces one keyword: what it accepts, and in words what it refuses beyond the contract."""

    about: str
    accepts: Callable[[Any], bool]


def tightened(contract: Contract, keyword: Keyword) -> Tightened:
    """The stricter rule for a keyword."""
    if _orders_members(keyword):
        usual = _usual_order(contract, keyword)
        about = f"refuses objects whose members are in another order than {', '.join(usual)}"
        return Tightened(about, lambda body: not any(_is_reversed(one, usual) for one in _values(body, keyword)))
    if keyword.location != "request":
        return Tightened("refuses letters in upper case", lambda _: True)
    edit, about = _EDITS[keyword.name](keyword, contract.operation.request_schema)
    return Tightened(about, _validator(_edited(contract, keyword, edit)))


def can_be_tightened(keyword: Keyword) -> bool:
    """Whether a stricter form of a keyword is known."""
    if keyword.location != "request" or keyword.name not in _EDITS:
        return keyword.location != "request" or _orders_members(keyword)
    if keyword.name == "enum":
        return any(one not in _ALWAYS_SERVED for one in keyword.value)
    schema = keyword.schema
    if keyword.value == "object" and isinstance(schema, Mapping) and len(schema.get("required", ())) == 1:
        return False  # it is never empty, and has no order
    return keyword.name != "anyOf" or all(isinstance(one, Mapping) for one in keyword.value)


SchemaEdit = Callable[[dict[str, Any]], None]
"""Changes the schema object that holds a keyword."""


def _edited(contract: Contract, keyword: Keyword, edit: SchemaEdit) -> Mapping[str, Any]:
    schema = copy.deepcopy(dict(contract.operation.request_schema))  # type: ignore[arg-type] # it has this keyword
    holder: Any = schema
    for step in split(keyword.pointer)[:-1]:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    edit(holder)
    return schema


def _validator(schema: Any) -> Callable[[Any], bool]:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - only where a fault is made

    accepts: Callable[[Any], bool] = Draft202012Validator(schema, validate_formats=True).is_valid
    return accepts


# --- the order of members ---------------------------------------------------------------------------------------------


def _orders_members(keyword: Keyword) -> bool:
    schema = keyword.schema
    is_object = keyword.name == "type" and isinstance(schema, Mapping) and keyword.value == "object"
    return is_object and isinstance(schema, Mapping) and len(schema.get("required", ())) > 1


def _usual_order(contract: Contract, keyword: Keyword) -> tuple[str, ...]:
    assert isinstance(keyword.schema, Mapping)
    required = keyword.schema["required"]
    if keyword.pointer == "/type":
        return tuple(name for name in contract.template if name in required)
    return tuple(required)


def _is_reversed(value: Any, usual: tuple[str, ...]) -> bool:
    return isinstance(value, dict) and tuple(name for name in value if name in usual) == tuple(reversed(usual))


def _values(body: Any, keyword: Keyword) -> Iterator[Any]:
    """The values of a body that a keyword applies to."""
    found = [body]
    steps = iter(split(keyword.pointer)[:-1])
    for step in steps:
        if step == "properties":
            name = next(steps)
            found = [one[name] for one in found if isinstance(one, dict) and name in one]
        elif step == "items":
            found = [inner for one in found if isinstance(one, list) for inner in one]
        elif step not in ("then", "else"):
            next(steps)  # the number of a branch: the same value
    yield from found


# --- by keyword -------------------------------------------------------------------------------------------------------


def _and(rule: Mapping[str, Any]) -> SchemaEdit:
    def edit(holder: dict[str, Any]) -> None:
        holder["allOf"] = [*holder.get("allOf", ()), rule]

    return edit


def _beyond(rule: str) -> Callable[[Keyword, Schema], tuple[SchemaEdit, str]]:
    return lambda keyword, _: (_and({rule: keyword.value}), f"refuses {keyword.value} itself")


def _by_one(rule: str, step: int) -> Callable[[Keyword, Schema], tuple[SchemaEdit, str]]:
    return lambda keyword, _: (_and({rule: keyword.value + step}), f"refuses what `{keyword.name}` just allows")


def _types(keyword: Keyword, _root: Schema) -> tuple[SchemaEdit, str]:
    kinds = [keyword.value] if isinstance(keyword.value, str) else list(keyword.value)
    if "null" in kinds:
        return _and({"not": {"type": "null"}}), "refuses null"
    rule, about = _OF_KIND[kinds[0]](keyword.schema)
    return _and(rule), about


def _array(schema: Any) -> tuple[dict[str, Any], str]:
    if "maxItems" in schema:
        return {"uniqueItems": True}, "refuses two equal items"
    return {"maxItems": _MOST_ITEMS}, f"refuses more than {_MOST_ITEMS} items"


def _integer(_schema: Any) -> tuple[dict[str, Any], str]:
    return {"not": {"const": INSIDE}}, f"refuses {INSIDE}, a value well within its bounds"


_OF_KIND: Mapping[str, Callable[[Any], tuple[dict[str, Any], str]]] = {
    "string": lambda _: ({"pattern": _ASCII}, "refuses text that is not ASCII"),
    "boolean": lambda _: ({"not": {"const": False}}, "refuses false"),
    "number": lambda _: ({"multipleOf": 1}, "refuses fractions"),
    "integer": _integer,
    "array": _array,
    "object": lambda _: ({"minProperties": 1}, "refuses an empty object"),
}


def _required(keyword: Keyword, root: Schema) -> tuple[SchemaEdit, str]:
    if keyword.pointer == "/required" and isinstance(root, Mapping):
        limits = [name for name in _TOKEN_LIMITS if name in root.get("properties", {})]
        rule = {"anyOf": [{"required": [name]} for name in limits]}
        return _and(rule), f"demands {' or '.join(limits)}"
    demanded = _not_required(keyword.schema)
    return _and({"required": [demanded]}), f"demands `{demanded}`"


def _not_required(schema: Schema) -> str:
    """A member that need not be there: its name where an object may have one."""
    required = schema.get("required", ()) if isinstance(schema, Mapping) else ()
    known = ("name", *schema.get("properties", ())) if isinstance(schema, Mapping) else ("name",)
    return next((name for name in known if name not in required), "further")


def _enum(keyword: Keyword, _root: Schema) -> tuple[SchemaEdit, str]:
    # Without the user's role nothing is served, and every longer conversation has the assistant's. A contract for text
    # alone cannot serve a tool message, so that nobody would notice that its role is refused.
    member = next(one for one in keyword.value if one not in _ALWAYS_SERVED)
    return _and({"not": {"const": member}}), f"refuses {member}"


def _any_of(keyword: Keyword, _root: Schema) -> tuple[SchemaEdit, str]:
    nulls = [number for number, one in enumerate(keyword.value) if one.get("type") == "null"]
    number = (nulls or [len(keyword.value) - 1])[0]

    def edit(holder: dict[str, Any]) -> None:
        del holder["anyOf"][number]

    return edit, f"refuses the branch {keyword.value[number].get('title', number)}"


_EDITS: Mapping[str, Callable[[Keyword, Schema], tuple[SchemaEdit, str]]] = {
    "minimum": _beyond("exclusiveMinimum"),
    "maximum": _beyond("exclusiveMaximum"),
    "exclusiveMinimum": _by_one("exclusiveMinimum", 1),
    "minLength": _by_one("minLength", 1),
    "minItems": _by_one("minItems", 1),
    "maxItems": _by_one("maxItems", -1),
    "const": lambda keyword, _: (_and({"not": {"const": keyword.value}}), "refuses its only value"),
    "enum": _enum,
    "anyOf": _any_of,
    "type": _types,
    "required": _required,
}
