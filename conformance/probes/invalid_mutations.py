"""Breaks valid requests in exactly one place: one keyword of the schema, by one of the values that break it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from conformance.contract.model import Requirement
from conformance.probes.base import COMPANIONS
from conformance.probes.cost import LIMIT_FIELDS
from conformance.probes.invalid_boundaries import Breach, breaches
from conformance.probes.pointer_edits import UnplaceableError, with_change
from conformance.probes.probe_names import told
from conformance.probes.request_body import REMOVED, RequestBody


@dataclass(frozen=True, slots=True)
class Mutation:
    """A body that breaks one keyword, the number of the valid body that it was made from, and in words what it has."""

    number: int
    requirement: str
    about: str
    body: Any


def mutations(body: RequestBody, valid: Sequence[Any], count: int, chance: Random) -> list[Mutation]:
    """At most one mutation of each of the valid bodies, and at most so many; every keyword has its turn."""
    rows = [row for row in body.contract.requirements if row.keyword is not None and row.keyword.location == "request"]
    rows = [row for row in rows if row.keyword is not None and not row.keyword.pointer.startswith("/$defs/")]
    known = [(row, tuple(breaches(row, body))) for row in rows]
    choices = [(row, found) for row, found in known if found]
    made: list[Mutation] = []
    if not choices:
        return made
    for number, base in reversed(list(enumerate(valid))):
        if len(made) >= count:
            break
        row, found = choices[len(made) % len(choices)]
        mutation = _mutation(number, base, row, chance.choice(found), body)
        if mutation is not None:
            made.append(mutation)
    return list(reversed(made))


def _mutation(number: int, base: Any, row: Requirement, breach: Breach, body: RequestBody) -> Mutation | None:
    keyword = row.keyword
    assert keyword is not None
    try:
        changed = with_change(
            _with_companions(base, breach), body.contract.operation.request_schema, keyword.pointer, breach.change
        )
    except UnplaceableError:
        return None
    if isinstance(changed, dict):
        changed = _cheap(changed, breach)
    if body.accepts(changed):
        return None  # another branch of the schema takes it
    return Mutation(number, row.id, _words(breach), changed)


def _words(breach: Breach) -> str:
    return told(breach.path, breach.value).removeprefix("a request ")


def _with_companions(base: Any, breach: Breach) -> dict[str, Any]:
    companions = COMPANIONS.get(str(breach.path[0]), {}) if breach.path else {}
    together = {**copy.deepcopy(base), **companions}
    return {name: value for name, value in together.items() if value is not REMOVED}


def _cheap(changed: dict[str, Any], breach: Breach) -> dict[str, Any]:
    """The same with one token and one choice where that is not what is broken: it might be served all the same."""
    broken = str(breach.path[0]) if breach.path else ""
    cheap = {name: 1 for name in LIMIT_FIELDS if name in changed and name != broken}
    if "n" in changed and broken != "n":
        cheap["n"] = 1
    return {**changed, **cheap}
