"""Runs the reference deployment: `serve` in the foreground, `EmbeddedReference` inside the program that judges it."""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from conformance.contract import load_contract
from conformance.reference.app import create_app
from conformance.reference.errors import DeploymentError, Refusal, envelope
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import served_models
from conformance.reference.own_contract import reference_dialect, reference_stages
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.settings import ConnectionBounds, Settings, Tenant
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_json
from conformance.targets import Target, demo
from conformance.targets.environment import API_KEY, MODEL, OTHER_API_KEY, demo_values

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp
    from uvicorn import Server

    from conformance.contract.dialect import Dialect
    from conformance.contract.model import Contract, Parameter
    from conformance.reference.provider import Provider
    from conformance.reference.providers.upstream import Upstream

UPSTREAM_API_KEY = "CONFORMANCE_UPSTREAM_API_KEY"
_START_TIMEOUT = 10.0
_STOP_TIMEOUT = 5.0


def settings_from_environment(
    dialect: Dialect, environ: Mapping[str, str], *, latency: float = 0.0, event_delay: float = 0.0
) -> Settings:
    """Two tenants: their keys and parameters from `CONFORMANCE_*` where set, else the public demo values."""
    given = {name: text.strip() for name, text in environ.items() if text.strip()}
    values = {**demo_values(dialect.parameters), **given}
    first = {one.name: values[one.variable] for one in dialect.tenancy}
    second = {one.name: values[one.second.variable] for one in dialect.tenancy if one.second is not None}
    tenants = (Tenant("first", values[API_KEY], first), Tenant("second", values[OTHER_API_KEY], second))
    models = tuple(dict.fromkeys((demo.MODEL, values[MODEL])))
    return Settings(dialect.profile, tenants, models=models, latency=latency, event_delay=event_delay)


def serve(  # noqa: PLR0913 - each is an option of the command line
    profile: str,
    *,
    environ: Mapping[str, str],
    host: str = "127.0.0.1",
    port: int = 8080,
    upstream: str | None = None,
    upstream_model: str | None = None,
    latency: float = 0.0,
    event_delay: float = 0.0,
    hooks: Hooks | None = None,
    announce: Callable[[str], None] | None = None,
    warn: Callable[[str], None] = lambda _: None,
) -> None:
    """Serves a profile until interrupted; `announce` replaces the line on stdout that says where.

    An upstream is asked a small question first; `warn` gets the sentences on what is unusual about it.

    Raises:
        ContractError: the profile cannot be read.
        DeploymentError: the address is not free, or the upstream cannot be reached or lets nobody in.
    """
    contract = load_contract(profile)
    dialect = reference_dialect(contract)
    settings = settings_from_environment(dialect, environ, latency=latency, event_delay=event_delay)
    behind = _upstream(upstream, upstream_model, environ)
    listener = _listen(host, port)
    try:
        model = served_models(contract.operation, settings)[0]
        provider: Provider = EchoProvider() if behind is None else _gateway(behind, model, warn)
        hooks = hooks or Hooks(reference_stages(contract))
        app = create_app(contract, settings, provider, hooks.stages)
    except BaseException:
        listener.close()
        raise
    shown = f"[{host}]" if ":" in host else host
    base_url = f"http://{shown}:{listener.getsockname()[1]}{dialect.mount}"
    _warn_of_public_keys(settings, listener, warn, spends=behind is not None)
    message = f"Serving {profile} at {base_url}; judge it with: chat-conformance run {profile} --base-url {base_url}"
    with suppress(KeyboardInterrupt):  # uvicorn raises it again once it has stopped
        if announce is None:
            print(message, flush=True)  # at once even into a pipe, from which a program may wait to read the URL
        else:
            announce(message)
        _server(app, dialect, settings, hooks, log_level="error").run(sockets=[listener])


def _warn_of_public_keys(
    settings: Settings, listener: socket.socket, warn: Callable[[str], None], *, spends: bool
) -> None:
    """Say so where others can reach the deployment with keys that everybody knows."""
    address = listener.getsockname()[0]
    known = {API_KEY: demo.API_KEY, OTHER_API_KEY: demo.OTHER_API_KEY}
    keys = {tenant.api_key for tenant in settings.tenants}
    public = [variable for variable, key in known.items() if key in keys]
    if public and not _is_loopback(address):
        cost = ", at the upstream's cost" if spends else ""
        warn(
            f"Whoever reaches this machine can use this deployment{cost}: it listens on {address} and takes public demo"
            f" keys. Set {' and '.join(public)} to keys of your own, or leave out --host."
        )


def _is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    return (mapped or ip).is_loopback


def new_tenants(dialect: Dialect) -> tuple[Tenant, Tenant]:
    """Two tenants with new keys, and with new UUIDs as parameters that are UUIDs."""
    first = {one.name: _new_value(one, one.demo) for one in dialect.tenancy}
    second = {one.name: _new_value(one, one.second.demo) for one in dialect.tenancy if one.second is not None}
    one, other = (
        Tenant(name, f"sk-embedded-{secrets.token_hex(24)}", parameters)
        for name, parameters in (("first", first), ("second", second))
    )
    return one, other


def _new_value(parameter: Parameter, demo: str | None) -> str:
    return str(uuid.uuid4()) if parameter.format == "uuid" else str(demo)


