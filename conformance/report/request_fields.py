"""The optional fields of a request in results.json: what the target makes of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.suite.outcome import FieldState, RequestField


def field_totals(fields: Iterable[RequestField]) -> Mapping[FieldState, int]:
    """How many fields are in which state; states that do not occur are left out."""
    counts = Counter(one.state for one in fields)
    return {state: counts[state] for state in FieldState if counts[state]}


def fields_document(fields: Iterable[RequestField]) -> list[dict[str, Any]]:
    """The member `request_fields` of results.json."""
    return [
        {
            "field": one.field,
            "state": one.state.value,
            "why": one.why,
            "requirement": one.requirement,
            "exchanges": list(one.exchanges),
        }
        for one in fields
    ]


def parse_fields(document: Iterable[Mapping[str, Any]] | None) -> tuple[RequestField, ...]:
    """The typed view of `request_fields`; an earlier record has none."""
    return tuple(
        RequestField(one["field"], FieldState(one["state"]), one["why"], one["requirement"], tuple(one["exchanges"]))
        for one in document or ()
    )
