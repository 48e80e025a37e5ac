"""The reference deployment as an ASGI application: routes, the stages of a request, and errors."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from conformance.contract.dialect import Dialect
from conformance.contract.model import Contract, CredentialScheme, Place
from conformance.reference.answer import EventData, Outline
from conformance.reference.errors import DeploymentError, ProviderError, Refusal, refusal_of
from conformance.reference.generation import Increments
from conformance.reference.interpretation import served_models
from conformance.reference.own_contract import reference_dialect, reference_stages
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.settings import Settings, Tenant
from conformance.reference.stages import Stages
from conformance.reference.transmission import EventStream, json_response, until_hung_up
from conformance.reference.validation import RequestRules

_MODELS_SINCE = 1_700_000_000
"""The `created` of every model in the list of models."""
_INVALID = 400
USUAL_CREDENTIAL = CredentialScheme("Authorization", "Bearer ")
"""What a request may carry where its contract asks for nothing."""
_IN_BRACES = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Everything that answering needs, made once."""

    contract: Contract
    credential: CredentialScheme | None
    dialect: Dialect
    settings: Settings
    provider: Provider
    rules: RequestRules
    stages: Stages


def create_app(contract: Contract, settings: Settings, provider: Provider, stages: Stages | None = None) -> Starlette:
    """The deployment of a contract.

    Raises:
        DeploymentError: the settings do not fit the contract.
    """
    deployment = _deployment(contract, settings, provider, stages or reference_stages(contract))
    dialect = deployment.dialect
    path = dialect.mount + _route(contract.operation.path)
    routes = [Route(path, _endpoint(complete_chat, deployment), methods=[contract.operation.method])]
    if dialect.lists_models:
        routes.append(Route(f"{dialect.mount}/models", _endpoint(list_models, deployment), methods=["GET"]))
        routes.append(Route(f"{dialect.mount}/models/{{model}}", _endpoint(show_model, deployment), methods=["GET"]))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(_Stamp, latency=settings.latency)],
        exception_handlers={
            Refusal: partial(_answer_refusal, deployment),
            ProviderError: partial(_answer_provider_error, deployment),
            ClientDisconnect: _answer_nobody,
            HTTPException: partial(_answer_http_exception, deployment),
            Exception: partial(_answer_bug, deployment),
        },
        lifespan=_closing(provider),
    )
    app.router.redirect_slashes = False  # clients do not repeat a POST at a redirect; a wrong path gets a 404
    return app


def _deployment(contract: Contract, settings: Settings, provider: Provider, stages: Stages) -> Deployment:
    dialect = reference_dialect(contract)
    operation = contract.operation
    if settings.profile != dialect.profile:
        raise DeploymentError(f"The settings are for {settings.profile!r}, the contract is {dialect.profile!r}.")
    for parameter in dialect.tenancy:
        if not all(tenant.parameters.get(parameter.name) for tenant in settings.tenants):
            raise DeploymentError(f"Each tenant of {dialect.profile!r} needs the id of its {parameter.noun}.")
    rules = RequestRules(operation.request_schema, operation.path_parameters, operation.beside)
    return Deployment(contract, operation.credential, dialect, settings, provider, rules, stages)


async def complete_chat(deployment: Deployment, request: Request) -> Response | EventStream:
    """Answer a completion request. Nothing is generated before every check has passed."""
    completion = await _admitted(deployment, request)
    stages, dialect = deployment.stages, deployment.dialect
    outline = Outline.of(completion)
    increments = stages.generate(deployment.provider, completion)
    if not completion.stream:
        work = _completed(stages.build_completion(dialect, outline, completion, increments))
        return json_response(200, await until_hung_up(request.receive, work))
    # The status is sent after the first increment, so that a provider that fails at once gives a plain error.
    increments = await until_hung_up(request.receive, _primed(increments))
    events = stages.build_events(dialect, outline, completion, increments)
    return EventStream(_encoded(stages.encode_event, events), deployment.settings.event_delay)


def _route(path: str) -> str:
    """An operation's path with names that a route can have: those of a document may have any characters."""
    numbers = itertools.count()
    return _IN_BRACES.sub(lambda _: f"{{p{next(numbers)}}}", path)


def _path_parameters(path: str, request: Request) -> dict[str, str]:
    """The values of the operation's parameters by the names that the document gives them."""
    return {name: request.path_params[f"p{number}"] for number, name in enumerate(_IN_BRACES.findall(path))}


async def _admitted(deployment: Deployment, request: Request) -> CompletionRequest:
    """The completion request, once it has passed every check, in the order of a gateway."""
    stages, settings = deployment.stages, deployment.settings
    operation = deployment.contract.operation
    fields = request.scope["headers"]
    tenant = _authenticate(deployment, request)
    parameters = _path_parameters(operation.path, request)
    stages.check_path(deployment.rules, parameters)
    for place, given in _beside(request).items():
        stages.check_beside(deployment.rules, place, given)
    stages.authorize(deployment.dialect, tenant, parameters)
    stages.check_media_type(fields)
    body = stages.parse_object(await stages.read_body(request, settings), settings.max_depth)
    stages.check_body(deployment.rules, body)
    scores = deployment.provider.scores_tokens
    return stages.interpret(operation, deployment.dialect, settings, scores_tokens=scores, body=body)


