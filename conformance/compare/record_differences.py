"""Compares the record of a run with what judging its evidence again gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.quoting import as_json

OF_THE_OCCASION = ("duration_s", "replayed")
"""The members of a record that do not follow from evidence, contract and profile."""


def record_differences(recorded: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each difference between a record and what judging its evidence again gives."""
    yield from _row_differences(recorded["requirements"], again["requirements"])
    for name in recorded.keys() | again.keys():
        if name not in {*OF_THE_OCCASION, "requirements"} and recorded.get(name) != again.get(name):
            yield (
                f"results.json says {name} {as_json(recorded.get(name))}, and judging the evidence again gives"
                f" {as_json(again.get(name))}."
            )


def _row_differences(recorded: list[Mapping[str, Any]], again: list[Mapping[str, Any]]) -> Iterator[str]:
    before, after = {row["id"]: row for row in recorded}, {row["id"]: row for row in again}
    for row_id in [*before, *(row_id for row_id in after if row_id not in before)]:
        one, other = before.get(row_id), after.get(row_id)
        if one is None or other is None:
            where = "results.json does not have it" if one is None else "judging the evidence again does not give it"
            yield f"{row_id}: {where}."
        elif one["outcome"] != other["outcome"]:
            said, given = one["outcome"], other["outcome"]
            yield f"{row_id}: results.json says {said}, and judging the evidence again gives {given}."
        elif one != other:
            name = next(name for name in one if one[name] != other.get(name))
            yield f"{row_id}: {name} in results.json is not what judging the evidence again gives."
