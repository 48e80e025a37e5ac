"""Every fault and allowed variation of a profile, from the catalogue and from its schemas, and those a user names."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.documents import Document, enforce, read_document
from conformance.contract.model import Contract
from conformance.contract.pointers import join
from conformance.contract.profile import argument_of
from conformance.reference.errors import DeploymentError
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.answer_keywords import answer_keyword_faults
from conformance.reference.faults.catalogue import SCHEMA, FaultRow, faults_in, read_fault_rows, shipped_fault_rows
from conformance.reference.faults.conditions import ConditionError, condition
from conformance.reference.faults.fault import Fault, effects_among, matching
from conformance.reference.faults.keyword_faults import keyword_faults
from conformance.reference.faults.own_faults import visible_answer_faults, visible_request_faults
from conformance.reference.faults.registry import hooks_with
from conformance.reference.hooks import Hooks
from conformance.reference.own_contract import reference_stages

_GENERATED = Path(__file__).parent / "generated.yaml"
_REQUESTS = 5
"""The family of the faults of request validation."""


def every_fault(contract: Contract, extra: Path | None = None) -> tuple[Fault, ...]:
    """The faults and allowed variations that a profile can show, each once; `extra` is a further file of rows.

    A user's own contract has those of its keywords, and of `extra`.

    Raises:
        ContractError: a file of the catalogue, or `extra`, cannot be used.
    """
    if contract.is_own:
        own_rows = () if extra is None else faults_in(contract, read_fault_rows(extra))
        requests = visible_request_faults(contract, _request_faults(contract))
        return (*own_rows, *requests, *visible_answer_faults(contract))
    rows: tuple[FaultRow, ...] = shipped_fault_rows()
    if extra is not None:
        rows += read_fault_rows(extra)
    return (*faults_in(contract, rows), *generated_faults(contract))


def composed(contract: Contract, names: Iterable[str]) -> Hooks:
    """The hooks of a deployment with the faults that a user names: `ID`, or `ID@CONDITION`.

    Later ones are applied to the result of earlier ones.

    Raises:
        DeploymentError: this profile has no such fault, or a condition cannot be read.
        ContractError: a file of the catalogue cannot be used.
    """
    known = {fault.id: fault for fault in every_fault(contract)}
    hooks = Hooks(reference_stages(contract))
    for name in names:
        hooks = hooks_with(_named(name, known, contract.profile.name).actions, hooks)
    return hooks


def _named(name: str, known: Mapping[str, Fault], profile: str) -> Fault:
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
    return replace(fault, actions=tuple(_only_when(action, text) for action in fault.actions))


def _only_when(action: FaultAction, text: str) -> FaultAction:
    return replace(action, when=f"{action.when} and {text}" if action.when else text)


def generated_faults(contract: Contract) -> Iterator[Fault]:
    """One fault for each keyword of the answers' schemas, and those of the request's, except those nobody can see."""
    entries = generated_entries()
    for fault in (*_request_faults(contract), *answer_keyword_faults(contract)):
        entry = _entry(entries, fault.id, contract.profile.name)
        if "unseen" not in entry:
            yield _with_effects(fault, entry, contract)


def unseen_faults(contract: Contract) -> Mapping[str, str]:
    """The generated faults that no caller can see, and why."""
    entries = generated_entries()
    made = (*_request_faults(contract), *answer_keyword_faults(contract))
    by_id = {fault.id: _entry(entries, fault.id, contract.profile.name) for fault in made}
    return {name: entry["unseen"] for name, entry in by_id.items() if "unseen" in entry}


def _request_faults(contract: Contract) -> Iterator[Fault]:
    profile = argument_of(contract)
    for one in keyword_faults(contract):
        row = contract.requirement(one.requirement)
        kind = one.id.partition(":")[0]
        yield Fault(
            id=one.id,
            about=f"It {kind} this: {row.statement if row is not None else one.requirement}",
            family=_REQUESTS,
            seen=(),
            actions=(FaultAction("keyword.fault", {"fault": one.id, "profile": profile}),),
            breaks=(one.requirement,),
            generated=True,
        )


@cache
def generated_document() -> Document:
    """The file with what is known about the faults that are made from schemas.

    Raises:
        ContractError: it does not match its schema.
    """
    document = read_document(_GENERATED)
    enforce(document, SCHEMA, definition="generated")
    return document


def generated_entries() -> tuple[Mapping[str, Any], ...]:
    """What generated.yaml says about the faults that are made from schemas.

    Raises:
        ContractError: it does not match its schema, or two entries have the same id.
    """
    document = generated_document()
    seen: dict[str, int] = {}
    for number, entry in enumerate(document.data):
        if seen.setdefault(entry["id"], number) != number:
            raise document.error(f"two entries have the id `{entry['id']}`; keep one", join("", number, "id"))
    return tuple(document.data)


def _entry(entries: tuple[Mapping[str, Any], ...], fault: str, profile: str) -> Mapping[str, Any]:
    """What is known about one fault in one profile: the first entry whose id or glob matches it, with its override."""
    for entry in entries:
        if fnmatch.fnmatchcase(fault, entry["id"]) and profile in entry.get("profiles", {profile: None}):
            profiles = entry.get("profiles")
            override = profiles.get(profile) if isinstance(profiles, Mapping) else None
            return {**entry, **(override or {})}
    return {}


def _with_effects(fault: Fault, entry: Mapping[str, Any], contract: Contract) -> Fault:
    entries = (*entry.get("effects", ()), *entry.get("also", ()))
    dropped = {*fault.breaks, *matching(contract, entry.get("not", ()))}
    return replace(
        fault,
        effects=effects_among(contract, entries, dropped),
        may=frozenset(matching(contract, entry.get("may", ()))) - set(fault.breaks),
        waits=entry.get("waits", False),
    )
