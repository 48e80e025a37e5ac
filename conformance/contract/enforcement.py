"""Holds a document against a published schema of specs/ and says where it departs from it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from conformance.contract.documents import Document
from conformance.contract.locations import specs_directory
from conformance.contract.pointers import join, look_up, split

_LONGEST = 200


def enforce(document: Document, schema: str, pointer: str = "", *, definition: str | None = None) -> None:
    """Checks the value at a pointer by a schema of specs/, or by one of its `$defs`.

    Raises:
        ContractError: the value departs from the schema; the message names the row, where it has an id.
    """
    value = look_up(document.data, pointer)
    errors = list(_validator(schema, definition).iter_errors(value))
    if not errors:
        return
    deepest = max(errors, key=lambda error: len(error.instance_path))
    inner = join("", *deepest.instance_path)
    reason = deepest.message if len(deepest.message) <= _LONGEST else f"{deepest.message[:_LONGEST]}…"
    raise document.error(f"{_row(value, inner)}{reason} (see specs/{schema})", pointer + inner)


def _row(value: Any, pointer: str) -> str:
    number = next(iter(split(pointer)), "")
    if not isinstance(value, list) or not number.isdecimal():
        return ""
    row = value[int(number)]
    name = row.get("id") if isinstance(row, dict) else None
    return f"row `{name[:_LONGEST]}`: " if isinstance(name, str) else f"row {int(number) + 1}: "


@cache
def _validator(name: str, definition: str | None) -> Any:
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    schema = json.loads((specs_directory() / name).read_text(encoding="utf-8"))
    if definition is not None:
        schema = {"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}
    return Draft202012Validator(schema, validate_formats=True)
