"""Says with one schema object what `allOf`, or a choice between a type and null, says with several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.provenance import X_SOURCE
from conformance.contract.vocabulary import ANNOTATIONS

_SEE_THEIR_NEIGHBOURS = frozenset(
    {
        *("additionalProperties", "patternProperties", "items", "prefixItems", "contains", "minContains"),
        *("maxContains", "if", "then", "else", "unevaluatedProperties", "unevaluatedItems", "$ref"),
    }
)
"""Keywords whose meaning depends on what else stands in the same schema object."""
_SPEAK_OF_EVERY_TYPE = frozenset({"const", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "$ref"})
_SEE_THROUGH = ("unevaluatedProperties", "unevaluatedItems")
_STRICTER = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its `allOf` merged into it, or as it is where branches cannot be merged without loss."""
    branches = schema.get("allOf")
    if not isinstance(branches, list) or not all(isinstance(branch, Mapping) for branch in branches):
        return schema
    # What sees through allOf in the outer object keeps its meaning; in a branch it would come to see the others.
    outer = {keyword: schema[keyword] for keyword in _SEE_THROUGH if keyword in schema}
    inner = {keyword: value for keyword, value in schema.items() if keyword != "allOf" and keyword not in outer}
    result: dict[str, Any] | None = inner
    for branch in branches:
        result = None if result is None else both(result, branch)
    return schema if result is None else {**result, **outer}


def with_null_as_type(schema: dict[str, Any]) -> dict[str, Any]:
    """A choice between values of one type and null as one schema whose `type` names both; else the schema as it is.

    The other keywords of the type say nothing of null, so that they may stand beside it.
    """
    keyword = next((one for one in ("anyOf", "oneOf") if one in schema), None)
    if keyword is None or schema.keys() - ANNOTATIONS != {keyword} or len(schema[keyword]) != 2:
        return schema
    values = [branch for branch in schema[keyword] if not _is_null(branch)]
    if len(values) != 1 or not isinstance(values[0], Mapping):
        return schema
    value = values[0]
    kinds = value.get("type")
    if kinds is None or "null" in kinds or (value.keys() & _SPEAK_OF_EVERY_TYPE):
        return schema
    outer = {name: setting for name, setting in schema.items() if name not in (keyword, X_SOURCE)}
    result = {**{name: setting for name, setting in value.items() if name != "title"}, **outer}
    result["type"] = [*([kinds] if isinstance(kinds, str) else kinds), "null"]
    if "enum" in value:
        result["enum"] = [*value["enum"], None]
    return result


def _is_null(branch: Any) -> bool:
    return isinstance(branch, Mapping) and branch.get("type") == "null" and branch.keys() - ANNOTATIONS == {"type"}


def both(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    """One schema object that means both, or None where only `allOf` can say it. The first one's annotations win."""
    if (_SEE_THEIR_NEIGHBOURS & (one.keys() | other.keys())) and not _unrelated(one, other):
        return None
    result = dict(one)
    for keyword, value in other.items():
        if keyword not in result:
            result[keyword] = value
        elif keyword == X_SOURCE:
            result[keyword] = {**value, **result[keyword]}
        elif keyword not in ANNOTATIONS:
            combined = _combined(keyword, result[keyword], value)
            if combined is None:
                return None
            result[keyword] = combined
    return result


def _unrelated(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether one of the two has nothing but annotations and plain assertions on a value of no inner structure."""
    return any(
        not (schema.keys() - ANNOTATIONS - {"type", "enum", "const", "not", "required"}) for schema in (one, other)
    )


def _combined(keyword: str, one: Any, other: Any) -> Any:
    """What a keyword is set to when both values apply, or None where one value cannot say it."""
    if one == other and type(one) is type(other):
        return one
    if keyword in _STRICTER:
        return _STRICTER[keyword](one, other)
    if keyword == "required":
        return list(dict.fromkeys([*one, *other]))
    if keyword == "type":
        return _common_types(one, other)
    if keyword == "properties":
        return _combined_properties(one, other)
    return None


def _common_types(one: Any, other: Any) -> list[str] | None:
    ours = [one] if isinstance(one, str) else list(one)
    theirs = [other] if isinstance(other, str) else list(other)
    common = [kind for kind in ours if kind in theirs or (kind == "integer" and "number" in theirs)]
    common += [kind for kind in theirs if kind == "integer" and "number" in ours and kind not in common]
    return common or None  # No common type: nothing fits both, which only allOf can say.


def _combined_properties(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any] | None:
    result = dict(one)
    for name, schema in other.items():
        ours = result.get(name, True)
        if ours is True:
            result[name] = schema
        elif schema is not True:
            combined = both(ours, schema) if isinstance(ours, Mapping) and isinstance(schema, Mapping) else None
            if combined is None:
                return None
            result[name] = combined
    return result
