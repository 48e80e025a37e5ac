"""Breaks valid requests in exactly one place: one keyword of the schema, by one of the values that break it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from conformance.contract.model import Requirement
from conformance.probes.invalid_boundaries import Violation, violations
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.pointer_edits import UnplaceableError, with_change
from conformance.probes.request_body import COMPANIONS, REMOVED, RequestBody, describe_change


@dataclass(frozen=True, slots=True)
class MutatedRequest:
    """A body that breaks one keyword, the number of the valid body that it was made from, and its change in words."""

    number: int
    requirement: str
    about: str
    body: Any


def mutated_requests(body: RequestBody, valid: Sequence[Any], count: int, chance: Random) -> list[MutatedRequest]:
    """At most one mutation of each valid body, and at most so many; the keywords take turns."""
    rows = [row for row in body.contract.requirements if row.keyword is not None and row.keyword.location == "request"]
    rows = [row for row in rows if row.keyword is not None and not row.keyword.pointer.startswith("/$defs/")]
    known = [(row, tuple(violations(row, body))) for row in rows]
    choices = [(row, found) for row, found in known if found]
    made: list[MutatedRequest] = []
    if not choices:
        return made
    for number, base in reversed(list(enumerate(valid))):
        if len(made) >= count:
            break
        row, found = choices[len(made) % len(choices)]
        mutated = _mutated(number, base, row, chance.choice(found), body)
        if mutated is not None:
            made.append(mutated)
    return list(reversed(made))


def broken_by(base: Any, row: Requirement, violation: Violation, body: RequestBody) -> Any:
    """A valid body with one keyword broken; None where another branch of the schema allows it."""
    keyword = row.keyword
    assert keyword is not None
    try:
        changed = with_change(
            _with_companions(base, violation), body.contract.operation.request_schema, keyword.pointer, violation.change
        )
    except UnplaceableError:
        return None
    if isinstance(changed, dict):
        changed = _cheap(changed, violation)
    return changed if body.forbids(changed) else None


def _mutated(
    number: int, base: Any, row: Requirement, violation: Violation, body: RequestBody
) -> MutatedRequest | None:
    changed = broken_by(base, row, violation, body)
    return None if changed is None else MutatedRequest(number, row.id, _words(violation), changed)


def _words(violation: Violation) -> str:
    return describe_change(violation.path, violation.value).removeprefix("a request ")


def _with_companions(base: Any, violation: Violation) -> dict[str, Any]:
    companions = COMPANIONS.get(str(violation.path[0]), {}) if violation.path else {}
    together = {**copy.deepcopy(base), **companions}
    return {name: value for name, value in together.items() if value is not REMOVED}


def _cheap(changed: dict[str, Any], violation: Violation) -> dict[str, Any]:
    """The same with one token and one choice, unless these are broken, for the case that it is served."""
    broken = str(violation.path[0]) if violation.path else ""
    cheap = {name: 1 for name in LIMIT_FIELDS if name in changed and name != broken}
    if "n" in changed and broken != "n":
        cheap["n"] = 1
    return {**changed, **cheap}
