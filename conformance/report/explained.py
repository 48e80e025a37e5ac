"""Everything that is known about one requirement: why it matters, how to fix what breaks it, and what does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from conformance.contract import Contract, Requirement, shipped_profiles
from conformance.contract.explanations import explanation


@dataclass(frozen=True, slots=True)
class FaultView:
    """A fault that breaks a requirement: its id, what it does, and the public threads that report it."""

    id: str
    about: str
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """A requirement with why clients need it, how to fix what breaks it, and known faults that break it.

    `why` and `fix` are empty for a user's own rows.
    """

    requirement: Requirement
    why: str = ""
    fix: str = ""
    faults: tuple[FaultView, ...] = ()


def explained(row: Requirement, contract: Contract) -> Explained:
    """Everything known about a requirement of a contract.

    Raises:
        ContractError: the explanations, or the catalogue of faults, cannot be used.
    """
    pointer = f"{row.keyword.location}#{row.keyword.pointer}" if row.keyword else None
    said = explanation(row.id, pointer)
    faults = _faults_by_requirement(contract.profile.name).get(row.id, ())
    if said is None:
        return Explained(row, faults=faults)
    return Explained(row, said.why, said.fix, faults)


@cache
def _faults_by_requirement(profile: str) -> Mapping[str, tuple[FaultView, ...]]:
    """The faults that each requirement of a shipped profile is caught through, those of keywords included."""
    if profile not in shipped_profiles():
        return {}
    from conformance.contract import load_contract  # noqa: PLC0415 - beside what costs
    from conformance.reference.faults import every_fault  # noqa: PLC0415 - brings the faults' machinery in

    found: dict[str, tuple[FaultView, ...]] = {}
    for fault in every_fault(load_contract(profile)):
        for row_id in fault.breaks:
            found[row_id] = (*found.get(row_id, ()), FaultView(fault.id, fault.about, fault.seen))
    return found
