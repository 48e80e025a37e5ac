"""A provider that forwards to another OpenAI-compatible server, and passes none of its faults or secrets on."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from functools import cache

import httpx

from conformance.contract.media_types import is_event_stream
from conformance.reference.errors import ProviderError, Refusal
from conformance.reference.provider import CompletionRequest, Ended
from conformance.reference.providers.conversation import payloads
from conformance.reference.providers.upstream_answer import (
    BROKE_OFF,
    FAILED,
    NOT_UNDERSTOOD,
    AnswerReader,
    SecretGate,
    is_about_context,
)

_MOST_ERROR_BYTES = 64 * 1024
_FORM_REFUSED = frozenset({400, 422, 500})
"""Statuses with which servers refuse a conversation whose form their chat template does not know."""
_LONGEST_WAIT = 3600


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind the deployment. `url` precedes `/chat/completions`. Times are in seconds, sizes in bytes."""

    url: str
    model: str | None = None
    """Its name for the model; None for the first that it lists."""
    api_key: str | None = field(default=None, repr=False)
    most_tokens: int = 1024
    """The limit for one choice if the client sets none, because some models would never stop."""
    connect_timeout: float = 10.0
    idle_timeout: float = 60.0
    deadline: float = 300.0
    linger: float = 1.0
    """How long a stream is read after its finish reason, to wait for its usage."""
    max_bytes: int = 32 * 1024 * 1024


class UpstreamProvider:
    """One request upstream for each choice; closing the generator closes the connection."""

    def __init__(self, upstream: Upstream, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._upstream = upstream
        self._model = upstream.model
        self._client = httpx.AsyncClient(
            transport=transport,
            headers=_headers(upstream),
            timeout=httpx.Timeout(upstream.idle_timeout, connect=upstream.connect_timeout),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=32),
            verify=_tls(),
            follow_redirects=False,
            trust_env=False,
        )

    @property
    def scores_tokens(self) -> bool:
        """False: pieces of an upstream's text need not be tokens."""
        return False

    def score(self, token: str, alternatives: int) -> None:
        """None: an upstream's log probabilities are not made up."""

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        """The upstream's text as it comes, then its end.

        Raises:
            ProviderError: the upstream failed, broke off, was too slow or cannot be understood.
            Refusal: the upstream says that the prompt is too long.
        """
        del choice  # each choice is a request of its own, all alike
        reader = AnswerReader()
        gate = SecretGate(self._upstream.api_key)
        response = await self._ask(request)
        try:
            async with aclosing(self._texts(response, reader)) as texts:
                async for text in texts:
                    if shown := gate.feed(text):
                        yield shown
        finally:
            await response.aclose()
        if rest := gate.flush():
            yield rest
        yield reader.ended()

    async def _ask(self, request: CompletionRequest) -> httpx.Response:
        """The response to the first form of the request that the upstream accepts."""
        problem: Exception = ProviderError(FAILED)
        for payload in payloads(request, await self._model_name(), self._upstream.most_tokens):
            accept = "text/event-stream" if request.stream else "application/json"
            url = f"{self._upstream.url}/chat/completions"
            message = self._client.build_request("POST", url, json=payload, headers={"Accept": accept})
            with _without_details():
                response = await self._client.send(message, stream=True)
            if response.status_code == httpx.codes.OK:
                return response
            problem = await self._problem(response)
            if response.status_code not in _FORM_REFUSED or isinstance(problem, Refusal):
                break
        raise problem

    async def _texts(self, response: httpx.Response, reader: AnswerReader) -> AsyncGenerator[str, None]:
        streamed = is_event_stream(response.headers.get("content-type"))
        async with aclosing(self._parts(response, reader)) as parts:
            if not streamed:
                for text in reader.whole(b"".join([part async for part in parts])):
                    yield text
                return
            async for part in parts:
                for text in reader.feed(part):
                    yield text
                if reader.done:
                    return
        for text in reader.end():
            yield text

    async def _parts(self, response: httpx.Response, reader: AnswerReader) -> AsyncGenerator[bytes, None]:
        """The body as it arrives, within the bounds of size and time."""
        ends = time.monotonic() + self._upstream.deadline
        size = 0
        parts = response.aiter_bytes()
        while (part := await self._next(parts, ends, lingering=reader.finished)) is not None:
            size += len(part)
            if size > self._upstream.max_bytes:
                raise ProviderError(NOT_UNDERSTOOD)
            yield part

    async def _next(self, parts: AsyncIterator[bytes], ends: float, *, lingering: bool) -> bytes | None:
        wait = min(ends - time.monotonic(), self._upstream.linger if lingering else self._upstream.idle_timeout)
        try:
            async with asyncio.timeout(max(wait, 0)):
                with _without_details():
                    return await anext(parts, None)
        except TimeoutError as error:
            if lingering:
                return None  # the text is complete; only the end of the stream is missing
            raise ProviderError("The provider did not continue its answer in time.") from error
        except ProviderError:
            if lingering:
                return None
            raise

    async def _problem(self, response: httpx.Response) -> Exception:
        """What an error of the upstream means for the client. Its text is not passed on."""
        status = response.status_code
        body = b""
        try:
            with _without_details():
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > _MOST_ERROR_BYTES:
                        break
        except ProviderError:
            body = b""  # the status says enough
        finally:
            await response.aclose()
        if status in {429, 503}:
            wait = response.headers.get("retry-after", "")
            seconds = int(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None
            known = seconds if seconds is not None and seconds <= _LONGEST_WAIT else None
            return ProviderError("The provider is busy; try again later.", busy=True, retry_after=known)
        if status in {400, 413, 422, 500} and is_about_context(body):
            message = "The messages are longer than the model's context window."
            return Refusal(400, "context_length_exceeded", message, param="messages")
        return ProviderError(FAILED)

    async def _model_name(self) -> str:
        if self._model is None:
            with _without_details():
                answer = await self._client.get(f"{self._upstream.url}/models")
                try:
                    self._model = str(answer.json()["data"][0]["id"])
                except (ValueError, LookupError, TypeError) as error:
                    raise ProviderError("The provider does not list its models.") from error
        return self._model


@cache
def _tls() -> ssl.SSLContext:
    """The trusted certificates; reading them takes longer than anything else here."""
    return httpx.create_ssl_context(trust_env=False)


def _headers(upstream: Upstream) -> dict[str, str]:
    # No content coding, because a decompression bomb looks like an answer until it is unpacked.
    headers = {"Accept-Encoding": "identity", "User-Agent": "chat-conformance"}
    return headers if upstream.api_key is None else {**headers, "Authorization": f"Bearer {upstream.api_key}"}


@contextmanager
def _without_details() -> Iterator[None]:
    """Turns the HTTP client's errors, which name the upstream, into errors that a client may see."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise ProviderError("The provider did not answer in time.") from error
    except httpx.RemoteProtocolError as error:
        raise ProviderError(BROKE_OFF) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise ProviderError("The provider cannot be reached.") from error
