"""Probes with the mistakes of a client: requests that are not valid as HTTP or JSON, or for the resource.

Malformed bodies and odd texts may harm a target, so that `robustness` says when they are sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.contract.model import Tier
from conformance.probes.model import Probe, either_probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody

UNKNOWN_MODEL = "no-such-model-chat-conformance"
UNKNOWN_ROLE = "no-such-role"
BROKEN_MESSAGE = "error/message-"
"""What the names begin with of conversations in which one message breaks the schema."""
UNKNOWN_FIELD = "x_chat_conformance_unknown"
_BROKEN_MEMBERS: Mapping[str, str] = {
    "role": "an unknown role",
    "content": "a number as its content",
    "missing": "no content",
}
TOO_MANY_WORDS = 140_000
"""Words of one letter, each a token of its own: more than the 131,072 tokens that most models can read at once."""
SURROGATE_STREAMED = "request/lone-surrogate-streamed"
LONG_PROMPT, LONG_PROMPT_STREAMED = "request/long-prompt", "request/long-prompt-streamed"
JSON_MODE = 'Reply with this JSON object and nothing else: {"ok": true}'
_WHOLE_NUMBERS: Mapping[str, int] = {"n": 1, "seed": 7}
_AS_SDKS: Mapping[str, Any] = {"headers": {"Accept-Encoding": "gzip, deflate"}}
"""What SDKs accept: errors are compressed for them as completions are, or are said to be."""
FORM = b"model=any&messages=Say+hello."


def error_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests that must be refused, and those that may be."""
    yield from _ambiguous(body)
    if body.has("stream"):
        streamed = invalid_request(body, stream=True)
        if streamed is not None:
            about = "an invalid request that asks for a stream"
            yield refused_probe("error/streamed", about, streamed, tier=Tier.SMOKE)
    null_message = _with_null_message(body)
    if body.forbids(null_message):
        yield refused_probe("error/messages-null-element", "a message that is null", null_message, **_AS_SDKS)
    yield from _broken_messages(body)
    yield from _media_types(body)
    yield from _elsewhere(body)
    if body.has("model") and not _model_is_enumerated(body):
        yield from _unknown_model(body)
    request = {**body.asking(JSON_MODE, tokens=64), "response_format": {"type": "json_object"}}
    about = "a completion in JSON mode, which only some deployments support"
    yield either_probe("request/json-mode", about, request, tier=Tier.EXHAUSTIVE)
    yield either_probe(
        "request/unknown-field", "a field that no document names", {**body.capped(CHEAP), UNKNOWN_FIELD: 1}
    )


def invalid_request(body: RequestBody, **fields: Any) -> dict[str, Any] | None:
    """A request that the contract forbids, for what is wrong with its messages, if possible; None where none is known.

    `fields` are further ones that it has.
    """
    without = body.without("messages")
    candidates = (without, {**without, "messages": 7}, {**without, "messages": [7]}, {**without, "model": 7})
    return next((one for one in ({**wrong, **fields} for wrong in candidates) if body.forbids(one)), None)


def malformed_probes(body: RequestBody) -> Iterator[Probe]:
    """Bodies that are not one JSON object in UTF-8."""
    valid = _hello(body)
    for name, about, raw, tier in (
        ("cut", "a JSON body that breaks off", valid[:-5], Tier.SMOKE),
        ("empty", "an empty body", b"", Tier.STANDARD),
        ("array", "a JSON array instead of an object", b"[" + valid + b"]", Tier.EXHAUSTIVE),
        ("null", "null instead of an object", b"null", Tier.EXHAUSTIVE),
        ("number", "a number instead of an object", b"7", Tier.EXHAUSTIVE),
        ("trailing-comma", "an object with a trailing comma", valid[:-1] + b",}", Tier.EXHAUSTIVE),
        ("two-documents", "two JSON documents", valid + valid, Tier.EXHAUSTIVE),
        ("not-a-number", "the literal NaN", valid[:-1] + b', "temperature": NaN}', Tier.STANDARD),
        ("invalid-utf8", "bytes that are not UTF-8", valid.replace(b"Say hello", b"Say \xff\xfe"), Tier.STANDARD),
    ):
        yield refused_probe(f"error/json-{name}", about, raw, tier=tier, completion_tokens=CHEAP)


