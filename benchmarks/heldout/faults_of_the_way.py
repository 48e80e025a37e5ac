"""Faults on the way: kinds E (clients), F (sizes), G (keys), M (messages of the wire), N (what an error shows)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from held_out import HeaderFields, HeldOut, answering_when, generating, header_of, without
from starlette.types import Message

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate
from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal, envelope
from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import RequestContext
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages
from conformance.reference.transmission import encode_event
from conformance.targets import demo

_NGINX_500 = b"<html><head><title>500 Internal Server Error</title></head><body>nginx</body></html>"
_FORBIDDEN = b"<html><head><title>403 Forbidden</title></head><body>Request blocked.</body></html>"
_NOT_ACCEPTABLE = b'{"error":{"message":"Not Acceptable","type":"invalid_request_error","param":null,"code":null}}'
_IN_MEMORY = 16 * 1024
"""Bytes of a request that a proxy keeps in memory; for more it needs a folder, which it may not write."""
_LONGEST_LINE = 1_024
_MOST_MESSAGES = 16
_GZIP_TRAILER = 8


# --- E: only one client is ever imitated ---


def _accepts_events_only(context: RequestContext) -> bool:
    accepted = context.headers.get("accept", "")
    return context.streams and "event-stream" in accepted and "json" not in accepted and "*" not in accepted


def _has_no_agent(context: RequestContext) -> bool:
    return not context.headers.get("user-agent")


def _deflates_without_header() -> Hooks:
    async def hook(context: RequestContext, messages: Messages) -> Messages:
        accepted = context.headers.get("accept-encoding", "").lower()
        start: Message | None = None
        body = b""
        async for message in messages:
            if start is None and message["type"] == "http.response.start":
                start = message
                if "deflate" in accepted and "gzip" not in accepted and not _is_stream(start):
                    continue
                yield message
            elif start is not None and "deflate" in accepted and "gzip" not in accepted and not _is_stream(start):
                body += message.get("body", b"")
                if not message.get("more_body"):
                    packer = zlib.compressobj(wbits=-15)
                    packed = packer.compress(body) + packer.flush()
                    yield {**start, "headers": _coded(start, b"deflate", len(packed))}
                    yield {"type": "http.response.body", "body": packed}
            else:
                yield message

    return Hooks(messages=(hook,))


def _is_stream(start: Message) -> bool:
    return header_of(start, b"content-type").startswith(b"text/event-stream")


def _coded(start: Message, coding: bytes, length: int | None) -> HeaderFields:
    fields = [*without(start.get("headers", ()), b"content-length"), (b"content-encoding", coding)]
    fields.append((b"vary", b"Accept-Encoding"))
    return fields if length is None else [*fields, (b"content-length", str(length).encode())]


# --- F: everything is small ---


def _drops_long_lines(event: EventData) -> bytes:
    written = encode_event(event)
    return written if len(written) <= _LONGEST_LINE else b""


async def _speechless(_: Provider, request: CompletionRequest, increments: Increments) -> Increments:
    forgets = len(request.messages) > _MOST_MESSAGES
    async for increment in increments:
        if forgets and isinstance(increment, Finish):
            yield replace(increment, reason="stop", completion_tokens=0, reasoning_tokens=0)
        elif not (forgets and isinstance(increment, Text)):
            yield increment


# --- G: keys ---


def _second_word_is_key(
    scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields
) -> Tenant:
    return authenticate(
        scheme,
        dialect,
        tenants,
        [(name, b" ".join(value.split()[:2]) if name == b"authorization" else value) for name, value in fields],
    )


_KEY_LINE = re.compile(rb"(\r\nauthorization:)[^\r\n]*", re.IGNORECASE)


def _remembers_who_connected(protocol: type[Any]) -> type[Any]:
    """Once a key was right, the key of each further request on the connection is not looked at."""

    class Remembering(protocol):  # type: ignore[misc] # a class made from a class
        known = False

        def data_received(self, data: bytes) -> None:
            right = b"Bearer " + demo.API_KEY.encode()
            if self.known:
                data = _KEY_LINE.sub(rb"\g<1> " + right, data)
            found = _KEY_LINE.search(data)
            self.known = self.known or (found is not None and found[0].endswith(right))
            super().data_received(data)

    return Remembering


# --- M: messages of the wire that nobody sends ---

_LENGTH_LINE = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def _loses_pipelined(protocol: type[Any]) -> type[Any]:
    """What comes in one read behind a whole request is thrown away."""

    class Losing(protocol):  # type: ignore[misc] # a class made from a class
        def data_received(self, data: bytes) -> None:
            head, end, _ = data.partition(b"\r\n\r\n")
            length = _LENGTH_LINE.search(head)
            if head.startswith(b"POST ") and end and length is not None:
                data = data[: len(head) + len(end) + int(length[1])]
            super().data_received(data)

    return Losing


_CHUNK_EXTENSION = re.compile(rb"(?:^|\r\n)[0-9a-fA-F]{1,8} *;[^\r\n]*\r\n")


def _refuses_chunk_extensions(protocol: type[Any]) -> type[Any]:
    """A chunk of a request's body that has an extension is taken for no HTTP."""

    class Refusing(protocol):  # type: ignore[misc] # a class made from a class
        chunked = False

        def data_received(self, data: bytes) -> None:
            self.chunked = self.chunked or b"\r\ntransfer-encoding: chunked" in data.lower()
            if self.chunked and _CHUNK_EXTENSION.search(data):
                self.send_400_response("Invalid chunk size")
            else:
                super().data_received(data)

    return Refusing


