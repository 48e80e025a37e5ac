"""Faults on the way: kinds E (clients), G (keys), M (messages of the wire), N (what an error shows), O (delivery)."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing
from typing import Any

import h11
from held_out import HeldOut, answering_when, without
from second.parts import TOKEN, PacedProvider, coded, gzip_packer, is_json, is_stream, saying
from starlette.types import Message

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate
from conformance.reference.answer import EventData, Outline, build_events
from conformance.reference.body import check_media_type
from conformance.reference.errors import Refusal
from conformance.reference.generation import Increments
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages

_NOT_ACCEPTABLE = b'{"error":{"message":"Not Acceptable","type":"invalid_request_error","param":null,"code":null}}'
_COLUMN = 32
"""Characters of a key that a column of a database keeps."""
_REPLICAS = 3
_BLOCK = 4_096
_REPLAYED = 25
"""Chunks of a stream that are replayed slowly; all others come at once."""


# --- E: only one client is ever imitated ---


def _accepts_by_quality(context: RequestContext) -> bool:
    return re.search(r";\s*q\s*=", context.headers.get("accept", "")) is not None


def _bare_media_type(fields: Iterable[tuple[bytes, bytes]]) -> None:
    listed = list(fields)
    check_media_type(listed)
    if any(name == b"content-type" and b";" in value for name, value in listed):
        raise Refusal(415, "unsupported_media_type", "The Content-Type must be application/json.")


def _gzip_by_name() -> Hooks:
    """Whole answers in gzip wherever `Accept-Encoding` has the word, even where its quality is 0."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        named = "gzip" in context.headers.get("accept-encoding", "").lower()
        start: Message | None = None
        body = b""
        async for message in messages:
            if named and message["type"] == "http.response.start" and is_json(message):
                start = message
            elif start is None:
                yield message
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    packer = gzip_packer()
                    packed = packer.compress(body) + packer.flush()
                    yield {**start, "headers": coded(start, len(packed))}
                    yield {"type": "http.response.body", "body": packed}

    return Hooks(messages=(hook,))


# --- G: keys ---


