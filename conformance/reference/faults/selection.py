"""Every fault and trap of a profile: the rows of the catalogue, and those that its schemas make."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.documents import Document, read_document
from conformance.contract.enforcement import enforce
from conformance.contract.model import Contract
from conformance.contract.pointers import join
from conformance.reference.faults.actions import Deed
from conformance.reference.faults.answer_keywords import answer_keyword_faults
from conformance.reference.faults.catalogue import FaultRow, faults_in, read_fault_rows, shipped_fault_rows
from conformance.reference.faults.fault import Fault, effects_among, matching
from conformance.reference.faults.keyword_faults import keyword_faults

_GENERATED = Path(__file__).parent / "generated.yaml"
SCHEMA = "faults.schema.json"
_REQUESTS = 5
"""The family of the faults of request validation."""


def every_fault(contract: Contract, extra: Path | None = None) -> tuple[Fault, ...]:
    """The faults and traps that a profile can show, each once; `extra` is a further file of rows.

    Raises:
        ContractError: a file of the catalogue, or `extra`, is unusable.
    """
    rows: tuple[FaultRow, ...] = shipped_fault_rows()
    if extra is not None:
        rows += read_fault_rows(extra)
    return (*faults_in(contract, rows), *generated_faults(contract))


def generated_faults(contract: Contract) -> Iterator[Fault]:
    """One fault for each keyword of the answers' schemas, and those of the request's, but what nobody can see."""
    entries = generated_entries()
    for fault in (*_request_faults(contract), *answer_keyword_faults(contract)):
        entry = _entry(entries, fault.id, contract.profile.name)
        if "unseen" not in entry:
            yield _with_effects(fault, entry, contract)


def unseen_faults(contract: Contract) -> Mapping[str, str]:
    """The generated faults that no caller can see, and why."""
    entries = generated_entries()
    made = (*_request_faults(contract), *answer_keyword_faults(contract))
    told = {fault.id: _entry(entries, fault.id, contract.profile.name) for fault in made}
    return {name: entry["unseen"] for name, entry in told.items() if "unseen" in entry}


def _request_faults(contract: Contract) -> Iterator[Fault]:
    profile = contract.profile.name
    for one in keyword_faults(contract):
        row = contract.requirement(one.requirement)
        kind = one.id.partition(":")[0]
        yield Fault(
            id=one.id,
            about=f"It {kind} this: {row.statement if row is not None else one.requirement}",
            family=_REQUESTS,
            seen=(),
            deeds=(Deed("keyword.fault", {"fault": one.id, "profile": profile}),),
            breaks=(one.requirement,),
            generated=True,
        )


@cache
def generated_document() -> Document:
    """The file that says what is known of the faults that are made from schemas.

    Raises:
        ContractError: it departs from its schema.
    """
    document = read_document(_GENERATED)
    enforce(document, SCHEMA, definition="generated")
    return document


def generated_entries() -> tuple[Mapping[str, Any], ...]:
    """What generated.yaml says of the faults that are made from schemas.

    Raises:
        ContractError: it departs from its schema, or an id stands twice.
    """
    document = generated_document()
    seen: dict[str, int] = {}
    for number, entry in enumerate(document.data):
        if seen.setdefault(entry["id"], number) != number:
            raise document.error(f"`{entry['id']}` stands twice; keep one", join("", number, "id"))
    return tuple(document.data)


def _entry(entries: tuple[Mapping[str, Any], ...], fault: str, profile: str) -> Mapping[str, Any]:
    """What is said of one fault in one profile: the first entry whose id or glob matches it, with its override."""
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
