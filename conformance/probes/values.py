"""Values for one schema keyword: those that it allows at its very edge, and those just outside of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from conformance.contract.samples import judge
from conformance.probes.boundary_values import EDGES
from conformance.probes.case import Case
from conformance.probes.violating_values import BREACHES

_READ_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "additionalProperties": ("properties", "patternProperties"),
    "items": ("prefixItems",),
    "minContains": ("contains",),
    "maxContains": ("contains", "minContains"),
    "contains": ("minContains",),
    "if": ("then", "else"),
}
"""Keywords whose meaning hangs on others of the same schema."""
_SEE_ALL = ("unevaluatedProperties", "unevaluatedItems")


def allowed(keyword: str, schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Iterator[Case]:
    """Values that the keyword allows, as near to its edge as can be, and that the rest of its schema takes too.

    `definitions` are the `$defs` that a `$ref` in the schema leads to.
    """
    accepts = judge(schema, definitions)
    make = EDGES.get(keyword)
    yield from _first_of_each_name(case for case in (make(schema, definitions) if make else ()) if accepts(case.value))


def refused(keyword: str, schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Iterator[Case]:
    """Values that break the keyword and, as far as can be, nothing else; the cheapest that decide come first.

    Where every value that breaks the keyword breaks another one too (no wrong type is a member of an `enum`), those
    are given. Of several values for one case, the first that fits is given.
    """
    make = BREACHES.get(keyword)
    if make is None:
        return
    others_accept = judge(_without(keyword, schema), definitions)
    keyword_accepts = judge(_alone(keyword, schema), definitions)
    breaking = [case for case in make(schema, definitions) if not keyword_accepts(case.value)]
    alone = [case for case in breaking if others_accept(case.value)]
    yield from _first_of_each_name(alone or breaking)


def _without(keyword: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    gone = {keyword, *(("then", "else") if keyword == "if" else ())}
    if keyword == "contains":
        gone |= {"minContains", "maxContains"}
    return {name: value for name, value in schema.items() if name not in gone}


def _alone(keyword: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if keyword in _SEE_ALL:
        return schema
    kept = (keyword, *_READ_TOGETHER.get(keyword, ()))
    alone = {name: schema[name] for name in kept if name in schema}
    if keyword == "maxContains":
        alone["minContains"] = 0
    return alone


def _first_of_each_name(cases: Iterable[Case]) -> Iterator[Case]:
    named: dict[str, Case] = {}
    for case in cases:
        named.setdefault(case.name, case)
    yield from named.values()
