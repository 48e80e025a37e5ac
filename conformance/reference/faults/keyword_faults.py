"""Faults made from the request schema: for each keyword, a deployment that ignores it and one that over-enforces it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.model import Contract, Keyword, Requirement
from conformance.contract.pointers import split
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

IGNORES, OVER_ENFORCES = "ignores", "over-enforces"


@dataclass(frozen=True, slots=True)
class KeywordFault:
    """One fault: its id (`ignores:request.n.minimum`), the requirement that it breaks, and the faulty deployment."""

    id: str
    requirement: str
    stages: Stages


def keyword_faults(contract: Contract) -> Iterator[KeywordFault]:
    """One fault that ignores, and where a keyword has a boundary one that over-enforces, for each keyword."""
    for row in contract.requirements:
        keyword = row.keyword
        if keyword is None or keyword.location != "request":
            continue
        yield _fault(IGNORES, row, _edited(contract, keyword, _drop))
        if keyword.name in _TIGHTENED and (keyword.name != "type" or "null" in keyword.value):
            yield _fault(OVER_ENFORCES, row, _edited(contract, keyword, _TIGHTENED[keyword.name]))


def _fault(kind: str, row: Requirement, schema: Mapping[str, Any]) -> KeywordFault:
    rules = RequestRules(schema, {})
    return KeywordFault(
        f"{kind}:{row.id}", row.id, replace(Stages(), check_body=lambda _, body: rules.check_body(body))
    )


def _edited(contract: Contract, keyword: Keyword, edit: Any) -> Mapping[str, Any]:
    """The request schema, changed at one keyword."""
    schema = copy.deepcopy(dict(contract.operation.request_schema))  # type: ignore[arg-type] # it has this keyword
    holder: Any = schema
    *way, name = split(keyword.pointer)
    for step in way:
        holder = holder[int(step)] if isinstance(holder, list) else holder[step]
    edit(holder, name, keyword.value)
    return schema


def _drop(holder: dict[str, Any], name: str, value: Any) -> None:
    if name == "required":
        holder[name] = [one for one in holder[name] if one != value]
    else:
        del holder[name]
        if name == "type":
            # What follows the type in the same schema would refuse some wrong types all the same.
            holder.pop("enum", None)
            holder.pop("const", None)


def _minimum(holder: dict[str, Any], name: str, value: Any) -> None:
    del holder[name]
    holder["exclusiveMinimum"] = value


def _maximum(holder: dict[str, Any], name: str, value: Any) -> None:
    del holder[name]
    holder["exclusiveMaximum"] = value


def _one_more(holder: dict[str, Any], name: str, value: Any) -> None:
    holder[name] = value + 1


def _one_less(holder: dict[str, Any], name: str, value: Any) -> None:
    holder[name] = value - 1


def _last_left_out(holder: dict[str, Any], name: str, value: Any) -> None:
    # A tool message cannot be served by a contract of text alone, so that refusing its role shows nowhere.
    kept = [one for one in value if one != "tool"]
    holder[name] = [one for one in value if one != kept[-1]]


def _without_null(holder: dict[str, Any], name: str, value: Any) -> None:
    holder[name] = [one for one in value if one != "null"]


_TIGHTENED = {
    "minimum": _minimum,
    "maximum": _maximum,
    "exclusiveMinimum": _one_more,
    "minLength": _one_more,
    "minItems": _one_more,
    "maxItems": _one_less,
    "enum": _last_left_out,
    "anyOf": _last_left_out,
    "type": _without_null,
}
