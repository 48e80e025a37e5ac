"""Loads a contract: a shipped profile by its name, or a user's own OpenAPI document by its path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.contract.catalogue import (
    ANY_PROFILE,
    TENANTS,
    read_rows,
    shipped_requirements,
    shipped_rows,
    with_own_rows,
)
from conformance.contract.contradictions import contradictions
from conformance.contract.declaration import Declaration, read_declaration
from conformance.contract.derive import TooManyRequirementsError, derived_requirements
from conformance.contract.dialect import dialect_of, known_parameters, own_parameters
from conformance.contract.documents import ContractError, Document, read_document
from conformance.contract.effort import TooMuchEffortError, bounded_effort
from conformance.contract.media_types import is_event_stream
from conformance.contract.model import Contract, Operation, Parameter, Profile, Requirement, Section
from conformance.contract.openapi import read_operation
from conformance.contract.priorities import with_tiers
from conformance.contract.template import request_template
from conformance.shipped import profile_path, shipped_profiles

OPERATION_MARK = "#"
"""What stands between the path of a document and the operation in it that is to be judged."""
_ONLY_STREAMS = "The contract describes no answer that is not streamed."
_NO_STREAM = "The contract describes no event stream and no way to ask for one."


def load_contract(profile: str) -> Contract:
    """The contract of a shipped profile, or of the OpenAPI document (3.0 to 3.2) at a path.

    A user's own document is judged by what its schemas say and by the rows of the catalogue that apply to every
    contract. Its `x-conformance` object may name the profile and its sources, give the smallest valid request, and
    add rows of its own.

    Behind `#` may stand the operation to judge, where the document has several: its operationId, its path, or its
    method and path.

    Raises:
        ContractError: there is no such profile or file, or it cannot be used; the message says what to do.
    """
    if profile in shipped_profiles():
        named, path, shipped, chosen = f"{profile}.openapi.yaml", profile_path(profile), True, None
    else:
        named, chosen = _parted(profile)
        path, shipped = _own_path(named), False
    document = read_document(path)
    declaration = read_declaration(document, shipped=shipped)
    operation = read_operation(document, declaration.provenance, chosen or declaration.operation)
    possible = dialect_of(profile, operation).parameters if shipped else known_parameters()
    template = _template(document, declaration, operation, possible)
    parameters = possible if shipped else own_parameters(operation, template)
    conditions = {TENANTS} if any(parameter.second for parameter in parameters) else set()
    try:
        rows = list(_rows(declaration, operation, conditions, shipped=shipped))
    except TooManyRequirementsError as error:
        raise document.error(str(error)) from error
    assert isinstance(document.data, Mapping)
    return Contract(
        profile=Profile(
            name=declaration.profile,
            version=declaration.version,
            sha256=document.sha256,
            title=declaration.title,
            path=named,
            operation=chosen,
            standards=declaration.provenance.standards,
        ),
        operation=operation,
        requirements=tuple(row for row in rows if row.excluded is None),
        document=document.data,
        excluded=tuple(row for row in rows if row.excluded is not None),
        template=template,
        parameters=parameters,
        sources=declaration.provenance.documents,
    )


def argument_of(contract: Contract) -> str:
    """What `load_contract` takes for a contract: a shipped profile's name, or the path of a user's own document."""
    profile = contract.profile
    return with_operation(profile.path, profile.operation) if contract.is_own else profile.name


def with_operation(profile: str, operation: str | None) -> str:
    """What `load_contract` takes for a document of which one operation is to be judged."""
    return profile if operation is None else f"{profile}{OPERATION_MARK}{operation}"


def _parted(profile: str) -> tuple[str, str | None]:
    """The path of a document, and the operation that is chosen in it, if one is."""
    path, mark, operation = profile.partition(OPERATION_MARK)
    if not mark or not operation or Path(profile).exists():
        return profile, None
    return path, operation


def _own_path(profile: str) -> Path:
    path = Path(profile)
    try:
        if path.exists() and not path.is_dir():
            return path
        looks_like_path = len(path.parts) > 1 or path.suffix in (".yaml", ".yml", ".json") or path.is_dir()
    except (OSError, ValueError):
        looks_like_path = False
    names = ", ".join(shipped_profiles())
    if looks_like_path:
        what = "this is a directory" if path.is_dir() else "there is no such file"
        raise ContractError(f"{what}; give the path of an OpenAPI document, or one of {names}", path=path)
    shown = profile if len(profile) <= 80 and profile.isprintable() else f"{profile[:80]!a}…"
    raise ContractError(f"unknown profile `{shown}`; use {names}, or the path of an OpenAPI document")


def _rows(
    declaration: Declaration, operation: Operation, conditions: Collection[str], *, shipped: bool
) -> Iterator[Requirement]:
    """Every requirement with its exclusions, section by section: the catalogue's rows, then the keywords."""
    provenance = declaration.provenance
    name = declaration.profile if shipped else ANY_PROFILE
    rows: Iterable[Requirement] = shipped_requirements(shipped_rows(), name, provenance, conditions=conditions)
    if not _describes_stream(operation):
        rows = (_left_out(row, Section.STREAM, _NO_STREAM) for row in rows)
    if operation.only_streams:
        rows = (_left_out(row, Section.COMPLETION, _ONLY_STREAMS) for row in rows)
    derived = derived_requirements(operation, provenance)
    together = [*rows, *(derived if shipped else with_tiers(derived))]
    _check_unique(together)
    if declaration.rows is not None:
        together = list(with_own_rows(together, read_rows(declaration.rows), provenance))
    order = list(Section)
    yield from sorted(together, key=lambda row: (order.index(row.section), row.keyword is not None))


def _check_unique(rows: Iterable[Requirement]) -> None:
    seen: set[str] = set()
    for row in rows:
        if row.id in seen:
            raise ContractError(f"the row `{row.id}` has the id of a requirement that a schema makes; rename the row")
        seen.add(row.id)


def _describes_stream(operation: Operation) -> bool:
    media_types = (media_type for response in operation.responses for media_type in response.media_types)
    return any(map(is_event_stream, media_types)) or "stream" in operation.properties


def _left_out(row: Requirement, section: Section, why: str) -> Requirement:
    """A row that cannot be judged where it is of this section."""
    return replace(row, excluded=why) if row.section is section and row.excluded is None else row


def _template(
    document: Document, declaration: Declaration, operation: Operation, parameters: Iterable[Parameter]
) -> Mapping[str, Any]:
    try:
        with bounded_effort():
            template = request_template(operation, declaration.request, parameters)
    except TooMuchEffortError as error:
        message = "the request schema is too large, or branches too much, to make a request of it; simplify it"
        raise document.error(message) from error
    if template is not None:
        return template
    if declaration.request is not None:
        message = "x-conformance.request does not fit the request schema; correct it"
        raise document.error(message, "/x-conformance/request")
    found = next(contradictions(operation.request_schema), None)
    if found is not None:
        raise document.error(
            f"nothing fits the request schema: {found.sentence}; correct one of them", found.pointer or ""
        )
    message = "no valid request can be made from the schema; write the smallest one as x-conformance.request"
    raise document.error(message)
