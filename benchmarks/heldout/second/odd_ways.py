"""Allowed variations of the way: what stands in front, what is refused, and the pace of delivery."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from typing import Any

from held_out import Body, HeldOut
from second.odd_answers import ODD_ANSWERS
from second.parts import PacedProvider, coded, gzip_packer, is_stream, refusing, takes_gzip

from conformance.contract.dialect import Dialect
from conformance.reference.errors import Refusal, envelope
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_MOST_CHOICES = 8
_ON_CONNECTION = 4
_BUSY = 40
_BURST = 6
_VARY = ((b"vary", b"Accept-Encoding"),)
_BUSY_BODY = (
    b'{"error":{"message":"Rate limit reached for reference-echo on requests per second. Please try again in 1s.",'
    b'"type":"requests","param":null,"code":"rate_limit_exceeded"}}'
)


def _cloudflare() -> Hooks:
    """The fields and the cookie of a proxy in front, which compresses for clients that take it."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        takes = takes_gzip(context.headers.get("accept-encoding", ""))
        packer: Any = None
        async for message in messages:
            if message["type"] == "http.response.start":
                packer = gzip_packer() if takes and is_stream(message) else None
                fields = coded(message, None) if packer else [*message.get("headers", ()), *_VARY]
                yield {**message, "headers": [*fields, *_fields_in_front()]}
            elif packer is None:
                yield message
            else:
                more = message.get("more_body", False)
                packed = packer.compress(message.get("body", b""))
                packed += packer.flush(zlib.Z_SYNC_FLUSH if more else zlib.Z_FINISH)
                yield {**message, "body": packed}

    return Hooks(messages=(hook,))


def _fields_in_front() -> list[tuple[bytes, bytes]]:
    cookie = f"__cf_bm={secrets.token_urlsafe(24)}; path=/; HttpOnly; SameSite=None"
    ray = f"{secrets.token_hex(8)}-FRA"
    return [
        (b"server", b"cloudflare"),
        (b"cf-ray", ray.encode()),
        (b"cf-cache-status", b"DYNAMIC"),
        (b"set-cookie", cookie.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"via", b"1.1 google"),
    ]


def _closing_after_four() -> Hooks:
    async def hook(context: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.start" and context.on_connection >= _ON_CONNECTION:
                yield {**message, "headers": [*message.get("headers", ()), (b"connection", b"close")]}
            else:
                yield message

    return Hooks(messages=(hook,))


def _busy_at_times() -> Hooks:
    """Every fortieth request is one too many, and says when to come again."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        busy = context.method == "POST" and context.number % _BUSY == 0
        async for message in messages:
            if not busy:
                yield message
            elif message["type"] == "http.response.start":
                length = str(len(_BUSY_BODY)).encode()
                fields = [(b"content-type", b"application/json"), (b"content-length", length), (b"retry-after", b"1")]
                yield {**message, "status": 429, "headers": fields}
                yield {"type": "http.response.body", "body": _BUSY_BODY}

    return Hooks(messages=(hook,))


# --- what is refused ---


def _too_many_choices(_: Any, body: Body) -> Refusal | None:
    number = body.get("n") or 1
    if number <= _MOST_CHOICES:
        return None
    message = (
        f"Invalid 'n': integer above maximum value. Expected a value <= {_MOST_CHOICES}, but got {number} instead."
    )
    return Refusal(400, "integer_above_max_value", message, param="n")


def _unknown_field(operation: Any, body: Body) -> Refusal | None:
    unknown = [name for name in body if name not in operation.properties]
    if not unknown:
        return None
    return Refusal(400, "unrecognized", f"Unrecognized request argument supplied: {unknown[0]}")


def _worded_as_openai(dialect: Dialect, refusal: Refusal) -> Any:
    body = envelope(dialect, refusal)
    if refusal.reason == "unrecognized":
        body["error"].update(type="invalid_request_error", param=None, code=None)
    return body


# --- the pace ---


def _in_bursts() -> Hooks:
    """Chunks come six at a time, once a filter has looked at them."""

    async def hook(_: RequestContext, messages: Messages) -> Messages:
        held: list[Mapping[str, Any]] = []
        streams = False
        async for message in messages:
            if message["type"] == "http.response.start":
                streams = is_stream(message)
                yield message
                continue
            held.append(message)
            if not (streams and message.get("more_body")) or len(held) == _BURST:
                for one in held:
                    yield dict(one)
                held = []

    return Hooks(messages=(hook,))


VARIATIONS: tuple[HeldOut, ...] = (
    *ODD_ANSWERS,
    HeldOut(
        "allowed.behind-cloudflare",
        "allowed",
        "A proxy adds its fields and a cookie, and compresses streams event by event where the client takes it.",
        _cloudflare,
    ),
    HeldOut(
        "allowed.closed-after-four",
        "allowed",
        "The fourth answer on a connection says `Connection: close`, and the connection is closed behind it.",
        _closing_after_four,
    ),
    HeldOut(
        "allowed.busy-at-times",
        "allowed",
        "Every fortieth request is answered 429 with `Retry-After: 1`.",
        _busy_at_times,
    ),
    HeldOut(
        "allowed.eight-choices-at-most",
        "allowed",
        "`n` above 8 is refused with 400 `integer_above_max_value`, in a sentence that names the bound.",
        lambda: Hooks(Stages(interpret=refusing(_too_many_choices))),
    ),
    HeldOut(
        "allowed.unknown-field-refused",
        "allowed",
        "A field that the API does not know is refused with 400, without a param and a code, as OpenAI does.",
        lambda: Hooks(Stages(interpret=refusing(_unknown_field), error_body=_worded_as_openai)),
    ),
    HeldOut(
        "allowed.slow-model",
        "allowed",
        "The first token takes 50 milliseconds, and each of the next two dozen 10, streamed or not.",
        Hooks,
        provider=PacedProvider,
    ),
    HeldOut(
        "allowed.bursts-of-six",
        "allowed",
        "The chunks of a slow stream come six at a time, as behind a filter.",
        _in_bursts,
        provider=PacedProvider,
    ),
)
