"""Reads a profile's dialect: the values that only an operator knows, and how its reference deployment speaks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.described_parameters import described_parameters
from conformance.contract.documents import Document, enforce, read_document
from conformance.contract.model import Operation, Parameter, Place, SecondValue
from conformance.contract.pointers import join
from conformance.shipped import dialect_path, shipped_profiles

SCHEMA = "dialect.schema.json"
_TYPE = "{type}"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a shipped profile has beyond its OpenAPI document."""

    profile: str
    parameters: tuple[Parameter, ...]
    """What an operator configures."""
    mount: str
    """What stands before the operation's path on the reference deployment: a base URL ends with it."""
    challenge: str
    """The authentication scheme that a 401 names (RFC 9110 section 11.6.1)."""
    honours: frozenset[str]
    """Optional request fields that change the answer; others are accepted and have no effect."""
    provider_status: int
    """The status that reports a provider's failure."""
    passes_load_on: bool
    """Whether a provider's refusal for load reaches the client as 429."""
    has_logprobs: bool
    lists_models: bool
    error_template: Mapping[str, Any] = field(hash=False, repr=False)
    """The body of an error, with placeholders."""
    error_types: Mapping[str, str] = field(hash=False, repr=False)
    """The type of an error by its status: `403`, `5XX` or `default`."""
    invalid_status: int = 400
    """The status that refuses a request that is not valid."""
    has_usage_details: bool = False
    """Whether the usage has details, and answers name the configuration of the deployment."""

    @property
    def tenancy(self) -> tuple[Parameter, ...]:
        """The parameters of the path that say whose data a request is about."""
        return tuple(parameter for parameter in self.parameters if parameter.second is not None)

    def error_body(self, status: int, code: str, message: str, param: str | None = None) -> dict[str, Any]:
        """The body of an error: its template with the placeholders filled in."""
        values = {"{message}": message, "{code}": code, "{param}": param, "{status}": status}
        if self.error_types:
            by_status = (str(status), f"{status // 100}XX", "default")
            values[_TYPE] = next(self.error_types[key] for key in by_status if key in self.error_types)
        return {name: _filled(value, values) for name, value in self.error_template.items()}


def read_dialect(profile: str) -> Dialect:
    """The dialect of a shipped profile.

    Raises:
        ContractError: its file is missing, departs from specs/dialect.schema.json or contradicts itself; the message
            has the file and the line.
    """
    return _shipped(profile)[0]


def dialect_of(profile: str, operation: Operation) -> Dialect:
    """The dialect of a shipped profile, checked against the operation that its OpenAPI document describes.

    Raises:
        ContractError: as `read_dialect`, or its parameters are not those of the operation.
    """
    dialect, document = _shipped(profile)
    check_parameters(dialect, document, operation)
    return dialect


@cache
def known_parameters() -> tuple[Parameter, ...]:
    """The parameters of all shipped dialects, each name once. A user's own document may have any of them.

    Raises:
        ContractError: as `read_dialect`, or one name, key or variable stands for two things.
    """
    return distinct_parameters(map(_shipped, shipped_profiles()))


