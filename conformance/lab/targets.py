"""What the lab judges: deployments without a fault, and one for each fault and allowed variation of a profile."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from conformance.contract import Contract, load_contract
from conformance.contract.model import Tier
from conformance.reference.faults import Fault, every_fault
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages

_BY_GENERATED_REQUESTS = frozenset({"request.generated-valid", "request.generated-invalid"})

CONTROLS = {"control": Tier.STANDARD, "control-exhaustive": Tier.EXHAUSTIVE, "control-load": Tier.LOAD}
"""The targets without a fault, by the tier in which each is judged."""


@dataclass(frozen=True, slots=True)
class LabTarget:
    """One deployment to judge: the reference without a fault, or with one fault or allowed variation."""

    id: str
    profile: str
    tier: Tier = Tier.STANDARD
    """The tier in which it is judged: larger than standard only if the fault breaks what only that tier tests."""
    fault: Fault | None = field(default=None, hash=False)

    @property
    def waits(self) -> bool:
        """Whether a run has to wait for it."""
        return self.fault is not None and self.fault.waits

    @property
    def focus(self) -> tuple[str, ...] | None:
        """The probes beyond the standard tier that alone are sent to it; None for all of its tier.

        A fault of one keyword within a field cannot change more than what stands in the standard tier, and the
        requests that are about this keyword.
        """
        fault = self.fault
        if fault is None or not fault.generated or self.tier is not Tier.EXHAUSTIVE:
            return None
        if not all(name.startswith("request.") for name in fault.breaks):
            return None
        return tuple(f"{name}/*" for name in self.looked_at)

    @property
    def looked_at(self) -> tuple[str, ...]:
        """The requirements that a fault breaks or changes, but for those that generated requests decide."""
        fault = self.fault
        named = () if fault is None else (*fault.breaks, *fault.effects, *fault.may)
        return tuple(name for name in named if name not in _BY_GENERATED_REQUESTS)

    @property
    def hooks(self) -> Hooks:
        """The hooks of the deployment."""
        hooks = Hooks(reference_stages(contract_of(self.profile)))
        return hooks if self.fault is None else self.fault.hooks_over(hooks)


@cache
def contract_of(profile: str) -> Contract:
    """The contract of a profile, read once in a process."""
    return load_contract(profile)


def targets_of(profile: str, extra: Path | None = None) -> tuple[LabTarget, ...]:
    """The controls first, then every fault and allowed variation of a profile; `extra` is a further file of rows.

    Raises:
        ContractError: the catalogue, or `extra`, cannot be used.
    """
    return _targets_of(profile, extra)


@cache
def _targets_of(profile: str, extra: Path | None) -> tuple[LabTarget, ...]:
    contract = contract_of(profile)
    tiers = {row.id: row.tier for row in contract.requirements}
    controls = (LabTarget(name, profile, tier) for name, tier in CONTROLS.items())
    faults = (
        LabTarget(fault.id, profile, fault.tier or _tier(tiers[name] for name in fault.breaks), fault)
        for fault in every_fault(contract, extra)
    )
    return (*controls, *faults)


def _tier(needed: Iterable[Tier]) -> Tier:
    """The standard tier, or the first of the needed tiers that it does not include."""
    return next((tier for tier in needed if not Tier.STANDARD.includes(tier)), Tier.STANDARD)


def selected(targets: Sequence[LabTarget], globs: Sequence[str]) -> tuple[LabTarget, ...]:
    """The targets whose ids match one of the globs, and the controls of their tiers; all targets if there are no globs.

    The control of the standard tier is always among them.
    """
    if not globs:
        return tuple(targets)
    chosen = [
        target
        for target in targets
        if target.fault is not None and any(fnmatch.fnmatchcase(target.id, glob) for glob in globs)
    ]
    tiers = {Tier.STANDARD, *(target.tier for target in chosen)}
    return (*(target for target in targets if target.fault is None and target.tier in tiers), *chosen)