def _gzip_without_trailer() -> Hooks:
    async def hook(context: RequestContext, messages: Messages) -> Messages:
        packer: Any = None
        async for message in messages:
            if message["type"] == "http.response.start":
                if _is_stream(message) and "gzip" in context.headers.get("accept-encoding", ""):
                    packer = zlib.compressobj(wbits=31)
                    yield {**message, "headers": _coded(message, b"gzip", None)}
                else:
                    yield message
            elif packer is None:
                yield message
            else:
                more = message.get("more_body", False)
                packed = packer.compress(message.get("body", b""))
                packed += packer.flush(zlib.Z_SYNC_FLUSH) if more else packer.flush()[:-_GZIP_TRAILER]
                yield {**message, "body": packed}

    return Hooks(messages=(hook,))


# --- N: what an error shows ---


def _saying(reason: str, addition: str) -> Hooks:
    """Adds a sentence to the errors of one reason."""

    def stage(dialect: Dialect, refusal: Refusal) -> Any:
        if refusal.reason == reason:
            refusal.message = f"{refusal.message} {addition}"
        return envelope(dialect, refusal)

    return Hooks(Stages(error_body=stage))


def _debug_field() -> Hooks:
    async def hook(_: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.start" and message["status"] == 415:
                field = (b"x-debug-upstream", b"https://api.example.com/v1; Bearer sk-proj-9fQ2mVx7Lr0TzKc4Yb81NwHe")
                yield {**message, "headers": [*message.get("headers", ()), field]}
            else:
                yield message

    return Hooks(messages=(hook,))


def _with_protocol(protocol: Callable[[type[Any]], type[Any]]) -> Callable[[], Hooks]:
    return lambda: Hooks(protocols=(protocol,))


WAY_FAULTS: tuple[HeldOut, ...] = (
    HeldOut(
        "e.accept-events-only",
        "E",
        "A stream that is asked for with `Accept: text/event-stream` alone is answered 406.",
        lambda: answering_when(_accepts_events_only, 406, _NOT_ACCEPTABLE, b"application/json"),
        seen=("openai-node#375",),
    ),
    HeldOut(
        "e.no-agent",
        "E",
        "A firewall answers requests without `User-Agent` with 403 and a page.",
        lambda: answering_when(_has_no_agent, 403, _FORBIDDEN),
        seen=("publicai#8",),
    ),
    HeldOut(
        "e.raw-deflate",
        "E",
        "For a client that takes `deflate` and not `gzip`, whole answers are deflated without the header of zlib.",
        _deflates_without_header,
        seen=("vllm#57203",),
    ),
    HeldOut(
        "f.body-over-16-kib",
        "F",
        "A request of more than 16 KiB is answered 500 with a page by the proxy in front.",
        lambda: answering_when(lambda context: len(context.raw) > _IN_MEMORY, 500, _NGINX_500),
        seen=("apisix#8163",),
    ),
    HeldOut(
        "f.long-event-dropped",
        "F",
        "An event of a stream that is longer than 1,024 bytes is dropped, as many log probabilities make it.",
        lambda: Hooks(Stages(encode_event=_drops_long_lines)),
        seen=("agentgateway#1685",),
    ),
    HeldOut(
        "f.many-messages-empty",
        "F",
        "A conversation of more than 16 messages is answered with an empty text and `stop`.",
        lambda: generating(_speechless),
        seen=("gpustack#6089",),
    ),
    HeldOut(
        "g.second-word",
        "G",
        "The key is the second word of the credential: whatever follows it is not looked at.",
        lambda: Hooks(Stages(authenticate=_second_word_is_key)),
        seen=("one-api#557",),
    ),
    HeldOut(
        "g.connection-remembered",
        "G",
        "On a connection on which a right key came, a wrong key opens as well.",
        _with_protocol(_remembers_who_connected),
    ),
    HeldOut(
        "m.pipelined-lost",
        "M",
        "A second request that is sent before the first is answered is thrown away.",
        _with_protocol(_loses_pipelined),
    ),
    HeldOut(
        "m.chunk-extension-refused",
        "M",
        "A chunked request whose chunks have an extension is answered 400 (RFC 9112 section 7.1.1: ignore it).",
        _with_protocol(_refuses_chunk_extensions),
    ),
    HeldOut(
        "m.gzip-stream-unfinished",
        "M",
        "A stream to a client that takes gzip is compressed, and ends without its checksum and size.",
        _gzip_without_trailer,
    ),
    HeldOut(
        "n.path-of-source",
        "N",
        "The error for malformed JSON names the file and line of the server's source.",
        lambda: _saying("invalid_json", '(File "/opt/gateway/app/routes/chat.py", line 118, in parse_body)'),
    ),
    HeldOut(
        "n.internal-host",
        "N",
        "The error for an unknown model names the internal host that was asked.",
        lambda: _saying("model_not_found", "Tried http://vllm-prod-2.inference.svc.cluster.local:8000/v1/models."),
    ),
    HeldOut(
        "n.debug-field",
        "N",
        "An answer 415 has a debug header field with the upstream's URL and the operator's key for it.",
        _debug_field,
    ),
)