async def list_models(deployment: Deployment, request: Request) -> Response:
    """Answer with the served models."""
    _authenticate(deployment, request)
    models = [_model(name) for name in served_models(deployment.contract.operation, deployment.settings)]
    return json_response(200, {"object": "list", "data": models})


async def show_model(deployment: Deployment, request: Request) -> Response:
    """Answer with one model."""
    _authenticate(deployment, request)
    name = request.path_params["model"]
    if name not in served_models(deployment.contract.operation, deployment.settings):
        raise Refusal(404, "model_not_found", "The model does not exist or is not served here.", param="model")
    return json_response(200, _model(name))


def _authenticate(deployment: Deployment, request: Request) -> Tenant:
    scheme, tenants = deployment.credential, deployment.settings.tenants
    fields = request.scope["headers"] if scheme is None else _carrying(scheme, request)
    return deployment.stages.authenticate(scheme or USUAL_CREDENTIAL, deployment.dialect, tenants, fields)


def _carrying(scheme: CredentialScheme, request: Request) -> list[tuple[bytes, bytes]]:
    """The fields that may carry a key; a key in the query or in a cookie is as good as a field of its name."""
    if scheme.place is Place.HEADER:
        fields: list[tuple[bytes, bytes]] = request.scope["headers"]
        return fields
    if scheme.place is Place.QUERY:
        found = request.query_params.getlist(scheme.header)
    else:
        found = [request.cookies[scheme.header]] if scheme.header in request.cookies else []
    return [(scheme.header.lower().encode(), value.encode("latin-1", "replace")) for value in found]


def _beside(request: Request) -> dict[Place, Mapping[str, str]]:
    """What a request has beside its path and body."""
    return {Place.QUERY: request.query_params, Place.HEADER: request.headers, Place.COOKIE: request.cookies}


def _model(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": _MODELS_SINCE, "owned_by": "chat-conformance"}


async def _completed(completion: Awaitable[object]) -> object:
    return await completion


async def _primed(increments: Increments) -> Increments:
    """The same increments, with the first already available."""
    first = await anext(increments, None)

    async def all_increments() -> Increments:
        async with aclosing(increments):
            if first is not None:
                yield first
            async for increment in increments:
                yield increment

    return all_increments()


async def _encoded(
    encode: Callable[[EventData], bytes], events: AsyncGenerator[EventData, None]
) -> AsyncGenerator[bytes, None]:
    async with aclosing(events):
        async for event in events:
            yield encode(event)


def _endpoint(
    answer: Callable[[Deployment, Request], Awaitable[Response | EventStream]], deployment: Deployment
) -> Callable[[Request], Awaitable[Response | EventStream]]:
    async def endpoint(request: Request) -> Response | EventStream:
        return await answer(deployment, request)

    return endpoint


async def _answer_refusal(deployment: Deployment, request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    headers = dict(refusal.headers)
    if "expect" in request.headers:
        # The client may never send the body that it announced (RFC 9110 section 10.1.1), so that what follows on this
        # connection could be that body or the next request.
        headers["Connection"] = "close"
    if refusal.status == _INVALID:
        refusal.status = deployment.dialect.invalid_status
    return json_response(refusal.status, deployment.stages.error_body(deployment.dialect, refusal), headers)


async def _answer_provider_error(deployment: Deployment, request: Request, error: Exception) -> Response:
    assert isinstance(error, ProviderError)
    return await _answer_refusal(deployment, request, refusal_of(deployment.dialect, error))


async def _answer_http_exception(deployment: Deployment, request: Request, error: Exception) -> Response:
    """What the router refuses: unknown routes and wrong methods."""
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    known = {
        404: ("not_found", "There is nothing at this URL."),
        405: ("method_not_allowed", f"This method is not allowed here; use {headers.get('Allow', 'another')}."),
    }
    reason, message = known.get(error.status_code, ("request_failed", "The request cannot be served."))
    return await _answer_refusal(deployment, request, Refusal(error.status_code, reason, message, headers=headers))


async def _answer_bug(deployment: Deployment, request: Request, error: Exception) -> Response:
    """A bug of this program: Starlette raises it again for the server's log, and the client sees no detail."""
    del error
    refusal = Refusal(500, "internal_error", "The request failed for a reason that is not yours.")
    refusal.headers["x-request-id"] = request.scope["state"]["request_id"]
    return await _answer_refusal(deployment, request, refusal)


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """The client hung up, so that nobody receives this answer."""
    del request, error
    return Response(status_code=400)


def _closing(provider: Provider) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await provider.close()

    return lifespan


def _in_origin_form(scope: Scope) -> Scope:
    """The request as if its target were a path: a server accepts the absolute form, too (RFC 9112 section 3.2.2)."""
    path, raw = scope["path"], scope.get("raw_path") or b""
    if not path.lower().startswith(("http://", "https://")):
        return scope
    without_host = "/" + path.partition("://")[2].partition("/")[2]
    return {**scope, "path": without_host, "raw_path": b"/" + raw.partition(b"://")[2].partition(b"/")[2]}


class _Stamp:
    """Waits for the deployment's latency, and gives every answer a request id."""

    def __init__(self, app: ASGIApp, latency: float) -> None:
        self._app = app
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = _in_origin_form(scope)
        request_id = f"req_{secrets.token_hex(16)}"
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        if self._latency:
            await asyncio.sleep(self._latency)
        await self._app(scope, receive, send_stamped)
