"""The coverage of the request's keywords in results.json: for each, whether it is honoured and enforced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.suite.outcome import AspectOutcome, KeywordCoverage, Outcome

ASPECTS = ("honoured", "enforced")
Totals = Mapping[str, Mapping[Outcome, int]]
"""How many keywords have which outcome, by aspect; outcomes that do not occur are left out."""


def keyword_totals(keywords: Iterable[KeywordCoverage]) -> Totals:
    """How often each outcome occurs, for honoured and for enforced, worst first."""
    rows = tuple(keywords)
    counts = {name: Counter(getattr(row, name).outcome for row in rows) for name in ASPECTS}
    return {name: {one: found[one] for one in Outcome if found[one]} for name, found in counts.items()}


def keywords_document(keywords: Iterable[KeywordCoverage]) -> dict[str, Any]:
    """The member `keywords` of results.json."""
    rows = tuple(keywords)
    totals = {name: {one.value: n for one, n in row.items()} for name, row in keyword_totals(rows).items()}
    return {"totals": totals, "rows": [_row_document(row) for row in rows]}


def parse_keywords(document: Mapping[str, Any] | None) -> tuple[KeywordCoverage, ...]:
    """The typed view of `keywords`; a record of format 1 has none."""
    if document is None:
        return ()
    return tuple(
        KeywordCoverage(
            requirement=row["requirement"],
            location=row["location"],
            pointer=row["pointer"],
            keyword=row["keyword"],
            honoured=_parse_aspect(row["honoured"]),
            enforced=_parse_aspect(row["enforced"]),
        )
        for row in document["rows"]
    )


def _row_document(row: KeywordCoverage) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in ("requirement", "location", "pointer", "keyword")}
    return {**plain, **{name: _aspect_document(getattr(row, name)) for name in ASPECTS}}


def _aspect_document(aspect: AspectOutcome) -> dict[str, Any]:
    return {"outcome": aspect.outcome.value, "reason": aspect.reason, "exchanges": list(aspect.exchanges)}


def _parse_aspect(data: Mapping[str, Any]) -> AspectOutcome:
    return AspectOutcome(Outcome(data["outcome"]), data["reason"], tuple(data["exchanges"]))
