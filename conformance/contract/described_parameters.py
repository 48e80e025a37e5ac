"""The parameters that a user's own document describes, beside those that a shipped dialect knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from conformance.contract.model import Operation, Parameter, Place, Schema
from conformance.contract.samples import sample
from conformance.strict_json import JsonError, load

VARIABLES = "CONFORMANCE_PARAM_"
"""What the environment variable of such a parameter begins with; its name follows in upper case."""
KEYS = "param_"
_GIVEN = ("const", "default")


def described_parameters(operation: Operation) -> Iterator[Parameter]:
    """Each parameter of the path, and each that a request must have in its query, header or cookies.

    What the document gives as an example is sent where the operator gives nothing else, except in a path: which
    resource that names, only the operator knows.
    """
    named: set[str] = set()
    for place, name, schema in _described(operation):
        if name in named:
            continue
        named.add(name)
        default = usual_text(schema, examples=place is not Place.PATH)
        slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "unnamed"
        yield Parameter(
            name=name,
            place=place,
            noun=f"{place} parameter `{name}`",
            key=KEYS + slug,
            variable=VARIABLES + slug.upper(),
            default=default,
            demo=default or _sample(schema),
        )


def usual_text(schema: Schema, *, examples: bool = True) -> str | None:
    """The text that a parameter has where nobody gives another: a schema's constant, default, example or first value.

    None where the schema gives none.
    """
    if not isinstance(schema, Mapping):
        return None
    given: list[Any] = [schema[name] for name in _GIVEN if name in schema]
    if examples:
        given += [*(schema.get("examples") or ()), *(schema.get("enum") or ())]
    elif len(schema.get("enum", ())) == 1:
        given += schema["enum"]
    return next((as_text(one) for one in given if is_plain(one)), None)


def is_plain(value: Any) -> bool:
    """Whether a value can be sent as the text of a parameter."""
    return isinstance(value, str | int | float) and value != ""


def as_text(value: Any) -> str:
    """A plain value as the text of a parameter."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def readings_of(text: str) -> Iterator[Any]:
    """What the text of a parameter may mean: itself, or the number, true, false or null that it writes."""
    yield text
    with suppress(JsonError):
        yield load(text.encode())


def _described(operation: Operation) -> Iterator[tuple[Place, str, Schema]]:
    for name, schema in operation.path_parameters.items():
        yield Place.PATH, name, schema
    for place, whole in operation.beside.items():
        for name, schema in whole["properties"].items():
            yield place, name, schema


def _sample(schema: Schema) -> str:
    made = sample(schema, least=True)
    return as_text(made) if is_plain(made) else "a"
