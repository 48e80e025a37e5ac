"""Loads the catalogue of faults and allowed variations, and says what each of them is in one profile."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.documents import ContractError, Document, enforce, read_document
from conformance.contract.model import Contract, Tier
from conformance.contract.pointers import join
from conformance.reference.faults.actions import ActionError, FaultAction
from conformance.reference.faults.conditions import ConditionError
from conformance.reference.faults.fault import EFFECT_BROKEN, Fault, effects_among, matching
from conformance.reference.faults.registry import check_action, hooks_with
from conformance.shipped import shipped_profiles

SCHEMA = "faults.schema.json"
_ROWS = Path(__file__).parent / "rows"
_VARIATIONS = ("variations", "traps")
"""How the names of files with allowed variations begin; `traps` is their earlier name."""
_OWN = "own"
_HARMLESS = frozenset({"passed", "skipped", "untested"})
"""What an allowed variation may change an outcome to."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One row as it was written, and where."""

    id: str
    data: Mapping[str, Any] = field(hash=False)
    document: Document
    pointer: str
    is_variation: bool

    def error(self, message: str, *inside: str) -> ContractError:
        """An error of this row, with the line of the member at `inside`."""
        return self.document.error(f"row `{self.id}`: {message}", join(self.pointer, *inside))

    def override(self, profile: str) -> Mapping[str, Any]:
        """What the row says about one profile alone."""
        profiles = self.data.get("profiles")
        return (profiles.get(profile) or {}) if isinstance(profiles, Mapping) else {}

    def value(self, name: str, profile: str, default: Any) -> Any:
        """A member of the row as it is in one profile."""
        return self.override(profile).get(name, self.data.get(name, default))


def read_fault_rows(path: Path) -> tuple[FaultRow, ...]:
    """The rows of one file; a file whose name begins with `variations` has allowed variations.

    Raises:
        ContractError: the file does not match specs/faults.schema.json, two rows have the same id, or a row asks for
            an action that there is not.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    is_variation = path.name.startswith(_VARIATIONS)
    rows = tuple(
        FaultRow(data["id"], data, document, join("", number), is_variation)
        for number, data in enumerate(document.data)
    )
    for row in rows:
        _check(row)
    _check_unique(rows)
    return rows


@cache
def shipped_fault_rows() -> tuple[FaultRow, ...]:
    """The rows of the catalogue.

    Raises:
        ContractError: as `read_fault_rows`, or two files have a row with the same id.
    """
    rows = tuple(row for path in sorted(_ROWS.glob("*.yaml")) for row in read_fault_rows(path))
    _check_unique(rows)
    return rows


def faults_in(contract: Contract, rows: Iterable[FaultRow]) -> Iterator[Fault]:
    """The faults and allowed variations of these rows in one profile; those that it cannot show are left out.

    Raises:
        ContractError: a row is for this profile, which has none of the requirements that the row breaks.
    """
    for row in rows:
        fault = _fault(row, contract)
        if fault is not None:
            yield fault


def _fault(row: FaultRow, contract: Contract) -> Fault | None:
    profile = contract.profile.name
    named = row.data.get("profiles")
    if named is not None and profile not in named:
        return None
    breaks = matching(contract, row.value("breaks", profile, ()))
    if not breaks and not row.is_variation:
        if named is not None:
            raise row.error(f"the profile {profile} has none of the requirements that the row breaks", "profiles")
        return None
    seen = row.data.get("seen", _OWN)
    return Fault(
        id=row.id,
        about=row.data["about"],
        family=row.data["family"],
        seen=() if seen == _OWN else tuple(seen),
        actions=_actions(row.value("does", profile, ()), row.data.get("when")),
        breaks=breaks,
        effects=_effects(row, contract, breaks),
        may=frozenset(matching(contract, row.value("may", profile, ()))) - set(breaks),
        tier=Tier(row.data["tier"]) if "tier" in row.data else None,
        waits=row.data.get("waits", False),
        unsupported=tuple(row.data.get("declares", {}).get("unsupported", ())),
        one_tenant=row.data.get("declares", {}).get("second_tenant") is False,
        is_variation=row.is_variation,
    )


def _effects(row: FaultRow, contract: Contract, breaks: Iterable[str]) -> Mapping[str, str]:
    override = row.override(contract.profile.name)
    entries = [*override.get("effects", row.data.get("effects", ())), *override.get("also", ())]
    return effects_among(contract, entries, {*breaks, *matching(contract, override.get("not", ()))})


def _actions(does: Any, when: str | None) -> tuple[FaultAction, ...]:
    listed = does if isinstance(does, list) else [does]
    with_parameters = [one if isinstance(one, Mapping) else {one: {}} for one in listed]
    return tuple(FaultAction(name, given, when) for one in with_parameters for name, given in one.items())


def _check(row: FaultRow) -> None:
    profiles = row.data.get("profiles", ())
    unknown = [name for name in profiles if name not in shipped_profiles()]
    if unknown:
        raise row.error(f"there is no profile `{unknown[0]}`", "profiles")
    if row.is_variation and "breaks" in row.data:
        raise row.error("an allowed variation breaks nothing; leave `breaks` out", "breaks")
    if row.is_variation and any(outcome not in _HARMLESS for outcome in _outcomes_in(row)):
        possible = " or ".join(sorted(_HARMLESS))
        raise row.error(f"an allowed variation changes an outcome only to {possible}", "effects")
    if not row.is_variation and not any(row.value("breaks", name, ()) for name in shipped_profiles()):
        raise row.error("a fault names in `breaks` the requirements that it must be caught through")
    overrides = profiles.values() if isinstance(profiles, Mapping) else ()
    for does in (row.data["does"], *(one["does"] for one in overrides if one and "does" in one)):
        _check_actions(row, _actions(does, row.data.get("when")))


def _check_actions(row: FaultRow, actions: Iterable[FaultAction]) -> None:
    try:
        for action in actions:
            check_action(action)
        hooks_with(actions)
    except (ActionError, ConditionError, ValueError) as error:
        raise row.error(str(error), "when" if isinstance(error, ConditionError) else "does") from error


def _outcomes_in(row: FaultRow) -> Iterator[str]:
    for one in (row.data, *map(row.override, shipped_profiles())):
        for entry in (*one.get("effects", ()), *one.get("also", ())):
            yield from entry.values() if isinstance(entry, Mapping) else (EFFECT_BROKEN,)


def unknown_requirements(row: FaultRow, contracts: Iterable[Contract]) -> tuple[str, ...]:
    """The ids and globs of a row that match no requirement of these contracts."""
    known = {requirement.id for contract in contracts for requirement in contract.requirements}
    profiles = row.data.get("profiles")
    parts = [row.data, *(one or {} for one in (profiles.values() if isinstance(profiles, Mapping) else ()))]
    entries = [
        entry for part in parts for name in ("breaks", "effects", "also", "not", "may") for entry in part.get(name, ())
    ]
    patterns = [pattern for entry in entries for pattern in (entry if isinstance(entry, Mapping) else [entry])]
    return tuple(
        pattern for pattern in dict.fromkeys(patterns) if not any(fnmatch.fnmatchcase(one, pattern) for one in known)
    )


def _check_unique(rows: Iterable[FaultRow]) -> None:
    seen: dict[str, FaultRow] = {}
    for row in rows:
        first = seen.setdefault(row.id, row)
        if first is not row:
            where = f"{first.document.path.name}:{first.document.line(first.pointer)}"
            raise row.error(f"two rows have this id (the other is in {where}); keep one", "id")
