"""The stages of answering a request, each one function; a fault replaces or wraps one of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from starlette.requests import Request

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme, Operation, Place
from conformance.reference.access import Fields, authenticate, authorize
from conformance.reference.answer import EventData, Outline, build_completion, build_events
from conformance.reference.body import check_media_type, read_body
from conformance.reference.errors import Refusal, envelope
from conformance.reference.generation import Increments, generate
from conformance.reference.interpretation import interpret
from conformance.reference.json_body import parse_object
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.settings import Settings, Tenant
from conformance.reference.transmission import encode_event
from conformance.reference.validation import RequestRules


class Interpret(Protocol):
    """The type of `interpretation.interpret`."""

    def __call__(
        self,
        operation: Operation,
        dialect: Dialect,
        settings: Settings,
        *,
        scores_tokens: bool,
        body: Mapping[str, Any],
    ) -> CompletionRequest:
        """The completion request of a valid body."""


def check_path(rules: RequestRules, parameters: Mapping[str, str]) -> None:
    """The stage that checks the parameters of the path."""
    rules.check_path(parameters)


def check_beside(rules: RequestRules, place: Place, parameters: Mapping[str, str]) -> None:
    """The stage that checks the parameters in the query, the header or the cookies."""
    rules.check_beside(place, parameters)


def check_body(rules: RequestRules, body: Any) -> None:
    """The stage that checks the body against the contract's schema."""
    rules.check_body(body)


def error_body(dialect: Dialect, refusal: Refusal) -> Any:
    """The stage that words an error."""
    return envelope(dialect, refusal)


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages in the order in which a request passes them; `dataclasses.replace` makes one with a fault."""

    authenticate: Callable[[CredentialScheme, Dialect, Iterable[Tenant], Fields], Tenant] = authenticate
    check_path: Callable[[RequestRules, Mapping[str, str]], None] = check_path
    check_beside: Callable[[RequestRules, Place, Mapping[str, str]], None] = check_beside
    authorize: Callable[[Dialect, Tenant, Mapping[str, str]], None] = authorize
    check_media_type: Callable[[Fields], None] = check_media_type
    read_body: Callable[[Request, Settings], Awaitable[bytes]] = read_body
    parse_object: Callable[[bytes, int], dict[str, Any]] = parse_object
    check_body: Callable[[RequestRules, Any], None] = check_body
    interpret: Interpret = interpret
    generate: Callable[[Provider, CompletionRequest], Increments] = generate
    build_completion: Callable[[Dialect, Outline, CompletionRequest, Increments], Awaitable[Any]] = build_completion
    build_events: Callable[[Dialect, Outline, CompletionRequest, Increments], AsyncGenerator[EventData, None]] = (
        build_events
    )
    encode_event: Callable[[EventData], bytes] = encode_event
    error_body: Callable[[Dialect, Refusal], Any] = error_body