def _ambiguous(body: RequestBody) -> Iterator[Probe]:
    """Bodies that parsers read differently: they may be served or refused, and must break nothing."""
    model = body.base.get("model", _default_model(body))
    if body.has("model") and isinstance(model, str):
        # What authorizes a request may read the first, and what runs it the last.
        named = {**body.asking("Say hello.", tokens=CHEAP), "model": model}
        twice = json.dumps(named).encode()[:-1] + b', "model": "' + UNKNOWN_MODEL.encode() + b'"}'
        about = "a body in which `model` stands twice, first as it is and then as one that does not exist"
        yield either_probe("error/duplicate-model", about, twice, completion_tokens=CHEAP)
    if body.limit_field:
        whole = {name: value for name, value in _WHOLE_NUMBERS.items() if body.has(name)}
        integral = json.dumps({**body.asking("Say hello.", tokens=CHEAP), **whole})
        for name, value in {**whole, body.limit_field: CHEAP}.items():
            integral = integral.replace(f'"{name}": {value}', f'"{name}": {value}.0')
        about = "integers that are written with a decimal point"
        raw = integral.encode()
        yield either_probe("request/integral-float", about, raw, completion_tokens=CHEAP, tier=Tier.EXHAUSTIVE)


def odd_text_probes(body: RequestBody) -> Iterator[Probe]:
    """Texts that have taken servers down; each may be served or refused, and what it breaks must be known."""
    valid = _hello(body)
    for name, about, inside, tier in (
        ("request/lone-surrogate", "half of a surrogate pair in a message", b"\\ud83d", Tier.STANDARD),
        ("request/escaped-nul", "an escaped NUL character in a message", b"\\u0000", Tier.STANDARD),
        ("request/raw-nul", "a NUL byte in a message", b"\0", Tier.EXHAUSTIVE),
    ):
        raw = valid.replace(b"Say hello", b"Say " + inside + b" hello")
        yield either_probe(name, about, raw, completion_tokens=CHEAP, tier=tier)
    if body.has("stream"):
        asked = json.dumps({**body.asking("Say hello.", tokens=CHEAP), "stream": True}).encode()
        raw, about = asked.replace(b"Say hello", b"Say \\ud83d hello"), "half of a surrogate pair, asking for a stream"
        yield either_probe(SURROGATE_STREAMED, about, raw, completion_tokens=CHEAP, tier=Tier.EXHAUSTIVE)
    text = body.asking("", tokens=CHEAP)
    yield either_probe("request/empty-text", "a message with an empty text", text, tier=Tier.EXHAUSTIVE)
    yield _beyond_the_window(body)


def _beyond_the_window(body: RequestBody) -> Probe:
    """A prompt that most models cannot read; where it is not served, the same once more for a stream."""
    many = body.asking("a " * TOO_MANY_WORDS, tokens=CHEAP)
    about = f"a prompt of {TOO_MANY_WORDS} words"
    streamed = either_probe(
        LONG_PROMPT_STREAMED, f"{about}, asking for a stream", {**many, "stream": True}, tier=Tier.EXHAUSTIVE
    )
    return either_probe(
        LONG_PROMPT,
        about,
        many,
        tier=Tier.EXHAUSTIVE,
        instead=(streamed,) if body.has("stream") else (),
        apart_unless_served=body.has("stream"),
    )


def _with_null_message(body: RequestBody) -> dict[str, Any]:
    valid = body.capped(CHEAP)
    messages = valid.get("messages")
    return {**valid, "messages": [None, *(messages[1:] if isinstance(messages, list) else ())]}