def own_parameters(operation: Operation, template: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The known parameters that a user's own operation has, under the names that its document gives them.

    One of the path has the form that the document asks for; one of the body counts where the request's schema or the
    template names it. Beside them stand all others of the path, and what must be in the query, header and cookies.
    """
    known = tuple(_in_own_document(operation, template))
    named = {parameter.name for parameter in known if not parameter.in_body}
    return (*known, *(one for one in described_parameters(operation) if one.name not in named))


def _in_own_document(operation: Operation, template: Mapping[str, Any]) -> Iterator[Parameter]:
    for parameter in known_parameters():
        if not parameter.in_path:
            if parameter.name in operation.properties or parameter.placeholder in template.values():
                yield parameter
            continue
        for name, schema in operation.path_parameters.items():
            if _plain(name) in {_plain(one) for one in (parameter.name, *parameter.also)}:
                wanted = schema.get("format") if isinstance(schema, Mapping) else None
                yield replace(parameter, name=name, format=parameter.format if wanted == parameter.format else None)


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def dialect_in(path: Path, profile: str) -> tuple[Dialect, Document]:
    """The dialect in a file, and the file with its lines.

    Raises:
        ContractError: as `read_dialect`.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    written: Mapping[str, Any] = document.data
    reference = written["reference"]
    error = reference["error"]
    if _TYPE in json.dumps(error["body"]) and "types" not in error:
        raise document.error(f"the body has a {_TYPE}, but `types` does not give any", "/reference/error/body")
    dialect = Dialect(
        profile=profile,
        parameters=tuple(_parameter(one) for one in written.get("parameters", ())),
        mount=reference["mount"],
        challenge=reference["challenge"],
        honours=frozenset(reference["honours"]),
        provider_status=reference["provider_failure"]["status"],
        passes_load_on=reference["provider_failure"]["passes_429_on"],
        has_logprobs=reference.get("logprobs", False),
        lists_models=reference.get("models", False),
        error_template=error["body"],
        error_types=error.get("types", {}),
        has_usage_details=reference.get("usage_details", False),
    )
    return dialect, document


@cache
def _shipped(profile: str) -> tuple[Dialect, Document]:
    return dialect_in(dialect_path(profile), profile)


def check_parameters(dialect: Dialect, document: Document, operation: Operation) -> None:
    """Checks that the parameters of a dialect are those of an operation.

    Raises:
        ContractError: the operation does not have one of them, or its path has one that the dialect does not name.
    """
    for number, parameter in enumerate(dialect.parameters):
        names = operation.path_parameters if parameter.in_path else operation.properties
        if parameter.name not in names:
            where = "the operation's path" if parameter.in_path else "the request's properties"
            known = ", ".join(names) or "none"
            message = f"`{parameter.name}` is not among {where} ({known})"
            raise document.error(message, join("/parameters", number, "name"))
    named = {parameter.name for parameter in dialect.parameters}
    for name in operation.path_parameters:
        if name not in named:
            raise document.error(f"the path has a parameter `{name}`; say in `parameters` what fills it", "/parameters")


def distinct_parameters(dialects: Iterable[tuple[Dialect, Document]]) -> tuple[Parameter, ...]:
    """The parameters of several dialects, each name once.

    Raises:
        ContractError: one name, key or variable stands for two things.
    """
    found: dict[str, Parameter] = {}
    meanings: dict[str, str] = {}
    for dialect, document in dialects:
        own: set[str] = set()
        for number, parameter in enumerate(dialect.parameters):
            for word, meaning in _words(parameter):
                if word in own or meanings.setdefault(word, meaning) != meaning:
                    message = f"the {word} stands for something else already; choose another"
                    raise document.error(message, join("/parameters", number))
                own.add(word)
            found.setdefault(parameter.name, parameter)
    return tuple(found.values())


def _words(parameter: Parameter) -> Iterator[tuple[str, str]]:
    """The words that a parameter takes, each with what it stands for: a key and a variable belong together."""
    yield f"name `{parameter.name}`", parameter.key
    for value in (parameter, parameter.second):
        if value is not None:
            yield f"key `{value.key}`", value.variable
            yield f"variable `{value.variable}`", value.key


def _parameter(written: Mapping[str, Any]) -> Parameter:
    second = written.get("second")
    return Parameter(
        name=written["name"],
        place=Place(written["in"]),
        noun=written["noun"],
        key=written["key"],
        variable=written["variable"],
        also=tuple(written.get("also", ())),
        format=written.get("format"),
        default=written.get("default"),
        demo=written.get("demo"),
        names_caller=written.get("names_caller", False),
        second=None if second is None else SecondValue(**second),
    )


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A template with each text that is a placeholder replaced by its value."""
    if isinstance(value, Mapping):
        return {name: _filled(one, values) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    return values.get(value, value) if isinstance(value, str) else value
