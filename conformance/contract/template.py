"""Makes the smallest valid request of a contract, in which placeholders stand for the target's own values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.model import Operation
from conformance.contract.samples import judge, sample

PLACEHOLDERS = ("{model}", "{brand_id}", "{requested_by}")

_MESSAGES = [{"role": "user", "content": "Say hello."}]


def request_template(operation: Operation, written: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The smallest valid request of an operation, or None where none can be found.

    It is the one that the contract's author wrote; or else the document's first example that fits the request
    schema, not streamed and for the target's own model; or else made from the schema.
    """
    if written is not None:
        return written if fits(operation, written) else None
    for example in operation.examples:
        if isinstance(example, Mapping):
            candidate = {name: value for name, value in example.items() if name not in ("stream", "stream_options")}
            if "model" in candidate:
                candidate["model"] = "{model}"
            if fits(operation, candidate):
                return candidate
    made = _made(operation)
    return made if fits(operation, made) else None


def fits(operation: Operation, template: Mapping[str, Any]) -> bool:
    """Whether a template is a valid request once its placeholders are filled in."""
    filled = {
        name: _least(operation, name) if isinstance(value, str) and value in PLACEHOLDERS else value
        for name, value in template.items()
    }
    return judge(operation.request_schema)(filled)


def _made(operation: Operation) -> dict[str, Any]:
    schema = operation.request_schema
    made: dict[str, Any] = {}
    if "model" in operation.properties:
        made["model"] = "{model}"
    made["messages"] = _MESSAGES
    for name in schema.get("required", []) if isinstance(schema, Mapping) else []:
        if name not in made:
            placeholder = f"{{{name}}}"
            known = placeholder in PLACEHOLDERS
            made[name] = placeholder if known else _least(operation, name)
    return made


def _least(operation: Operation, name: str) -> Any:
    schema = operation.request_schema
    definitions = schema.get("$defs") if isinstance(schema, Mapping) else None
    return sample(operation.properties.get(name, True), definitions, least=True)
