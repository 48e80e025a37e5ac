"""Makes the smallest valid request of a contract, in which placeholders stand for the target's own values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.contract.model import Operation, Schema
from conformance.contract.pointers import look_up

PLACEHOLDERS = ("{model}", "{brand_id}", "{requested_by}")

_MESSAGES = [{"role": "user", "content": "Say hello."}]
_DEEPEST = 20
_OF_FORMAT = {
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "date-time": "2026-01-01T00:00:00Z",
    "date": "2026-01-01",
    "email": "someone@example.com",
    "uri": "https://example.com/",
}


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
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    filled = {
        name: sample(operation.properties.get(name, True), operation.request_schema)
        if isinstance(value, str) and value in PLACEHOLDERS
        else value
        for name, value in template.items()
    }
    schema: Any = operation.request_schema
    try:
        return bool(Draft202012Validator(schema, validate_formats=True).is_valid(filled))
    except ValueError:  # Text that no JSON text can hold, such as half of a surrogate pair.
        return False


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
            made[name] = placeholder if known else sample(operation.properties.get(name, True), schema)
    return made


def sample(schema: Schema, root: Schema, depth: int = 0) -> Any:
    """A small value that fits a schema, as far as its plain keywords say."""
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return "a"
    if "$ref" in schema:
        return sample(look_up(root, schema["$ref"][1:]), root, depth + 1)
    known = _written_samples(schema)
    if known:
        return known[0]
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in schema and "type" not in schema:
            return sample(schema[keyword][0], root, depth + 1)
    return _of_type(schema, root, depth)


def _written_samples(schema: Mapping[str, Any]) -> list[Any]:
    """The values that a schema itself gives, the most binding first."""
    single = [schema[keyword] for keyword in ("const", "default") if keyword in schema]
    several = [schema[keyword] for keyword in ("enum", "examples") if isinstance(schema.get(keyword), list)]
    return [*single, *(value for values in several for value in values)]


def _of_type(schema: Mapping[str, Any], root: Schema, depth: int) -> Any:
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = kinds if isinstance(kinds, str) else next((one for one in kinds if one != "null"), "null")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: sample(properties.get(name, True), root, depth + 1) for name in schema.get("required", [])}
    if kind == "array":
        return [sample(schema.get("items", True), root, depth + 1) for _ in range(min(schema.get("minItems", 0), 100))]
    if kind == "string":
        return _OF_FORMAT.get(schema.get("format", ""), "a" * min(max(1, schema.get("minLength", 1)), 10_000))
    if kind in ("integer", "number"):
        return _number(schema)
    return {"boolean": False, "null": None}[kind]


def _number(schema: Mapping[str, Any]) -> int | float:
    lowest: int | float = schema.get("minimum", 1)
    if "exclusiveMinimum" in schema:
        lowest = max(lowest, schema["exclusiveMinimum"] + 1)
    number = min(max(1, lowest), schema.get("maximum", max(1, lowest)))
    if "exclusiveMaximum" in schema and number >= schema["exclusiveMaximum"]:
        number = schema["exclusiveMaximum"] - 1
    multiple: int | float = schema.get("multipleOf", number)
    return multiple
