"""Contracts to plan for, a target with recognisable keys, and which keywords of a schema a body breaks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from conformance.contract import Contract, Requirement, load_contract
from conformance.targets import Target

PROFILES = ("openai", "kodexa", "loop-health")
OWN = "own"
API_KEY = "key-of-the-first-tenant-4f81"
OTHER_API_KEY = "key-of-the-second-tenant-9c27"
ALL_BUT_GENERATED = ("[!g]*",)
"""Drawing requests takes seconds; what is drawn has tests of its own."""

TARGET = Target(
    base_url="http://127.0.0.1:9",
    api_key=API_KEY,
    model="gpt-4o",
    parameters={"orgId": "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"},
    other_api_key=OTHER_API_KEY,
    other_parameters={"orgId": "b3a9d9c4-52a1-4f0e-9b5d-7c1f0f6e4d22"},
)

MESSAGES = {
    "type": "array",
    "minItems": 1,
    "maxItems": 4,
    "items": {
        "type": "object",
        "required": ["role", "content"],
        "properties": {
            "role": {"type": "string", "enum": ["system", "user", "assistant"]},
            "content": {
                "oneOf": [
                    {"title": "text", "type": "string", "minLength": 1, "maxLength": 20000},
                    {"title": "lines", "type": "array", "minItems": 1, "items": {"type": "string"}},
                ]
            },
        },
    },
}
OWN_REQUEST = {
    "type": "object",
    "required": ["messages", "trace"],
    "properties": {
        "messages": MESSAGES,
        "trace": {"type": "string", "format": "uuid"},
        "max_tokens": {"type": ["null", "integer"], "minimum": 1, "maximum": 4096},
        "stream": {"type": "boolean"},
        "temperature": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1.5},
        "even": {"type": "integer", "minimum": 2, "maximum": 10, "multipleOf": 2},
        "size": {"enum": [1, 2, 4]},
        "mode": {"const": 3},
        "fast": {"const": True},
        "code": {"type": "string", "pattern": "^[0-9]+$", "minLength": 2, "maxLength": 4},
        "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 3}},
        "essay": {"type": "string", "maxLength": 2_000_000_000},
        "options": {
            "type": "object",
            "required": ["depth"],
            "properties": {"depth": {"type": "integer", "minimum": 1}, "since": {"type": "string", "format": "date"}},
        },
    },
}


def write_own_document(directory: Path, request: Any = OWN_REQUEST) -> Path:
    """A user's own small OpenAPI 3.1 document with this request schema."""
    completion = {"type": "object", "required": ["choices"], "properties": {"choices": {"type": "array"}}}
    operation = {
        "operationId": "chat",
        "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
        "responses": {"200": {"description": "A completion.", "content": {"application/json": {"schema": completion}}}},
    }
    document = {
        "openapi": "3.1.0",
        "info": {"title": "A chat of our own", "version": "1"},
        "paths": {"/chat/completions": {"post": operation}},
    }
    path = directory / "own.openapi.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


def planned_contract(name: str, directory: Path) -> Contract:
    """A shipped contract, or `OWN`: the one of a user's own document, which is written into the directory."""
    return load_contract(str(write_own_document(directory)) if name == OWN else name)


def request_requirements(contract: Contract) -> list[Requirement]:
    """The requirements that follow from the schemas of the request body and of the path's parameters."""
    return [
        row
        for row in contract.requirements
        if row.keyword is not None and (row.keyword.location == "request" or row.keyword.location.startswith("path."))
    ]


def broken_keywords(schema: Any, instance: Any) -> set[str]:
    """The pointers of the keywords that a value breaks.

    A choice (`anyOf`, `oneOf`) is broken itself where no branch, or more than one, takes values of this type; where
    one does, what is broken stands inside this branch.
    """
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return set(_pointers(validator.iter_errors(instance)))


def _pointers(errors: Iterable[ValidationError]) -> Iterator[str]:
    for error in errors:
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context or ():
            branches.setdefault(inner.relative_schema_path[0], []).append(inner)
        meant = [found for found in branches.values() if not any(_is_of_another_kind(inner) for inner in found)]
        if len(meant) == 1 and error.validator in ("anyOf", "oneOf"):
            yield from _pointers(meant[0])
        else:
            steps = list(error.absolute_schema_path)
            # What is wrong with a name is wrong with `propertyNames`, whatever it says of names.
            steps = steps[: steps.index("propertyNames") + 1] if "propertyNames" in steps else steps
            yield "".join(f"/{step}" for step in steps)


def _is_of_another_kind(inner: ValidationError) -> bool:
    """Whether a branch does not speak of a value: by its type, or by the `type` that the value itself names."""
    of_itself = inner.validator == "type" and not inner.relative_path
    return of_itself or (inner.validator == "const" and list(inner.relative_path) == ["type"])