class EmbeddedReference:
    """A reference deployment on a free loopback port, with keys that exist for its lifetime only.

    A context manager: it serves from `__enter__` to `__exit__`, in a thread of its own; with `async with`, as a task of
    a loop that is not the main thread's. `contract` saves reading the profile's document again. `stages`, or the wider
    `hooks`, make it a deployment with a fault. `tenants` are the tenants; by default two with new keys. `connections`
    bounds what clients may do on their connections.
    """

    def __init__(  # noqa: PLR0913 - each is a part of a deployment
        self,
        profile: str,
        *,
        latency: float = 0.0,
        event_delay: float = 0.0,
        stages: Stages | None = None,
        hooks: Hooks | None = None,
        provider: Provider | None = None,
        contract: Contract | None = None,
        tenants: tuple[Tenant, Tenant] | None = None,
        connections: ConnectionBounds | None = None,
    ) -> None:
        contract = contract or load_contract(profile)
        dialect = reference_dialect(contract)
        tenants = tenants or new_tenants(dialect)
        settings = Settings(
            dialect.profile,
            tenants,
            latency=latency,
            event_delay=event_delay,
            connections=connections or ConnectionBounds(),
        )
        hooks = hooks or Hooks(stages or reference_stages(contract))
        app = create_app(contract, settings, provider or EchoProvider(), hooks.stages)
        self.api_key, self.other_api_key = (tenant.api_key for tenant in tenants)
        self.model = served_models(contract.operation, settings)[0]
        self._contract = contract
        self._tenants = tenants
        self._listener = _listen("127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{dialect.mount}"
        """The part of the URL before the operation's path."""
        # The server's log would mix with the judge's output, and what goes wrong shows in the answers.
        self._server = _server(app, dialect, settings, hooks, log_level="critical")
        self._thread = threading.Thread(target=self._run, name=f"reference-{profile}", daemon=True)
        self._ask_to_stop: Callable[[], object] = lambda: None

    @property
    def target(self) -> Target:
        """This deployment as what is to be judged, with both of its tenants."""
        first, second = self._tenants
        fixed = {one.name: one.demo for one in self._contract.parameters if one.default is None and one.demo}
        return Target(
            base_url=self.base_url,
            api_key=first.api_key,
            model=self.model if "{model}" in self._contract.template.values() else None,
            parameters={**fixed, **first.parameters},
            other_api_key=second.api_key,
            other_parameters=second.parameters,
            embedded=True,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if not self.running or time.monotonic() > deadline:
                raise DeploymentError("The embedded reference deployment did not start.")
            time.sleep(0.001)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ask_to_stop()
        self._thread.join(_STOP_TIMEOUT)
        self._listener.close()

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        while not self._server.started:
            if self._serving.done():
                raise DeploymentError("The embedded reference deployment did not start.")
            await asyncio.sleep(0.001)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)
        await _stop_now(self._server)
        self._listener.close()

    @property
    def running(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        self._ask_to_stop = lambda: loop.call_soon_threadsafe(stop.set)
        serving = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        stopping.cancel()
        await asyncio.gather(serving, stopping, return_exceptions=True)
        if self._server.started:
            await _stop_now(self._server)


async def _stop_now(server: Server) -> None:
    """Stop a server at once: its own shutdown takes a fifth of a second, and waits for open streams."""
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    answering = list(server.server_state.tasks)
    for task in answering:
        task.cancel()
    await asyncio.gather(*answering, return_exceptions=True)
    await server.lifespan.shutdown()


def _upstream(url: str | None, model: str | None, environ: Mapping[str, str]) -> Upstream | None:
    """The server behind the deployment as it was named, or None."""
    if url is None:
        if model is not None:
            raise DeploymentError("--upstream-model needs --upstream, the server that has the model.")
        return None
    if not url.startswith(("http://", "https://")):
        raise DeploymentError("--upstream must be an http or https URL, such as http://127.0.0.1:8000/v1.")
    from conformance.reference.providers.upstream import Upstream  # noqa: PLC0415 - httpx is slow

    return Upstream(url.rstrip("/"), model=model, api_key=environ.get(UPSTREAM_API_KEY, "").strip() or None)


def _gateway(upstream: Upstream, model: str, warn: Callable[[str], None]) -> Provider:
    """The provider in front of an upstream, once that has been asked for `model`."""
    from conformance.reference.providers.upstream import UpstreamProvider  # noqa: PLC0415 - httpx is slow
    from conformance.reference.providers.upstream_start import ask_first  # noqa: PLC0415 - as above

    start = asyncio.run(ask_first(upstream, model, UPSTREAM_API_KEY))
    for notice in start.notices:
        warn(notice)
    return UpstreamProvider(upstream, known=start.known)


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket; opened here, so that an address in use gives one sentence and not a log line."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small writes at once (TCP_NODELAY) only if it knows that this is TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise DeploymentError(f"Cannot listen on {host}:{port} ({reason}); choose another --port.") from error
    return listener


def _server(app: Starlette, dialect: Dialect, settings: Settings, hooks: Hooks, *, log_level: str) -> Server:
    from uvicorn import Config, Server  # noqa: PLC0415 - slow, and needed only when something is served

    from conformance.reference.bounded_protocol import bounded_protocol  # noqa: PLC0415 - as above

    not_http = Refusal(400, "invalid_http", "This is not a valid HTTP/1.1 request.")
    too_slow = Refusal(408, "request_timeout", "The head of the request did not arrive in time.")
    not_http_body, too_slow_body = (encode_json(envelope(dialect, refusal)) for refusal in (not_http, too_slow))
    protocol = bounded_protocol(not_http_body, too_slow_body, settings.connections)
    served: ASGIApp = app
    if hooks.beyond_stages:
        from conformance.reference.faulty_app import FaultyApp  # noqa: PLC0415 - only a fault needs them
        from conformance.reference.faulty_protocol import faulty_protocol  # noqa: PLC0415 - as above

        served, protocol = FaultyApp(app, hooks), faulty_protocol(protocol, hooks)
    config = Config(
        served,
        http=protocol,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level=log_level,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=1,
    )
    return Server(config)
