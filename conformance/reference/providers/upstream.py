"""A provider that forwards to another OpenAI-compatible server, and passes none of its faults or secrets on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from conformance.contract.media_types import is_event_stream
from conformance.reference.errors import ProviderError
from conformance.reference.provider import CompletionRequest, Piece, Tools
from conformance.reference.providers.adaptation import MOST_TRIES, REFUSES_FORM, other_forms
from conformance.reference.providers.bounded_json import read_json
from conformance.reference.providers.connections import LATE, Connections
from conformance.reference.providers.conversation import ids_of_calls
from conformance.reference.providers.kept_demands import keeping_demands
from conformance.reference.providers.piece_gate import PieceGate
from conformance.reference.providers.upstream_answer import AnswerReader
from conformance.reference.providers.upstream_body import beginning_of, parts_of
from conformance.reference.providers.upstream_calls import MOST_CALLS, CallReader
from conformance.reference.providers.upstream_error import UpstreamError, read_error
from conformance.reference.providers.upstream_failure import failure_of
from conformance.reference.providers.upstream_form import Form, payload

_MOST_ERROR_BYTES = 64 * 1024
_MOST_LIST_BYTES = 2 * 1024 * 1024
_HAS_NO_LIST = frozenset({200, 401, 403, 404, 405, 501})
"""Statuses that settle that there is no list of models; others may pass."""


class Deadline:
    """A moment after which nothing is waited for any more. Times are in seconds."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def wait(self, most: float) -> float:
        """How long to wait for the next part: at most `most`, and never past the deadline."""
        return max(0.0, min(most, self._ends - time.monotonic()))


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server behind the deployment. `url` precedes `/chat/completions`. Times are in seconds, sizes in bytes."""

    url: str
    model: str | None = None
    """Its name for the model; None for the first that it lists, or, where it lists none, for the client's own."""
    api_key: str | None = field(default=None, repr=False)
    most_tokens: int = 1024
    """The limit for one choice if the client sets none, because some models would never stop."""
    connect_timeout: float = 10.0
    idle_timeout: float = 60.0
    """How long a stream may take to begin, and pause between two parts."""
    whole_timeout: float = 300.0
    """How long an answer in one piece may take to begin: a model sends it when it has finished."""
    deadline: float = 300.0
    """How long one choice may take from its request to its end, in whatever forms it is tried."""
    linger: float = 1.0
    """How long a stream is read after its finish reason, to wait for its usage."""
    max_bytes: int = 4 * 1024 * 1024
    """The largest answer in one piece, and the largest event of a stream, as sent and as decoded."""
    max_stream_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an upstream: how to put requests to it, and the model that it lists."""

    form: Form = field(default_factory=Form)
    model: str | None = None
    """The first that it lists; None if that is not known yet, or if it lists none."""
    lists_models: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    """A response with status 200, and the request that got it, with its form."""

    response: httpx.Response
    sent: Mapping[str, Any]
    form: Form


@dataclass(frozen=True, slots=True)
class _Refused:
    """A form that the upstream refused, what was sent in it, and what the upstream said."""

    form: Form
    sent: Mapping[str, Any]
    error: UpstreamError


class UpstreamProvider:
    """One request upstream for each choice; closing the generator closes the connection.

    What the upstream refuses is put in another form, and `known` holds what that taught for the next requests.
    """

    def __init__(
        self, upstream: Upstream, transport: httpx.AsyncBaseTransport | None = None, known: Known | None = None
    ) -> None:
        self._upstream = upstream
        self.known = known or Known()
        self._connections = Connections(
            _headers(upstream),
            patience=upstream.idle_timeout,
            connecting=upstream.connect_timeout,
            transport=transport,
        )

    @property
    def scores_tokens(self) -> bool:
        """False: pieces of an upstream's text need not be tokens."""
        return False

    def score(self, token: str, alternatives: int) -> None:
        """None: an upstream's log probabilities are not made up."""

    async def close(self) -> None:
        """Closes all connections."""
        await self._connections.close()

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The upstream's text, reasoning and tool calls as they come, then its end.

        Raises:
            ProviderError: the upstream failed, broke off, was too slow or cannot be understood.
            Refusal: the upstream refuses the request, and no other form of it would be the same request; or its answer
                does not keep what the request demands.
        """
        async with aclosing(keeping_demands(request, choice, self._generate(request, choice))) as pieces:
            async for piece in pieces:
                yield piece

    async def _generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        deadline = Deadline(self._upstream.deadline)
        asked = await self._ask(request, self.known.form, deadline)
        self._learn(asked.form)
        while True:
            reader = self._reader(request, choice)
            async with aclosing(self._shown(asked.response, reader, deadline)) as pieces:
                async for piece in pieces:
                    yield piece
            if reader.answered or not asked.form.asks_for_stream(request):
                break
            # The upstream took the request for a stream, and streamed nothing at all.
            asked = await self._ask(request, replace(asked.form, streams=False), deadline)
        allowed = asked.form.limit(request, self._upstream.most_tokens)
        yield reader.ended(allowed, may_have_stopped="stop" in asked.sent)

    def _reader(self, request: CompletionRequest, choice: int) -> AnswerReader:
        """The reader of an answer, which passes on as many calls as the client can take.

        Each choice is a request of its own, so that calls of two choices may have one id upstream; the first keeps it.
        """
        longest = self._upstream.max_bytes
        names = [tool.name for tool in request.tools]
        most = 0 if request.tool_use is Tools.NONE else MOST_CALLS if request.parallel_calls else 1
        taken = ids_of_calls(request.messages)
        return AnswerReader(longest, CallReader(names, most, longest, taken=taken, keeps_ids=choice == 0))

    async def _ask(self, request: CompletionRequest, form: Form, deadline: Deadline) -> _Asked:
        """The response to the first form of the request that the upstream accepts."""
        model = await self._model_name(request, deadline)
        tried: list[_Refused] = []
        candidates: list[Iterator[Form]] = []
        while True:
            sent = payload(form, request, model, self._upstream.most_tokens)
            response = await self._post(sent, deadline)
            if response.status_code == httpx.codes.OK:
                return _Asked(response, sent, form)
            error = await self._error(response, deadline)
            if error.status not in REFUSES_FORM:
                raise self._failure(error, sent)
            if not tried or error != tried[-1].error:  # otherwise the last change made no difference
                candidates.append(other_forms(form, sent, error))
            tried.append(_Refused(form, sent, error))
            known = {one.form for one in tried}
            following = next((one for some in reversed(candidates) for one in some if one not in known), None)
            if following is None or len(tried) == MOST_TRIES:
                # What a guess met may be due to the guess.
                last = next((one for one in reversed(tried) if not one.form.is_guess), tried[0])
                raise self._failure(last.error, last.sent)
            form = following

    def _failure(self, error: UpstreamError, sent: Mapping[str, Any]) -> Exception:
        return failure_of(error, sent, key=self._upstream.api_key, host=httpx.URL(self._upstream.url).host)

    async def _post(self, sent: dict[str, Any], deadline: Deadline) -> httpx.Response:
        accept = "text/event-stream" if sent.get("stream") else "application/json"
        url = f"{self._upstream.url}/chat/completions"
        patience = deadline.wait(self._upstream.idle_timeout if sent.get("stream") else self._upstream.whole_timeout)
        return await self._connections.send("POST", url, json=sent, headers={"Accept": accept}, patience=patience)

    def _learn(self, form: Form) -> None:
        if form.kept != self.known.form:
            self.known = replace(self.known, form=form.kept)

    async def _shown(
        self, response: httpx.Response, reader: AnswerReader, deadline: Deadline
    ) -> AsyncGenerator[Piece, None]:
        """What a response has, as a client may see it. Closing the generator closes the response."""
        gate = PieceGate(self._upstream.api_key)
        try:
            async with aclosing(self._pieces(response, reader, deadline)) as pieces:
                async for piece in pieces:
                    for shown in gate.feed(piece):
                        yield shown
        except ProviderError:
            for rest in gate.flush():
                yield rest
            raise
        finally:
            await response.aclose()
        for rest in gate.flush():
            yield rest

    async def _pieces(
        self, response: httpx.Response, reader: AnswerReader, deadline: Deadline
    ) -> AsyncGenerator[Piece, None]:
        streamed = is_event_stream(response.headers.get("content-type"))
        most = self._upstream.max_stream_bytes if streamed else self._upstream.max_bytes
        async with aclosing(self._parts(response, reader, most, deadline)) as parts:
            if not streamed:
                for piece in reader.whole(b"".join([part async for part in parts])):
                    yield piece
                return
            async for part in parts:
                for piece in reader.feed(part):
                    yield piece
                if reader.done:
                    break
        for piece in reader.end():
            yield piece

    async def _parts(
        self, response: httpx.Response, reader: AnswerReader, most: int, deadline: Deadline
    ) -> AsyncGenerator[bytes, None]:
        """The body as it arrives, within the bounds of size and time."""
        async with aclosing(parts_of(response, most)) as parts:
            while (part := await self._next(parts, deadline, lingering=reader.finished)) is not None:
                yield part

    async def _next(self, parts: AsyncIterator[bytes], deadline: Deadline, *, lingering: bool) -> bytes | None:
        try:
            async with asyncio.timeout(
                deadline.wait(self._upstream.linger if lingering else self._upstream.idle_timeout)
            ):
                return await anext(parts, None)
        except TimeoutError as error:
            if lingering:
                return None  # the text is complete; only the end of the stream is missing
            raise ProviderError("The provider did not continue its answer in time.") from error
        except ProviderError:
            if lingering:
                return None
            raise

    async def _error(self, response: httpx.Response, deadline: Deadline) -> UpstreamError:
        """What an answer with another status than 200 says."""
        try:
            body = await self._beginning(response, _MOST_ERROR_BYTES, deadline)
        except ProviderError:
            body = b""  # the status says enough
        return read_error(response.status_code, body, response.headers.get("retry-after", ""))

    async def _beginning(self, response: httpx.Response, most: int, deadline: Deadline) -> bytes:
        """The first bytes of a short body, which may take no longer than a stream may pause."""
        try:
            async with asyncio.timeout(deadline.wait(self._upstream.idle_timeout)):
                return await beginning_of(response, most)
        except TimeoutError as error:
            raise ProviderError(LATE) from error

    async def _model_name(self, request: CompletionRequest, deadline: Deadline) -> str:
        """The model that the upstream is asked for."""
        if self._upstream.model is not None:
            return self._upstream.model
        if self.known.model is None and self.known.lists_models:
            patience = deadline.wait(self._upstream.idle_timeout)
            response = await self._connections.send("GET", f"{self._upstream.url}/models", patience=patience)
            model = _first_model(await self._beginning(response, _MOST_LIST_BYTES, deadline))
            for_good = model is not None or response.status_code in _HAS_NO_LIST
            self.known = replace(self.known, model=model, lists_models=model is not None or not for_good)
        return self.known.model or request.model


def _first_model(body: bytes) -> str | None:
    """The first model of a list; None if this is no list of models."""
    try:
        name = read_json(body.decode("utf-8", errors="replace"))["data"][0]["id"]
    except (ValueError, LookupError, TypeError):
        return None
    return name if isinstance(name, str) and name else None


def _headers(upstream: Upstream) -> dict[str, str]:
    # No content coding: it saves little, and what it decodes to has to be bounded where a server uses it all the same.
    headers = {"Accept-Encoding": "identity", "User-Agent": "chat-conformance"}
    return headers if upstream.api_key is None else {**headers, "Authorization": f"Bearer {upstream.api_key}"}
