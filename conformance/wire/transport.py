"""Carries requests over TCP and TLS: httpcore's pool on a network backend that reports to the exchange's tap."""

from __future__ import annotations

import select
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from conformance.wire.exchange import EndKind, Peer
from conformance.wire.proxy import PROXY_AUTHENTICATION_REQUIRED, proxy_credentials, proxy_url
from conformance.wire.tap import current_tap
from conformance.wire.tls import for_the_certificate, peer_certificates, tls_context, tls_reason

if TYPE_CHECKING:
    from conformance.targets.model import Target


class TappedStream(httpcore.AsyncNetworkStream):
    """One connection with a number. The tap of the exchange that uses it bounds every wait."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, number: int) -> None:
        self._stream = stream
        self._number = number
        session = stream.get_extra_info("ssl_object")
        self._tls: str | None = session.version() if session is not None else None
        self._peer = _peer(stream, session)
        self._socket = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there, waiting as long as the tap allows."""
        tap = current_tap.get()
        kind, patience = tap.before_read()
        try:
            data = await self._stream.read(max_bytes, timeout=patience)
        except httpcore.ReadTimeout:
            tap.timed_out(kind)
            raise
        except httpcore.ReadError as error:
            cause = _cause(error)
            if tap.received == 0 and isinstance(cause, ssl.SSLError) and for_the_certificate(cause):
                tap.stop(EndKind.UNREACHABLE, f"no TLS session could be made ({tls_reason(cause)})")
            else:
                tap.stop(EndKind.RESET, f"the connection failed ({_reason(error)})")
            raise
        tap.after_read(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of `buffer` before the deadline."""
        tap = current_tap.get()
        tap.connection, tap.tls = self._number, self._tls
        # Once a connection: its first exchange has it.
        tap.peer, self._peer = self._peer or tap.peer, None
        try:
            await self._stream.write(buffer, timeout=tap.time_left())
        except httpcore.WriteTimeout:
            tap.stop(EndKind.DEADLINE, "the deadline passed while the request was being sent")
            raise

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Begin TLS; the connection keeps its number."""
        tap = current_tap.get()
        patience = min(tap.limits.connect_timeout, tap.time_left())
        try:
            stream = await self._stream.start_tls(ssl_context, server_hostname, patience)
        except httpcore.ConnectTimeout:
            tap.stop(EndKind.CONNECT_TIMEOUT, f"no TLS session within {patience:g} s")
            raise
        except httpcore.ConnectError as error:
            tap.stop(EndKind.UNREACHABLE, f"no TLS session could be made ({_reason(error)})")
            raise
        # What came before, a proxy's consent to the tunnel, is not of the target's answer.
        tap.forget_reads()
        return TappedStream(stream, self._number)

    def get_extra_info(self, info: str) -> Any:
        """What the underlying connection knows."""
        if info == "is_readable" and self._socket is not None and hasattr(select, "poll"):
            # The pool asks this of every idle connection before every request.
            return _is_readable(self._socket.fileno())
        return self._stream.get_extra_info(info)


def _is_readable(descriptor: int) -> bool:
    """Whether bytes, or the end, can be read from a socket; also true of one that is closed."""
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


class TappedBackend(httpcore.AsyncNetworkBackend):
    """Opens numbered connections."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._backend = httpcore.AnyIOBackend()
        self._numbers = numbers

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect within the connect timeout and the deadline."""
        tap = current_tap.get()
        patience = min(tap.limits.connect_timeout, tap.time_left())
        try:
            stream = await self._backend.connect_tcp(host, port, patience, local_address, socket_options)
        except httpcore.ConnectTimeout:
            tap.stop(EndKind.CONNECT_TIMEOUT, f"no connection to {host}:{port} within {patience:g} s")
            raise
        except httpcore.ConnectError as error:
            tap.stop(EndKind.UNREACHABLE, f"no connection to {host}:{port} ({_reason(error)})")
            raise
        return TappedStream(stream, next(self._numbers))


class Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1 over at most `connections` connections. TLS is verified, and redirects are not followed.

    Exceptions of httpcore are not translated: `Client`, the only user, needs their causes.
    """

    def __init__(
        self,
        *,
        target: Target,
        connections: int,
        numbers: Iterator[int],
        keepalive: float | None,
    ) -> None:
        self._forwarded = proxy_url(target) is not None and target.base_url.startswith("http:")
        options: dict[str, Any] = {
            "ssl_context": tls_context(target) if target.base_url.startswith("https:") else None,
            "max_connections": connections,
            "max_keepalive_connections": connections,
            "keepalive_expiry": keepalive,
            "network_backend": TappedBackend(numbers),
        }
        self._pool = httpcore.AsyncConnectionPool(proxy=_proxy(target), **options)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; the response's body is still to be read."""
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.extensions.get("target", request.url.raw_path),
                ),
                headers=request.headers.raw,
                content=request.stream,
            )
        )
        if self._forwarded and response.status == PROXY_AUTHENTICATION_REQUIRED:
            # Only a proxy answers so (RFC 9110 section 15.5.8): the target has not seen the request.
            await response.aclose()
            reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
            raise httpcore.ProxyError(f"{response.status} {reason}")
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    @property
    def is_connected(self) -> bool:
        """Whether a connection was kept from a request before."""
        return bool(self._pool.connections)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


def _peer(stream: httpcore.AsyncNetworkStream, session: ssl.SSLObject | None) -> Peer | None:
    try:
        address = stream.get_extra_info("server_addr")
    except OSError:  # the peer has left already
        return None
    if not isinstance(address, tuple):
        return None
    host, port = address[:2]
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return Peer(shown, () if session is None else peer_certificates(session))


def _proxy(target: Target) -> httpcore.Proxy | None:
    url = proxy_url(target)
    if url is None:
        return None
    credentials = proxy_credentials(target)
    context = tls_context(target) if url.startswith("https:") else None
    return httpcore.Proxy(url, auth=credentials, ssl_context=context)


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._response.aiter_stream():
            yield data

    async def aclose(self) -> None:
        await self._response.aclose()


def _reason(error: BaseException) -> str:
    """The reason for a failed connection, in words."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError):
        return tls_reason(cause)
    return (cause.strerror if isinstance(cause, OSError) else None) or str(error) or type(error).__name__


def _cause(error: BaseException) -> OSError | None:
    """What TLS or the operating system says of a failed connection: the innermost exception that has a reason."""
    cause: BaseException | None = error
    found = None
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause
        if isinstance(cause, OSError) and cause.strerror:
            found = cause
        if isinstance(cause, BaseExceptionGroup):
            cause = cause.exceptions[0]
            continue
        cause = cause.__cause__ or cause.__context__
    return found
