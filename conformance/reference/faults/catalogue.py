"""Loads the catalogue of faults and traps, and says what each of them is in one profile."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.documents import Document, read_document
from conformance.contract.enforcement import enforce
from conformance.contract.errors import ContractError
from conformance.contract.locations import shipped_profiles
from conformance.contract.model import Contract, Tier
from conformance.contract.pointers import join
from conformance.reference.faults.actions import Deed, DeedError, bent_by
from conformance.reference.faults.conditions import ConditionError
from conformance.reference.faults.fault import EFFECT_BROKEN, Fault, effects_among, matching

SCHEMA = "faults.schema.json"
_ROWS = Path(__file__).parent / "rows"
_TRAPS = "traps"
_OWN = "own"
_HARMLESS = frozenset({"passed", "skipped", "untested"})
"""What an allowed oddity may make of an outcome."""


@dataclass(frozen=True, slots=True)
class FaultRow:
    """One row as it was written, and where."""

    id: str
    written: Mapping[str, Any] = field(hash=False)
    document: Document
    pointer: str
    is_trap: bool

    def error(self, message: str, *inside: str) -> ContractError:
        """An error of this row."""
        return self.document.error(f"row `{self.id}`: {message}", join(self.pointer, *inside))

    def override(self, profile: str) -> Mapping[str, Any]:
        """What the row says of one profile alone."""
        profiles = self.written.get("profiles")
        return (profiles.get(profile) or {}) if isinstance(profiles, Mapping) else {}

    def said(self, name: str, profile: str, otherwise: Any) -> Any:
        """A member of the row as it is in one profile."""
        return self.override(profile).get(name, self.written.get(name, otherwise))


def read_fault_rows(path: Path) -> tuple[FaultRow, ...]:
    """The rows of one file; those of a file whose name begins with `traps` are traps.

    Raises:
        ContractError: the file departs from specs/faults.schema.json, an id stands twice, or a row does what no
            function can do.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    is_trap = path.name.startswith(_TRAPS)
    rows = tuple(
        FaultRow(written["id"], written, document, join("", number), is_trap)
        for number, written in enumerate(document.data)
    )
    for row in rows:
        _check(row)
    _check_unique(rows)
    return rows


@cache
def shipped_fault_rows() -> tuple[FaultRow, ...]:
    """The rows of the catalogue.

    Raises:
        ContractError: as `read_fault_rows`, or an id stands in two files.
    """
    rows = tuple(row for path in sorted(_ROWS.glob("*.yaml")) for row in read_fault_rows(path))
    _check_unique(rows)
    return rows


def faults_in(contract: Contract, rows: Iterable[FaultRow]) -> Iterator[Fault]:
    """The faults and traps that these rows are in a profile; those that it cannot show are left out.

    Raises:
        ContractError: a row names a requirement that no shipped profile has.
    """
    for row in rows:
        fault = _fault(row, contract)
        if fault is not None:
            yield fault


def _fault(row: FaultRow, contract: Contract) -> Fault | None:
    profile = contract.profile.name
    named = row.written.get("profiles")
    if named is not None and profile not in named:
        return None
    breaks = matching(contract, row.said("breaks", profile, ()))
    if not breaks and not row.is_trap:
        if named is not None:
            raise row.error(f"the profile {profile} has none of the requirements that it breaks", "profiles")
        return None
    seen = row.written.get("seen", _OWN)
    return Fault(
        id=row.id,
        about=row.written["about"],
        family=row.written["family"],
        seen=() if seen == _OWN else tuple(seen),
        deeds=_deeds(row.said("does", profile, ()), row.written.get("when")),
        breaks=breaks,
        effects=_effects(row, contract, breaks),
        may=frozenset(matching(contract, row.said("may", profile, ()))) - set(breaks),
        tier=Tier(row.written["tier"]) if "tier" in row.written else None,
        waits=row.written.get("waits", False),
        is_trap=row.is_trap,
    )


def _effects(row: FaultRow, contract: Contract, breaks: Iterable[str]) -> Mapping[str, str]:
    override = row.override(contract.profile.name)
    entries = [*override.get("effects", row.written.get("effects", ())), *override.get("also", ())]
    return effects_among(contract, entries, {*breaks, *matching(contract, override.get("not", ()))})


def _deeds(does: Any, when: str | None) -> tuple[Deed, ...]:
    steps = does if isinstance(does, list) else [does]
    written = [step if isinstance(step, Mapping) else {step: {}} for step in steps]
    return tuple(Deed(name, parameters, when) for step in written for name, parameters in step.items())


def _check(row: FaultRow) -> None:
    profiles = row.written.get("profiles", ())
    unknown = [name for name in profiles if name not in shipped_profiles()]
    if unknown:
        raise row.error(f"there is no profile `{unknown[0]}`", "profiles")
    if row.is_trap and "breaks" in row.written:
        raise row.error("a trap breaks nothing; leave `breaks` out", "breaks")
    if row.is_trap and any(outcome not in _HARMLESS for outcome in _outcomes_in(row)):
        raise row.error(f"a trap changes no outcome but to {' or '.join(sorted(_HARMLESS))}", "effects")
    if not row.is_trap and not any(row.said("breaks", name, ()) for name in shipped_profiles()):
        raise row.error("a fault says in `breaks` which requirements it must be caught through")
    overrides = profiles.values() if isinstance(profiles, Mapping) else ()
    for does in (row.written["does"], *(one["does"] for one in overrides if one and "does" in one)):
        deeds = _deeds(does, row.written.get("when"))
        try:
            for deed in deeds:
                deed.check()
            bent_by(deeds)
        except (DeedError, ConditionError, ValueError) as error:
            raise row.error(str(error), "when" if isinstance(error, ConditionError) else "does") from error


def _outcomes_in(row: FaultRow) -> Iterator[str]:
    for one in (row.written, *map(row.override, shipped_profiles())):
        for entry in (*one.get("effects", ()), *one.get("also", ())):
            yield from entry.values() if isinstance(entry, Mapping) else (EFFECT_BROKEN,)


def unknown_requirements(row: FaultRow, contracts: Iterable[Contract]) -> tuple[str, ...]:
    """The ids and globs of a row that match no requirement of these contracts."""
    known = {requirement.id for contract in contracts for requirement in contract.requirements}
    profiles = row.written.get("profiles")
    parts = [row.written, *(one or {} for one in (profiles.values() if isinstance(profiles, Mapping) else ()))]
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
            raise row.error(f"the id stands twice (first in {where}); keep one", "id")
