"""Makes the smallest valid request of a contract, in which placeholders stand for the target's own values."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from conformance.contract.model import Operation, Parameter
from conformance.contract.openapi import is_chat_completions
from conformance.contract.samples import sample
from conformance.contract.validators import definitions_of, validator_for

_MODEL = "{model}"
_MESSAGES = [{"role": "user", "content": "Say hello."}]


def request_template(
    operation: Operation, written: Mapping[str, Any] | None, parameters: Iterable[Parameter]
) -> Mapping[str, Any] | None:
    """The smallest valid request of an operation, or None where none can be found.

    It is the one that the contract's author wrote; or else the document's first example that fits the request
    schema, not streamed and for the target's own model; or else made from the schema. The placeholders of
    `parameters` may stand in it.
    """
    placeholders = {_MODEL, *(parameter.placeholder for parameter in parameters if parameter.in_body)}
    if written is not None:
        return written if fits(operation, written, placeholders) else None
    for example in operation.examples:
        if isinstance(example, Mapping):
            candidate = {name: value for name, value in example.items() if name not in ("stream", "stream_options")}
            if "model" in candidate:
                candidate["model"] = _MODEL
            if operation.only_streams and "stream" in example:
                candidate["stream"] = True
            if fits(operation, candidate, placeholders):
                return candidate
    made = _made(operation, placeholders)
    least = {name: value for name, value in made.items() if name in operation.required}
    return next((one for one in (made, least) if fits(operation, one, placeholders)), None)


def fits(operation: Operation, template: Mapping[str, Any], placeholders: Collection[str]) -> bool:
    """Whether a template is a valid request once its placeholders are filled in."""
    filled = {
        name: _least(operation, name) if isinstance(value, str) and value in placeholders else value
        for name, value in template.items()
    }
    return validator_for(operation.request_schema)(filled)


def _made(operation: Operation, placeholders: Collection[str]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "model" in operation.properties:
        made["model"] = _MODEL
    if "messages" in operation.properties or is_chat_completions(operation.path):
        made["messages"] = _MESSAGES
    for name in operation.required:
        if name not in made:
            placeholder = f"{{{name}}}"
            known = placeholder in placeholders
            made[name] = placeholder if known else _least(operation, name)
    return made


def _least(operation: Operation, name: str) -> Any:
    return sample(operation.properties.get(name, True), definitions_of(operation.request_schema), least=True)
