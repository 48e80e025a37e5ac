"""Checks that a resolved schema is one that instances can be judged by."""

from __future__ import annotations

from typing import Any, cast

from conformance.contract.documents import Document
from conformance.contract.model import Schema
from conformance.contract.references import SchemaResolver


def check_sound(schema: Schema, document: Document, resolver: SchemaResolver) -> None:
    """Builds a judge of the schema, which reads every part of it.

    Raises:
        ContractError: a part of it is no JSON Schema of 2020-12, such as a pattern that is no regular expression.
    """
    from jsonschema_rs import Draft202012Validator, ValidationError  # noqa: PLC0415 - takes 50 ms

    try:
        Draft202012Validator(cast(dict[str, Any], schema), validate_formats=True, retriever=_nothing_from_outside)
    except ValidationError as error:
        pointer = resolver.origin(schema, tuple(str(token) for token in error.instance_path))
        raise document.error(f"the schema cannot be used: {error.message[:200]}", pointer) from error
    except ValueError as error:
        raise document.error(f"the schema cannot be used: {str(error)[:200]}") from error


def _nothing_from_outside(uri: str) -> Any:
    raise ValueError(f"`{uri}` is not in the document")
