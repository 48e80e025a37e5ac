"""The connections to an upstream. A request that met a connection which was just being closed is sent once more."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from conformance.quoting import one_line
from conformance.reference.errors import ProviderError
from conformance.reference.providers.upstream_failure import BROKE_OFF

LATE = "The provider did not answer in time."
_LONGEST_REASON = 120
"""Characters of what the HTTP client says of a failed connection."""


class UnreachableError(ProviderError):
    """No connection to the provider. `reason` is for the operator: it may name the upstream."""

    def __init__(self, reason: str) -> None:
        super().__init__("The provider cannot be reached.")
        self.reason = reason


class Connections:
    """Sends requests to one upstream, and keeps its connections for the next, but no cookies.

    `patience` is how long to wait for an answer to begin, and `connecting` for a connection, in seconds.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        patience: float,
        connecting: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._patience = patience
        self._connecting = connecting
        self._kept, self._fresh = (
            httpx.AsyncClient(
                transport=transport,
                headers=headers,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                timeout=httpx.Timeout(patience, connect=connecting),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=kept),
                verify=_tls(),
                follow_redirects=False,
                trust_env=False,
            )
            for kept in (32, 0)
        )

    async def send(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        patience: float | None = None,
    ) -> httpx.Response:
        """The head of the answer; the body is still to be read, and the response to be closed.

        `patience` is how long to wait for the whole head, in seconds; None for the usual time. Neither interim answers
        nor a head that comes byte by byte prolong it.

        A server may close an idle connection at the moment at which a request comes over it (RFC 9112 section 9.6).
        Such a request is sent again, once and on a connection of its own: asking a model twice does no harm.

        Raises:
            ProviderError: there is no answer.
        """
        patience = self._patience if patience is None else patience
        timeout = httpx.Timeout(patience, connect=self._connecting)
        try:
            async with asyncio.timeout(patience):
                return await self._send(method, url, json=json, headers=headers, timeout=timeout)
        except TimeoutError as error:
            raise ProviderError(LATE) from error

    async def _send(self, method: str, url: str, **parts: Any) -> httpx.Response:
        trace = _Trace()
        with without_details():
            try:
                request = self._kept.build_request(method, url, **parts, extensions={"trace": trace})
                return await self._kept.send(request, stream=True)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not trace.reused:
                    raise
            return await self._fresh.send(self._fresh.build_request(method, url, **parts), stream=True)

    async def close(self) -> None:
        """Closes all connections."""
        await self._kept.aclose()
        await self._fresh.aclose()


class _Trace:
    """What the HTTP client did for one request, as far as it says whether the connection was used before."""

    def __init__(self) -> None:
        self._connected = self._sent = False

    async def __call__(self, event: str, _details: Mapping[str, Any]) -> None:
        self._connected = self._connected or event.startswith("connection.connect_")
        self._sent = self._sent or event.endswith(".send_request_headers.started")

    @property
    def reused(self) -> bool:
        """Whether the request went over a connection that was open before."""
        return self._sent and not self._connected


@contextmanager
def without_details() -> Iterator[None]:
    """Turns the HTTP client's errors, which name the upstream, into errors that a client may see."""
    try:
        yield
    except httpx.ConnectTimeout as error:
        raise UnreachableError("no connection in time") from error
    except httpx.TimeoutException as error:
        raise ProviderError(LATE) from error
    except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError, httpx.CloseError) as error:
        raise ProviderError(BROKE_OFF) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise UnreachableError(_reason(error)) from error


@cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates; reading them takes longer than anything else here."""
    return httpx.create_ssl_context(trust_env=False)


def _reason(error: BaseException) -> str:
    """Why there is no connection, in the words of the operating system where it gave any."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or (cause.reason or "").replace("_", " ").lower()
            return one_line(f"TLS: {reason or 'no handshake'}", _LONGEST_REASON)
        if isinstance(cause, ConnectionError) and cause.errno:
            return os.strerror(cause.errno).lower()
        if isinstance(cause, OSError) and cause.strerror:
            return one_line(cause.strerror, _LONGEST_REASON)
        cause = cause.__cause__ or cause.__context__
    return one_line(str(error), _LONGEST_REASON) or type(error).__name__
