"""Says whether a schema accepts a value, in work that is bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from conformance.contract.effort import is_bounded, kept_in_this_work, parts_of, spend, spend_on

Accepts = Callable[[Any], bool]
Definitions = Mapping[str, Any] | None
"""What the `$ref` of a schema lead to, by name."""


_PARTS_AT_ONCE = 100
"""Parts of a compiled schema that cost as much, where a value is checked, as one that is looked into."""


def validator_for(schema: Any, definitions: Definitions = None) -> Accepts:
    """What says whether a schema, formats included, accepts a value; `definitions` are what its `$ref` lead to."""
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    whole = {**schema, "$defs": dict(definitions)} if definitions and isinstance(schema, Mapping) else schema
    spend_on(whole)
    validator = Draft202012Validator(whole, validate_formats=True)

    effort = parts_of(whole) // _PARTS_AT_ONCE if is_bounded() else 0

    def accepts(value: Any) -> bool:
        spend(effort)
        spend_on(value)
        try:
            return validator.is_valid(value)
        except ValueError:  # Text that no JSON text can hold, such as half of a surrogate pair.
            return False

    return accepts


def _leads_elsewhere(keyword: str, value: Any) -> bool:
    """Whether a keyword has an address; a member of that name, which has a schema, does not count."""
    return isinstance(value, str) and (keyword == "$id" or not value.startswith("#"))


def definitions_of(schema: Any) -> Mapping[str, Any]:
    """What a `$ref` in a resolved schema leads to, by name: only recursions have any."""
    found: Mapping[str, Any] = schema.get("$defs", _NONE) if isinstance(schema, Mapping) else _NONE
    return found


_NONE: Mapping[str, Any] = {}
_META_SCHEMA = {"$ref": "https://json-schema.org/draft/2020-12/schema"}


@cache
def _meta_validator() -> Accepts:
    return validator_for(_META_SCHEMA)


def is_json_schema(value: Any) -> bool:
    """Whether a value is a JSON Schema (2020-12) that needs nothing from elsewhere: each `$ref` stays within it.

    Whatever it refers to by an address is not fetched.
    """
    if not isinstance(value, Mapping | bool) or not _meta_validator()(value):
        return False
    ahead: list[Any] = [value]
    while ahead:
        one = ahead.pop()
        if isinstance(one, Mapping):
            if any(_leads_elsewhere(name, one.get(name)) for name in ("$ref", "$dynamicRef", "$id")):
                return False
            ahead.extend(one.values())
        elif isinstance(one, list):
            ahead.extend(one)
    return True


def kept_validator(schema: Any, definitions: Definitions = None) -> Accepts:
    """`validator_for` a part of a document, which is made once in a piece of bounded work.

    By the identity of the schema: it is not for one that was made for the occasion.
    """
    kept = kept_in_this_work()
    if kept is None or not isinstance(schema, Mapping):
        return validator_for(schema, definitions)
    key = (id(schema), id(definitions))
    known = kept.get(key)
    if known is None:
        known = kept[key] = (schema, definitions, validator_for(schema, definitions))
    accepts: Accepts = known[2]
    return accepts


def kept_choice(schema: Mapping[str, Any], keyword: str, definitions: Definitions = None) -> Accepts:
    """Whether a choice (`anyOf` or `oneOf`) of a schema accepts a value, kept like `kept_validator`."""
    kept, branches = kept_in_this_work(), schema[keyword]
    key = (id(branches), id(definitions))
    if kept is not None and key in kept:
        known: Accepts = kept[key][2]
        return known
    accepts = validator_for({keyword: branches}, definitions)
    if kept is not None:
        kept[key] = (branches, definitions, accepts)
    return accepts
