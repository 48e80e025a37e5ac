"""Which requirements depend on a module of tests, on a module of probes, or on the schemas of a profile."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from conformance.contract import ContractError
from conformance.contract.declaration import read_declaration
from conformance.contract.derive import derived_requirements
from conformance.contract.documents import read_document
from conformance.contract.model import Operation, Requirement, Tier
from conformance.contract.openapi import read_operation
from conformance.lab.gaps import SuiteTest, configured_target, suite_tests
from conformance.lab.targets import contract_of
from conformance.probes.access import access_probes
from conformance.probes.broken_parts import broken_part_probes
from conformance.probes.client_errors import error_probes
from conformance.probes.completions import completion_probes
from conformance.probes.declared import declared_probes
from conformance.probes.drawn import drawn_probes
from conformance.probes.generated import generated_probes
from conformance.probes.keywords import keyword_probes
from conformance.probes.load import load_probes
from conformance.probes.model import Probe
from conformance.probes.request_body import RequestBody
from conformance.probes.robustness import robustness_probes
from conformance.probes.streams import stream_probes

_FAMILIES: Mapping[str, Callable[[RequestBody], Iterable[Probe]]] = {
    "access": access_probes,
    "broken_parts": broken_part_probes,
    "client_errors": error_probes,
    "completions": completion_probes,
    "declared": declared_probes,
    "drawn": drawn_probes,
    "generated": lambda body: generated_probes(body, Tier.EXHAUSTIVE, 1),
    "keywords": keyword_probes,
    "load": load_probes,
    "robustness": robustness_probes,
    "streams": stream_probes,
}
"""The modules whose probes only some requirements look at; all others help to make probes of any kind."""

_SUBSCHEMAS = frozenset({"properties", "items", "prefixItems", "additionalProperties", "anyOf", "oneOf", "allOf"})
"""Keywords whose values are schemas with keywords, and requirements, of their own."""


def judged_in(module: str, profile: str) -> frozenset[str]:
    """The requirements that the tests of a module of the suite judge, such as `test_error.py`."""
    return frozenset(row.id for test, row in _judging_tests(profile) if Path(test.where.file).name == module)


def probed_by(module: str, profile: str) -> frozenset[str] | None:
    """The requirements whose tests look at probes of a module of `probes/`; None where these may be all."""
    if module not in _FAMILIES:
        return None
    contract = contract_of(profile)
    probes = _FAMILIES[module](RequestBody(contract, configured_target(contract)))
    names = {name for probe in probes for name in (probe.name, *(part.name for part in probe.instead))}
    return frozenset(
        row.id
        for test, row in _judging_tests(profile)
        if any(fnmatch.filter(names, pattern.replace("{id}", row.id)) for pattern in test.patterns)
    )


@cache
def _judging_tests(profile: str) -> tuple[tuple[SuiteTest, Requirement], ...]:
    """The tests that judge a requirement of a profile, and which."""
    tests = suite_tests(contract_of(profile), profile)
    return tuple((test, test.judges) for test in tests if test.judges is not None)


def changed_keywords(profile: str, before: str | None) -> frozenset[str] | None:
    """The requirements that differ from those of an earlier text of the profile's document.

    None where more than the keywords of its schemas differs, so that everything may depend on the change.
    """
    contract = contract_of(profile)
    try:
        document, operation, derived = _read(profile, before or "")
    except ContractError:
        return None
    old = {row.id: row for row in derived}
    new = {row.id: row for row in contract.requirements if row.keyword is not None}
    differing = frozenset(name for name in old.keys() | new.keys() if _differs(old.get(name), new.get(name)))
    rows = [row for row in (*derived, *new.values()) if row.id in differing]
    if any(_changes_every_request(row) for row in rows) or _frame(operation) != _frame(contract.operation):
        return None
    return differing if _around_schemas(document) == _around_schemas(contract.document) else None


def _read(profile: str, text: str) -> tuple[Any, Operation, tuple[Requirement, ...]]:
    with TemporaryDirectory(prefix="chat-conformance-before-") as folder:
        path = Path(folder) / profile / "openapi.yaml"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        document = read_document(path)
        declaration = read_declaration(document, shipped=True)
        operation = read_operation(document, declaration.provenance)
        return document.data, operation, derived_requirements(operation, declaration.provenance)


def _differs(old: Requirement | None, new: Requirement | None) -> bool:
    """Whether a derived requirement is new, gone or different, apart from the keywords of schemas within its own."""
    return (old and _alone(old)) != (new and _alone(new))


def _alone(row: Requirement) -> Requirement:
    assert row.keyword is not None
    schema = row.keyword.schema
    if isinstance(schema, Mapping):
        schema = {name: _names_of(value) if name in _SUBSCHEMAS else value for name, value in schema.items()}
    value = _names_of(row.keyword.value) if row.keyword.name in _SUBSCHEMAS else row.keyword.value
    return replace(row, digest="", keyword=replace(row.keyword, schema=schema, value=value))


def _names_of(subschemas: Any) -> Any:
    """What stands for subschemas in a comparison: their names, or how many there are."""
    if isinstance(subschemas, Mapping):
        return sorted(subschemas)
    return len(subschemas) if isinstance(subschemas, list | tuple) else subschemas


def _changes_every_request(row: Requirement) -> bool:
    """Whether the smallest valid request, which every probe starts from, may depend on a keyword."""
    assert row.keyword is not None
    return row.keyword.name == "required" and row.keyword.location == "request"


def _frame(operation: Operation) -> tuple[Any, ...]:
    """What an operation is apart from its schemas."""
    responses = [(response.status, response.media_types) for response in operation.responses]
    return operation.method, operation.path, operation.credential, operation.examples, responses


def _around_schemas(document: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a document that are neither schemas nor descriptions."""
    return {name: value for name, value in document.items() if name not in {"components", "info", "paths", "tags"}}
