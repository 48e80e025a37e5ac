"""The cases of one schema keyword: valid values at its boundary, and invalid ones beyond it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conformance.contract.samples import types_of
from conformance.contract.validators import Definitions, kept_validator, validator_for
from conformance.probes.boundary_values import BOUNDARY_CASES
from conformance.probes.keyword_cases import Case
from conformance.probes.violating_values import VIOLATING_CASES

MOST_CASES = 100
"""Cases of one aspect of a keyword: of an `enum` or `oneOf` with more members, the first are sent."""
_MOST_CANDIDATES = 1000
"""Values that are tried to find these."""
_READ_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "additionalProperties": ("properties", "patternProperties"),
    "items": ("prefixItems",),
    "minContains": ("contains",),
    "maxContains": ("contains", "minContains"),
    "contains": ("minContains",),
    "if": ("then", "else"),
}
"""Keywords whose meaning depends on others of the same schema."""
_DEPEND_ON_ALL = ("unevaluatedProperties", "unevaluatedItems")


def boundary_cases(keyword: str, schema: Mapping[str, Any], definitions: Definitions = None) -> Iterator[Case]:
    """Values at the boundary of a keyword that it allows, and that the rest of its schema allows, too.

    `definitions` are the `$defs` that a `$ref` in the schema leads to.
    """
    accepts = kept_validator(schema, definitions)
    make = BOUNDARY_CASES.get(keyword)
    cases = _sendable(make(schema, definitions)) if make else ()
    whole = "number" not in types_of(schema)
    yield from _first_of_each_name(_as_integer(case) if whole else case for case in cases if accepts(case.value))


def _as_integer(case: Case) -> Case:
    """A case with an integer as a client writes it: a document may have a bound of 4.0."""
    is_whole = isinstance(case.value, float) and case.value.is_integer()
    return replace(case, value=int(case.value)) if is_whole else case


def violating_cases(keyword: str, schema: Mapping[str, Any], definitions: Definitions = None) -> Iterator[Case]:
    """Values that break the keyword and, as far as possible, nothing else; the cheapest come first.

    Where every value that breaks the keyword also breaks another one (no wrong type is a member of an `enum`), those
    are given. Of several values for one case, the first that fits is given.
    """
    make = VIOLATING_CASES.get(keyword)
    if make is None:
        return
    others_accept = validator_for(_without(keyword, schema), definitions)
    keyword_accepts = validator_for(_alone(keyword, schema), definitions)
    breaking = [case for case in _sendable(make(schema, definitions)) if not keyword_accepts(case.value)]
    alone = [case for case in breaking if others_accept(case.value)]
    yield from _first_of_each_name(alone or breaking)


def _without(keyword: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    gone = {keyword, *(("then", "else") if keyword == "if" else ())}
    if keyword == "contains":
        gone |= {"minContains", "maxContains"}
    return {name: value for name, value in schema.items() if name not in gone}


def _alone(keyword: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if keyword in _DEPEND_ON_ALL:
        return schema
    kept = (keyword, *_READ_TOGETHER.get(keyword, ()))
    alone = {name: schema[name] for name in kept if name in schema}
    if keyword == "maxContains":
        alone["minContains"] = 0
    return alone


def _sendable(cases: Iterator[Case]) -> Iterator[Case]:
    """The first so many cases, without numbers that JSON does not have."""
    for case in itertools.islice(cases, _MOST_CANDIDATES):
        if not isinstance(case.value, float) or math.isfinite(case.value):
            yield case


def _first_of_each_name(cases: Iterable[Case]) -> Iterator[Case]:
    named: dict[str, Case] = {}
    for case in cases:
        named.setdefault(case.name, case)
        if len(named) == MOST_CASES:
            break
    yield from named.values()
