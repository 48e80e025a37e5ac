"""Validates a request against the contract's own request schema, and names the parameter that is at fault."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, relevance

from conformance.contract.described_parameters import readings_of
from conformance.contract.model import Place, Schema
from conformance.contract.validators import validator_for
from conformance.reference.errors import Refusal

_FORMATS = Draft202012Validator.FORMAT_CHECKER


class RequestRules:
    """The validators of one operation's request."""

    def __init__(
        self,
        body: Schema,
        path_parameters: Mapping[str, Schema],
        beside: Mapping[Place, Mapping[str, Any]] | None = None,
    ) -> None:
        self._schema = body
        self._body = _validator(body)
        self._beside = {place: _ParameterRules(schema) for place, schema in (beside or {}).items()}
        self._path = {name: _validator(schema) for name, schema in path_parameters.items()}

    def check_body(self, body: Any) -> None:
        """Raises `Refusal` (400) with the parameter's name if the body does not match the contract."""
        try:
            error = _nearest(self._body.iter_errors(body))
        except re.error:  # a pattern of ECMA-262 that Python does not know, as a user's own document may have
            if not validator_for(self._schema)(body):
                raise Refusal(400, "invalid_value", f"The request body {_fallback(None)}.") from None
            return
        if error is not None:
            raise _of_two_fields(error, self._schema) or _refusal(error)

    def check_path(self, parameters: Mapping[str, str]) -> None:
        """Raises `Refusal` (400) if a parameter of the path has the wrong form."""
        for name, validator in self._path.items():
            if not validator.is_valid(parameters.get(name)):
                raise Refusal(400, "invalid_value", f"'{name}' in the path does not have the right form.", param=name)

    def check_beside(self, place: Place, parameters: Mapping[str, str]) -> None:
        """Raises `Refusal` (400) if a parameter of the query, the header or the cookies is missing or is wrong."""
        if place in self._beside:
            self._beside[place].check(place, parameters)


class _ParameterRules:
    """What the texts in one place of a request must be."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Schema] = schema["properties"]
        self._accepts = {name: validator_for(one) for name, one in self._schemas.items()}

    def check(self, place: Place, parameters: Mapping[str, str]) -> None:
        given = {name.lower(): value for name, value in parameters.items()} if place is Place.HEADER else parameters
        for name, accepts in self._accepts.items():
            text = given.get(name.lower() if place is Place.HEADER else name)
            if text is None:
                message = f"The {place} parameter '{name}' is required."
                raise Refusal(400, "missing_required_parameter", message, param=name)
            if not any(map(accepts, readings_of(text))):
                message = f"The {place} parameter '{name}' does not have the right form."
                raise Refusal(400, "invalid_value", message, param=name)


def _validator(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator(schema if isinstance(schema, bool) else dict(schema), format_checker=_FORMATS)


def _nearest(errors: Iterable[ValidationError]) -> ValidationError | None:
    """What is wrong at the place that a client most likely means: within the branch of a choice that it named."""
    error = max(errors, key=_importance, default=None)
    while error is not None and error.validator in ("anyOf", "oneOf"):
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context or ():
            branches.setdefault(inner.relative_schema_path[0], []).append(inner)
        meant = [found for found in branches.values() if not any(map(_is_of_another_kind, found))]
        if len(meant) != 1:
            break
        error = max(meant[0], key=relevance)
    return error


def _importance(error: ValidationError) -> Any:
    """What is wrong with a value itself comes before what it needs beside it."""
    return list(error.absolute_schema_path)[:1] != ["allOf"], relevance(error)


def _is_of_another_kind(inner: ValidationError) -> bool:
    """Whether a branch does not speak of a value: by its type, or by the `type` that the value itself names."""
    of_itself = inner.validator == "type" and not inner.relative_path
    return of_itself or (inner.validator == "const" and list(inner.relative_path) == ["type"])


def _of_two_fields(error: ValidationError, schema: Schema) -> Refusal | None:
    """The refusal of a field for what it needs beside it, where a part of `allOf` has the field's name as its title."""
    steps = list(error.absolute_schema_path)
    if not isinstance(schema, Mapping) or steps[:1] != ["allOf"] or "then" not in steps:
        return None
    part = schema["allOf"][steps[1]]
    field = part.get("title")
    if field not in schema.get("properties", {}):
        return None
    other = _missing(error) if error.validator == "required" else str(next(iter(error.absolute_path), ""))
    needed = part["then"].get("properties", {}).get(other, {}).get("const")
    condition = f"together with '{other}'" if needed is None else f"when '{other}' is {json.dumps(needed)}"
    return Refusal(400, "invalid_value", f"'{field}' is allowed only {condition}.", param=field)


def _refusal(error: ValidationError) -> Refusal:
    param = _parameter(error.absolute_path)
    keyword = str(error.validator)
    if keyword == "required":
        missing = _missing(error)
        where = f"{param}.{missing}" if param else missing
        return Refusal(400, "missing_required_parameter", f"'{where}' is required.", param=where)
    reason = {"type": "invalid_type", "enum": "invalid_value"}.get(keyword, "invalid_value")
    requirement = _SENTENCES.get(keyword, _fallback)(error.validator_value)
    subject = f"'{param}'" if param else "The request body"
    return Refusal(400, reason, f"{subject} {requirement}.", param=param or None)


def _parameter(path: Iterable[str | int]) -> str:
    """A place in the body as the OpenAI API writes it: `messages[0].role`."""
    steps = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in path]
    return "".join(steps).removeprefix(".")


def _missing(error: ValidationError) -> str:
    """The first required name that is missing; jsonschema names it only within a sentence."""
    required = error.validator_value if isinstance(error.validator_value, list) else []
    present = error.instance if isinstance(error.instance, dict) else {}
    named = [name for name in required if name not in present]
    return str(next((name for name in named if error.message.startswith(repr(name))), named[0]))


# Each sentence is made from the contract alone, and never repeats a value of the request, which may be a secret.
_SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "type": lambda value: f"must be of type {value if isinstance(value, str) else ' or '.join(value)}",
    "enum": lambda value: f"must be one of {', '.join(map(str, value))}",
    "const": lambda value: f"must be {value}",
    "minimum": lambda value: f"must be at least {value}",
    "maximum": lambda value: f"must be at most {value}",
    "exclusiveMinimum": lambda value: f"must be greater than {value}",
    "exclusiveMaximum": lambda value: f"must be less than {value}",
    "multipleOf": lambda value: f"must be a multiple of {value}",
    "minLength": lambda value: f"must have at least {value} character{'s'[: value != 1]}",
    "maxLength": lambda value: f"must have at most {value} character{'s'[: value != 1]}",
    "minItems": lambda value: f"must have at least {value} item{'s'[: value != 1]}",
    "maxItems": lambda value: f"must have at most {value} item{'s'[: value != 1]}",
    "format": lambda value: f"must have the format {value}",
    "pattern": lambda value: f"must match the pattern {value}",
    "maxProperties": lambda value: f"must have at most {value} member{'s'[: value != 1]}",
    "additionalProperties": lambda _value: "has a member that is not allowed",
    "anyOf": lambda _value: "has none of the forms that are allowed for it",
    "oneOf": lambda _value: "has none of the forms that are allowed for it",
}


def _fallback(_value: Any) -> str:
    return "is not as the API's description has it"
