"""What the lab judges: the deployment without a fault, and one target for each fault and trap of a profile."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from conformance.contract import Contract, load_contract
from conformance.reference.faults import Fault, every_fault
from conformance.reference.seams import Seams

CONTROL = "control"
"""The name of the target without a fault."""


@dataclass(frozen=True, slots=True)
class LabTarget:
    """One deployment to judge: the reference as it stands, or with one fault or trap."""

    id: str
    profile: str
    fault: Fault | None = field(default=None, hash=False)

    @property
    def waits(self) -> bool:
        """Whether a run has to wait for it."""
        return self.fault is not None and self.fault.waits

    @property
    def seams(self) -> Seams:
        """The deployment as it is bent."""
        return Seams() if self.fault is None else self.fault.seams


@cache
def contract_of(profile: str) -> Contract:
    """The contract of a profile, read once in a process."""
    return load_contract(profile)


@cache
def targets_of(profile: str, extra: Path | None = None) -> tuple[LabTarget, ...]:
    """The control first, then every fault and trap of a profile; `extra` is a further file of rows.

    Raises:
        ContractError: the catalogue, or `extra`, is unusable.
    """
    faults = every_fault(contract_of(profile), extra)
    return (LabTarget(CONTROL, profile), *(LabTarget(fault.id, profile, fault) for fault in faults))


def selected(targets: Sequence[LabTarget], globs: Sequence[str]) -> tuple[LabTarget, ...]:
    """The control, and the targets whose ids match one of the globs; all of them where there are none."""
    if not globs:
        return tuple(targets)
    return tuple(
        target
        for target in targets
        if target.fault is None or any(fnmatch.fnmatchcase(target.id, glob) for glob in globs)
    )
