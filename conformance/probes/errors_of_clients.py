"""Probes that a client gets wrong: what is sent is no valid request, at the level of HTTP, JSON or the resource."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Tier
from conformance.probes.cost import worst_case_tokens
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, REMOVED, RequestBody

UNKNOWN_MODEL = "no-such-model-chat-conformance"
UNKNOWN_FIELD = "x_chat_conformance_unknown"


def refused(name: str, about: str, body: Any, **fields: Any) -> Probe:
    """A probe that a conforming deployment answers with an error."""
    tokens = fields.pop("completion_tokens", worst_case_tokens(body))
    return Probe(name=name, about=about, intent=Intent.REFUSED, body=body, completion_tokens=tokens, **fields)


def either(name: str, about: str, body: Any, **fields: Any) -> Probe:
    """A probe that a deployment may serve or refuse."""
    tokens = worst_case_tokens(body)
    return Probe(name=name, about=about, intent=Intent.EITHER, body=body, completion_tokens=tokens, **fields)


def error_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests that must be refused, and the few that may be."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    yield from _malformed(valid)
    yield refused(
        "error/missing-messages",
        "no messages",
        body.changed(("messages",), REMOVED),
        tier=Tier.SMOKE,
    )
    if body.has("stream"):
        streamed = {**body.changed(("messages",), REMOVED), "stream": True}
        yield refused("error/streamed", "an invalid request that asks for a stream", streamed, tier=Tier.SMOKE)
    yield refused("error/messages-null-element", "a message that is null", body.changed(("messages", 0), None))
    plain_text: Mapping[str, str | None] = {"Content-Type": "text/plain"}
    yield refused(
        "error/text-plain", "a JSON body declared as text/plain", valid, headers=plain_text, completion_tokens=CHEAP
    )
    yield refused("error/method", "PUT where POST is offered", body.capped(CHEAP), method="PUT")
    yield refused(
        "error/unknown-route", "a route that does not exist", body.capped(CHEAP), path="/chat-conformance/no-such-route"
    )
    if body.has("model") and not _model_is_enumerated(body):
        yield refused(
            "error/unknown-model", "a model that does not exist", {**body.capped(CHEAP), "model": UNKNOWN_MODEL}
        )
    yield either("request/unknown-field", "a field that no document names", {**body.capped(CHEAP), UNKNOWN_FIELD: 1})
    if body.limit_field:
        integral = valid.replace(f'"{body.limit_field}": {CHEAP}'.encode(), f'"{body.limit_field}": {CHEAP}.0'.encode())
        yield Probe(
            name="request/integral-float",
            about="an integer that is written with a decimal point",
            intent=Intent.EITHER,
            body=integral,
            completion_tokens=CHEAP,
        )


def _malformed(valid: bytes) -> Iterator[Probe]:
    for name, about, raw, tier in (
        ("cut", "a JSON body that breaks off", valid[:-5], Tier.SMOKE),
        ("empty", "an empty body", b"", Tier.STANDARD),
        ("array", "a JSON array where an object is due", b"[" + valid + b"]", Tier.EXHAUSTIVE),
        ("null", "null where an object is due", b"null", Tier.EXHAUSTIVE),
        ("trailing-comma", "an object with a trailing comma", valid[:-1] + b",}", Tier.EXHAUSTIVE),
        ("two-documents", "two JSON documents", valid + valid, Tier.EXHAUSTIVE),
        ("not-a-number", "the literal NaN", valid[:-1] + b', "temperature": NaN}', Tier.STANDARD),
        ("invalid-utf8", "bytes that are not UTF-8", valid.replace(b"Say hello", b"Say \xff\xfe"), Tier.STANDARD),
    ):
        yield refused(f"error/json-{name}", about, raw, tier=tier, completion_tokens=CHEAP)


def _model_is_enumerated(body: RequestBody) -> bool:
    schema = body.contract.operation.properties.get("model", True)
    return isinstance(schema, Mapping) and "enum" in schema