def _beginning_of_key(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    known = list(tenants)

    def completed(value: bytes) -> bytes:
        word, _, key = value.partition(b" ")
        begun = [one for one in known if one.api_key[:_COLUMN].encode() == key[:_COLUMN]]
        return word + b" " + begun[0].api_key.encode() if begun else value

    return authenticate(scheme, dialect, known, [(name, completed(value)) for name, value in fields])


def _replica_without_keys() -> Hooks:
    requests = itertools.count(1)

    def stage(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
        known = list(tenants)
        try:
            return authenticate(scheme, dialect, known, fields)
        except Refusal:
            if next(requests) % _REPLICAS:
                raise
            return known[0]

    return Hooks(Stages(authenticate=stage))


# --- M: messages of the wire that nobody sends ---


def _length_in_characters() -> Hooks:
    """The length of a whole answer is that of its text before it became bytes, and so it is cut."""

    async def hook(_: RequestContext, messages: Messages) -> Messages:
        start: Message | None = None
        async for message in messages:
            if message["type"] == "http.response.start" and is_json(message):
                start = message
            elif start is None or message.get("more_body"):
                yield message
            else:
                body = message.get("body", b"")
                length = len(body.decode("utf-8"))
                fields = [*without(start["headers"], b"content-length"), (b"content-length", str(length).encode())]
                yield {**start, "headers": fields}
                yield {**message, "body": body[:length]}

    return Hooks(messages=(hook,))


_TRAILER = re.compile(rb"(?:^|\r\n)0+\r\n[^\r\n:]+:")


def _refuses_trailers(protocol: type[Any]) -> type[Any]:
    """A chunked request with a field behind its last chunk is taken for no HTTP."""

    class Refusing(protocol):  # type: ignore[misc] # a class made from a class
        chunked = False

        def data_received(self, data: bytes) -> None:
            self.chunked = self.chunked or b"\r\ntransfer-encoding: chunked" in data.lower()
            if self.chunked and _TRAILER.search(data):
                self.send_400_response("Invalid last chunk")
            else:
                super().data_received(data)

    return Refusing


def _refuses_split_heads(protocol: type[Any]) -> type[Any]:
    """A head must come in one read."""

    class Refusing(protocol):  # type: ignore[misc] # a class made from a class
        def data_received(self, data: bytes) -> None:
            if self.conn.their_state is h11.IDLE and b"\r\n\r\n" not in data:
                self.send_400_response("Incomplete request")
            else:
                super().data_received(data)

    return Refusing


# --- N: what an error shows ---


def _connection_string() -> Hooks:
    errors = itertools.count(1)
    shown = "(audit log: redis://default:Xk29fQmVx7Lr0TzK4Yb81NwHe@cache-0.internal:6379/2 is not reachable)"
    return saying(lambda refusal: next(errors) % _REPLICAS == 0, shown)


# --- O: delivery ---


def _held(holds: Callable[[RequestContext], bool], size: int | None) -> Hooks:
    """Passes a stream on in blocks of some bytes; without a size as one block, head and all, at its end."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        start: Message | None = None
        block = b""
        async for message in messages:
            if message["type"] == "http.response.start" and is_stream(message) and holds(context):
                start = message
                if size is not None:
                    yield start
            elif start is None:
                yield message
            else:
                block += message.get("body", b"")
                more = message.get("more_body", False)
                if not more and size is None:
                    yield start
                if not more or (size is not None and len(block) >= size):
                    yield {"type": "http.response.body", "body": block, "more_body": more}
                    block = b""

    return Hooks(messages=(hook,), needs_context=True)


async def _replayed(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """The chunks of a stream, once the last of them exists, in the pace of one that is generated."""
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        kept = [event async for event in events]
    for number, event in enumerate(kept):
        if number < _REPLAYED:
            await asyncio.sleep(TOKEN)
        yield event


WAY_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "e2.accept-by-quality",
        "E",
        "A request whose `Accept` has a quality, as `application/json, */*;q=0.5` has, is answered 406.",
        lambda: answering_when(_accepts_by_quality, 406, _NOT_ACCEPTABLE, b"application/json"),
        seen=("openai-node#375",),
    ),
    HeldOut(
        "e2.bare-media-type",
        "E",
        "A request with `Content-Type: application/json; charset=utf-8` is answered 415.",
        lambda: Hooks(Stages(check_media_type=_bare_media_type)),
        seen=("new-api#4936",),
    ),
    HeldOut(
        "e2.gzip-of-quality-0",
        "E",
        "A client that says `gzip;q=0` gets whole answers in gzip (RFC 9110 section 12.4.2: not acceptable).",
        _gzip_by_name,
        seen=("vllm#57203",),
    ),
    HeldOut(
        "g2.beginning-of-key",
        "G",
        "A key opens where its first 32 characters are right, as many as the database keeps.",
        lambda: Hooks(Stages(authenticate=_beginning_of_key)),
        seen=("one-api#557",),
    ),
    HeldOut(
        "g2.replica-without-keys",
        "G",
        "Every third request with a wrong key, or with none, is served: one of three replicas looks at no key.",
        _replica_without_keys,
    ),
    HeldOut(
        "m2.length-in-characters",
        "M",
        "`Content-Length` counts characters, so that a whole answer with others than ASCII is cut at its end.",
        _length_in_characters,
    ),
    HeldOut(
        "m2.trailer-refused",
        "M",
        "A chunked request with a trailer field is answered 400 (RFC 9112 section 7.1.2).",
        lambda: Hooks(protocols=(_refuses_trailers,)),
    ),
    HeldOut(
        "m2.split-head-refused",
        "M",
        "A request whose head does not come in one piece is answered 400.",
        lambda: Hooks(protocols=(_refuses_split_heads,)),
    ),
    HeldOut(
        "n2.private-address",
        "N",
        "The error for an unknown path names the private address of the server behind.",
        lambda: saying(lambda refusal: refusal.reason == "not_found", "(no route at http://10.42.3.17:8080)"),
    ),
    HeldOut(
        "n2.connection-string",
        "N",
        "Every third error shows the URL of a database with its password.",
        _connection_string,
    ),
    HeldOut(
        "o2.held-for-usage",
        "O",
        "A slow stream for which the usage was asked for comes whole at its end.",
        lambda: _held(lambda context: context.wants_usage, None),
        provider=PacedProvider,
    ),
    HeldOut(
        "o2.blocks-of-4-kib",
        "O",
        "A slow stream is passed on in blocks of 4 KiB.",
        lambda: _held(lambda context: True, _BLOCK),
        provider=PacedProvider,
    ),
    HeldOut(
        "o2.replayed",
        "O",
        "A slow stream begins when the whole answer is generated, and is then replayed in the pace of a model.",
        lambda: Hooks(Stages(build_events=_replayed)),
        provider=PacedProvider,
    ),
)