def _broken_messages(body: RequestBody) -> Iterator[Probe]:
    """Conversations of three messages of which one is not a message by the contract's schema."""
    turns: list[dict[str, Any]] = body.woven(
        [
            {"role": "user", "content": "Say hello."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "Say it again."},
        ]
    )
    for place, where in enumerate(("first", "second", "last")):
        for member, change in (("role", {"role": UNKNOWN_ROLE}), ("content", {"content": 7}), ("missing", None)):
            if change is None and turns[place]["role"] == "assistant":
                continue  # calls of tools may stand in the place of its content
            changed = {"role": turns[place]["role"]} if change is None else {**turns[place], **change}
            broken = [changed if number == place else one for number, one in enumerate(turns)]
            request = {**body.capped(CHEAP), "messages": broken}
            if body.forbids(request) and body.accepts({**request, "messages": turns}):
                about = f"a conversation of three messages whose {where} has {_BROKEN_MEMBERS[member]}"
                yield refused_probe(f"{BROKEN_MESSAGE}{where}-{member}", about, request)


def _hello(body: RequestBody) -> bytes:
    """A valid request whose only text is a greeting, which other bytes can replace."""
    return json.dumps(body.asking("Say hello.", tokens=CHEAP)).encode()


def _media_types(body: RequestBody) -> Iterator[Probe]:
    """Bodies that are declared as something else, or as JSON in another spelling."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    cost: Mapping[str, Any] = {"completion_tokens": CHEAP}
    plain_text: Mapping[str, str | None] = {"Content-Type": "text/plain"}
    yield refused_probe("error/text-plain", "a JSON body declared as text/plain", valid, headers=plain_text, **cost)
    form: Mapping[str, str | None] = {"Content-Type": "application/x-www-form-urlencoded"}
    yield refused_probe("error/form", "the fields of a form", FORM, headers=form, tier=Tier.EXHAUSTIVE, **cost)
    missing: Mapping[str, str | None] = {"Content-Type": None}
    about = "a JSON body without a Content-Type"
    yield either_probe("request/no-content-type", about, valid, headers=missing, tier=Tier.EXHAUSTIVE, **cost)
    for name, about, declared, tier in (
        ("charset", "a JSON body with a charset", "application/json; charset=utf-8", Tier.STANDARD),
        ("upper-case", "a JSON body whose media type is in upper case", "APPLICATION/JSON", Tier.EXHAUSTIVE),
    ):
        headers: Mapping[str, str | None] = {"Content-Type": declared}
        yield served_probe(f"request/media-type-{name}", about, body.capped(CHEAP), headers=headers, tier=tier)


def _elsewhere(body: RequestBody) -> Iterator[Probe]:
    """Routes and methods that the operation does not have."""
    yield other_method(body)
    for method in ("DELETE", "PATCH"):
        about = f"{method} instead of POST"
        yield refused_probe(f"error/method-{method.lower()}", about, None, method=method, tier=Tier.EXHAUSTIVE)
    # Some platforms list stored completions by GET.
    yield either_probe(
        "error/method-get", "GET instead of POST", None, method="GET", tier=Tier.EXHAUSTIVE, completion_tokens=0
    )
    yield unknown_route(body)


def other_method(body: RequestBody) -> Probe:
    """The smallest request by a method that the operation does not have."""
    return refused_probe("error/method", "PUT instead of POST", body.capped(CHEAP), method="PUT")


def unknown_route(body: RequestBody) -> Probe:
    """The smallest request at a path that no platform has."""
    route = "/chat-conformance/no-such-route"
    return refused_probe("error/unknown-route", "a route that does not exist", body.capped(CHEAP), path=route)


def _unknown_model(body: RequestBody) -> Iterator[Probe]:
    unknown = {**body.capped(CHEAP), "model": UNKNOWN_MODEL}
    yield refused_probe("error/unknown-model", "a model that does not exist", unknown, **_AS_SDKS)
    if body.has("stream"):
        about = "a stream by a model that does not exist"
        yield refused_probe("error/unknown-model-streamed", about, {**unknown, "stream": True})


def _default_model(body: RequestBody) -> Any:
    """The model of a request that names none, where the contract says which it is."""
    schema = body.contract.operation.properties.get("model", True)
    named = {} if isinstance(schema, bool) else schema
    return named.get("default", next(iter(named.get("enum", ())), None))


def _model_is_enumerated(body: RequestBody) -> bool:
    schema = body.contract.operation.properties.get("model", True)
    return isinstance(schema, Mapping) and "enum" in schema
