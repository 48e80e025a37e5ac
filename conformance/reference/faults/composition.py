"""Faults put together as a user names them: `--fault ID`, or `--fault 'ID@CONDITION'`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import replace

from conformance.contract.model import Contract
from conformance.reference.errors import DeploymentError
from conformance.reference.faults.actions import bent_by
from conformance.reference.faults.conditions import ConditionError, condition
from conformance.reference.faults.fault import Fault
from conformance.reference.faults.selection import every_fault
from conformance.reference.hooks import Seams


def composed(contract: Contract, names: Iterable[str]) -> Seams:
    """A deployment that has all of these faults, or traps; the later ones are bent around the earlier ones.

    Raises:
        DeploymentError: a name is not known in this profile, or a condition cannot be read.
        ContractError: the catalogue is unusable.
    """
    known = {fault.id: fault for fault in every_fault(contract)}
    seams = Seams()
    for name in names:
        seams = bent_by(_conditional(name, known, contract.profile.name).deeds, seams)
    return seams


def _conditional(name: str, known: dict[str, Fault], profile: str) -> Fault:
    fault_id, _, text = name.partition("@")
    fault = known.get(fault_id)
    if fault is None:
        near = difflib.get_close_matches(fault_id, known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise DeploymentError(f"{profile} has no fault {fault_id!r}{hint}")
    if not text:
        return fault
    try:
        condition(text)
    except ConditionError as error:
        raise DeploymentError(f"--fault {name}: {error}.") from error
    both = (f"{deed.when} and {text}" if deed.when else text for deed in fault.deeds)
    return replace(fault, deeds=tuple(replace(deed, when=when) for deed, when in zip(fault.deeds, both, strict=True)))
