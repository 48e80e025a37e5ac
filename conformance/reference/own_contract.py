"""The reference deployment of a user's own contract: what its document says, and otherwise what the OpenAI API does."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from conformance.contract.dialect import Dialect, read_dialect
from conformance.contract.model import Contract, CredentialScheme, Operation
from conformance.reference.access import Fields
from conformance.reference.answer import DONE, EventData, Outline, build_completion, build_events
from conformance.reference.errors import Refusal, envelope
from conformance.reference.fitting import Fitter, first_accepted
from conformance.reference.generation import Increments
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.settings import Settings, Tenant
from conformance.reference.stages import Interpret, Stages

_HONOURED = ("max_tokens", "max_completion_tokens", "n", "stop", "stream_options", "logprobs", "top_logprobs")
_ERROR = {"error": {"message": "{message}", "type": "{type}", "param": "{param}", "code": "{code}"}}
_ERROR_TYPES = {"5XX": "server_error", "default": "invalid_request_error"}


def reference_dialect(contract: Contract) -> Dialect:
    """How the reference deployment of a contract speaks: a shipped profile as its dialect has it.

    Raises:
        ContractError: the dialect of a shipped profile cannot be used.
    """
    if not contract.is_own:
        return read_dialect(contract.profile.name)
    operation = contract.operation
    scheme = operation.credential
    return Dialect(
        profile=contract.profile.name,
        parameters=contract.parameters,
        mount="",
        challenge="Bearer" if scheme is None or scheme.prefix else "ApiKey",
        honours=frozenset(name for name in _HONOURED if name in operation.properties),
        provider_status=502,
        passes_load_on=True,
        has_logprobs=_has_logprobs(operation),
        lists_models=False,
        error_template=_ERROR,
        error_types=_ERROR_TYPES,
        invalid_status=operation.invalid_status,
    )


def reference_stages(contract: Contract) -> Stages:
    """The stages of a contract's deployment: for a user's own, with answers that fit what its document says."""
    if not contract.is_own:
        return Stages()
    operation = contract.operation
    success = operation.success
    stages = Stages(
        interpret=_lenient(operation),
        error_body=_error_body_of(operation),
        build_completion=_completion_of(success.json_schema),
        build_events=_events_of(success.item_schema),
    )
    return stages if operation.credential is not None else replace(stages, authenticate=_let_in)


def _has_logprobs(operation: Operation) -> bool:
    schema = operation.properties.get("logprobs")
    return isinstance(schema, Mapping) and "boolean" in schema.get("type", ())


def _let_in(_scheme: CredentialScheme | None, _dialect: Dialect, tenants: Iterable[Tenant], _fields: Fields) -> Tenant:
    """Whoever asks, where the contract names no credential."""
    return next(iter(tenants))


def _lenient(operation: Operation) -> Interpret:
    """Takes fields together that the OpenAI API takes apart, since the document does not say so."""

    def interpreted(
        operation: Operation, dialect: Dialect, settings: Settings, *, scores_tokens: bool, body: Mapping[str, Any]
    ) -> CompletionRequest:
        left_out = set()
        if body.get("stream") is not True:
            left_out.add("stream_options")
        if body.get("logprobs") is not True:
            left_out |= {"logprobs", "top_logprobs"}
        kept = {name: value for name, value in body.items() if name not in left_out}
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=kept)
        return replace(request, stream=True) if operation.only_streams else request

    return interpreted


def _completion_of(schema: Any) -> Any:
    fitter = Fitter(True if schema is None else schema)

    async def completion(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
    ) -> dict[str, Any]:
        fitted: dict[str, Any] = fitter(await build_completion(dialect, outline, request, increments))
        return fitted

    return completion


def _events_of(schema: Any) -> Any:
    fitter = Fitter(True if schema is None else schema)

    async def events(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
    ) -> AsyncGenerator[EventData, None]:
        async with aclosing(build_events(dialect, outline, request, increments)) as usual:
            async for event in usual:
                yield event if event == DONE or (isinstance(event, Mapping) and "error" in event) else fitter(event)

    return events


def _error_body_of(operation: Operation) -> Any:
    """Words errors in a shape that the document gives for their status, or else for another one."""
    fitters: dict[str, Fitter] = {}

    def error_body(dialect: Dialect, refusal: Refusal) -> Any:
        usual = envelope(dialect, refusal)
        response = operation.error_response(refusal.status)
        if response is None or response.json_schema is None:
            return usual
        fitter = fitters.setdefault(response.status, Fitter(response.json_schema))
        return first_accepted(fitter, _shapes(usual, refusal))

    return error_body


def _shapes(usual: dict[str, Any], refusal: Refusal) -> Iterator[Any]:
    """The shapes in which deployments report errors, the most usual first."""
    yield usual
    where: list[str | int] = ["body", *([refusal.param] if refusal.param else [])]
    yield {"detail": [{"loc": where, "msg": refusal.message, "type": refusal.reason}]}
    yield {"detail": refusal.message}
    plain = {"message": refusal.message, "type": refusal.reason, "param": refusal.param, "code": refusal.reason}
    yield {"object": "error", **plain}
    yield {"code": refusal.status, "message": refusal.message}
    yield {"error": refusal.message}
    yield {"error": {"message": refusal.message, "code": refusal.status}}
    yield {"title": HTTPStatus(refusal.status).phrase, "status": refusal.status, "detail": refusal.message}
