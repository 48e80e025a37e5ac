"""Faults of the seventh set in what is refused, how, and in what is read of a request."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from typing import Any

from fifth.parts import refused
from held_out import Body, HeldOut
from second.parts import refusing, takes_gzip
from third.parts import EVENT_STREAM, asks_for_completion, in_front, rewritten, whole

from conformance.contract.dialect import Dialect
from conformance.contract.model import CredentialScheme
from conformance.reference.access import Fields, authenticate
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext, current
from conformance.reference.settings import Tenant
from conformance.reference.stages import Stages


def _no_properties(_operation: Any, body: Body) -> Refusal | None:
    for tool in body.get("tools") or ():
        held = tool.get("function")
        schema = held.get("parameters") if isinstance(held, Mapping) else None
        if isinstance(schema, Mapping) and schema.get("type") == "object" and "properties" not in schema:
            message = "Invalid schema for function: In context=(), object schema missing properties."
            return refused(400, "invalid_function_parameters", message, "tools")
    return None


def _streams_unchecked(scheme: CredentialScheme, dialect: Dialect, tenants: Iterable[Tenant], fields: Fields) -> Tenant:
    """Looks at no key where a stream is asked for: another handler answers that, and has no check."""
    try:
        return authenticate(scheme, dialect, tenants, fields)
    except Refusal:
        if not current.get().streams:
            raise
        return next(iter(tenants))


def _results_in_succession(_operation: Any, body: Body) -> Refusal | None:
    before = ""
    for number, message in enumerate(body["messages"]):
        if before == message["role"] == "tool":
            found = f"Expected toolResult blocks at messages.{number - 1}.content for the ids of all calls."
            return refused(400, "invalid_request_error", found, "messages")
        before = message["role"]
    return None


def _has_sound(message: Mapping[str, Any]) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(part.get("type") == "input_audio" for part in content)


def _without_sounds(
    operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body
) -> CompletionRequest:
    """Leaves out each message with a sound, which nothing converts."""
    kept = [message for message in body["messages"] if not _has_sound(message)]
    if not kept:
        raise refused(400, "invalid_request_error", "messages: at least one message is required", "messages")
    return interpret(operation, dialect, settings, scores_tokens=scores_tokens, body={**body, "messages": kept})


def _packed_message(context: RequestContext, status: int, body: Any) -> Any:
    """Shows as the message what the server behind said, still packed, and read as UTF-8."""
    if status != 400 or not takes_gzip(context.headers.get("accept-encoding", "")):
        return None
    packed = gzip.compress(json.dumps(body).encode(), mtime=0)
    body["error"]["message"] = packed.decode("utf-8", "replace")
    return body


def _key_as_param(context: RequestContext, status: int, body: Any) -> Any:
    key = context.headers.get("authorization", "").partition(" ")[2]
    if status != 401 or not key:
        return None
    body["error"]["param"] = key
    return body


def _nothing_for_events(context: RequestContext, first: Any) -> list[Any] | None:
    """Begins a stream before it knows the status of the server behind, and loses a body without a line feed."""
    accepted = context.headers.get("accept", "")
    if first["status"] < 400 or not asks_for_completion(context):
        return None
    return whole(200, b"", EVENT_STREAM) if accepted.strip() == "text/event-stream" else None


async def _coding_of_errors(context: RequestContext, messages: Messages) -> Messages:
    """Passes on what it has unpacked with the field that says that it is packed."""
    async for message in messages:
        is_error = message["type"] == "http.response.start" and message["status"] == 404
        if is_error and asks_for_completion(context) and takes_gzip(context.headers.get("accept-encoding", "")):
            yield {**message, "headers": [*message.get("headers", ()), (b"content-encoding", b"gzip")]}
        else:
            yield message


REQUEST_FAULTS = (
    HeldOut(
        "request.no-properties",
        "request",
        'A function whose parameters are `{"type": "object"}`, without `properties`, is refused with 400.',
        lambda: Hooks(Stages(interpret=refusing(_no_properties))),
        ("https://github.com/ericc-ch/copilot-api/pull/192",),
    ),
    HeldOut(
        "access.streams-unchecked",
        "access",
        "A request for a stream is served with a wrong key, or with none; whole answers need the right one.",
        lambda: Hooks(Stages(authenticate=_streams_unchecked), reads_first=True, needs_context=True),
        ("https://github.com/IIIIIllllIIIIIlllll/llama.cpp-hub/pull/51",),
    ),
    HeldOut(
        "turn.results-in-succession",
        "turn",
        "A conversation with the results of two calls, one behind the other, is refused with 400.",
        lambda: Hooks(Stages(interpret=refusing(_results_in_succession))),
        (
            "https://github.com/mlflow/mlflow/issues/24296",
            "https://github.com/microsoft/semantic-kernel/issues/14073",
        ),
    ),
    HeldOut(
        "part.audio-takes-the-message",
        "part",
        "A message with a part `input_audio` is left out with its text; where no other is left, the answer is 400.",
        lambda: Hooks(Stages(interpret=_without_sounds)),
        ("https://github.com/BerriAI/litellm/issues/41912", "https://github.com/BerriAI/litellm/pull/41937"),
    ),
    HeldOut(
        "error.packed-message",
        "error",
        "To a client that takes gzip the message of a 400 is another error in gzip, read as if it were UTF-8.",
        lambda: rewritten(_packed_message),
        ("https://github.com/router-for-me/CLIProxyAPI/issues/1895",),
    ),
    HeldOut(
        "error.key-as-param",
        "error",
        "The 401 for a key that is not known has the whole key as its `param`.",
        lambda: rewritten(_key_as_param),
        ("https://github.com/BerriAI/litellm/issues/18731", "https://github.com/BerriAI/litellm/pull/25203"),
    ),
    HeldOut(
        "error.nothing-for-events",
        "error",
        "With `Accept: text/event-stream` each error is a 200 with a stream of events that has none.",
        lambda: in_front(_nothing_for_events),
        ("https://github.com/inference-gateway/inference-gateway/pull/578",),
    ),
    HeldOut(
        "http.coding-of-errors",
        "http",
        "To a client that takes gzip a 404 for its model says `Content-Encoding: gzip`, and its body is plain JSON.",
        lambda: Hooks(messages=(_coding_of_errors,), needs_context=True),
        ("https://github.com/tombii/better-ccflare/pull/243",),
    ),
)
