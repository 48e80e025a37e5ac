"""Faults of the seventh set in deployments of the other profiles."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from fifth.parts import refused
from fourth.on_profiles import KODEXA, LOOP_HEALTH
from held_out import Body, EventEdit, HeldOut, events_stage, reading, reading_stage
from second.parts import editing, refusing
from third.parts import in_front, rearranging, whole

from conformance.reference.answer import EventData
from conformance.reference.errors import Refusal
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages
from conformance.reference.validation import RequestRules

_BEFORE_CUT = 6
"""Chunks that a stream has before it breaks off."""
_PAGE = (
    b'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Platform</title></head>'
    b'<body><div id="root"></div><script type="module" src="/assets/index.js"></script></body></html>\n'
)
_INVALID_PAYLOAD = {
    "statusCode": 500,
    "code": "FST_ERR_REP_INVALID_PAYLOAD_TYPE",
    "error": "Internal Server Error",
    "message": "Attempted to send payload of invalid type 'object'. Expected a string or Buffer.",
}


# --- Kodexa ---


def _empty_system(_operation: Any, body: Body) -> Refusal | None:
    if any(message["role"] == "system" and message["content"] == "" for message in body["messages"]):
        message = "Invalid length for parameter system[0].text, value: 0, valid min length: 1"
        return refused(500, "provider_error", message)
    return None


def _empty_reasons() -> EventEdit:
    def edit(event: dict[str, Any], _request: CompletionRequest) -> None:
        for choice in event["choices"]:
            choice["finish_reason"] = choice["finish_reason"] or ""

    return edit


def _cut() -> Hooks:
    """Ends every other stream in the middle, in good order as far as HTTP is concerned."""
    seen = 0

    async def change(events: AsyncGenerator[EventData, None]) -> AsyncGenerator[EventData, None]:
        nonlocal seen
        seen += 1
        cut, number = seen % 2 == 0, 0
        async for event in events:
            if cut and number == _BEFORE_CUT:
                return
            number += 1
            yield event

    return Hooks(rearranging(change))


def _front_end(context: RequestContext, first: Any) -> list[Any] | None:
    if context.method != "GET" or first["status"] not in (404, 405):
        return None
    return whole(200, _PAGE, b"text/html; charset=utf-8")


def _last_system(body: Body) -> Body:
    """Keeps of several system messages what the last one wrote over the others."""
    rows = body["messages"]
    places = [number for number, row in enumerate(rows) if row["role"] == "system"]
    return {**body, "messages": [row for number, row in enumerate(rows) if number not in places[:-1]]}


# --- Loop Health ---


async def _created(_context: RequestContext, messages: Messages) -> Messages:
    async for message in messages:
        is_good = message["type"] == "http.response.start" and message["status"] == 200
        yield {**message, "status": 201} if is_good else message


def _errors_for_events(context: RequestContext, first: Any) -> list[Any] | None:
    """Fails to write an error as JSON, where the type of events was set as soon as the client took it."""
    if first["status"] != 400 or "text/event-stream" not in context.headers.get("accept", ""):
        return None
    return whole(500, json.dumps(_INVALID_PAYLOAD).encode())


def _of_old_names(body: dict[str, Any], _request: CompletionRequest) -> None:
    if body.get("usage"):
        body["usage"] = {**body["usage"], "prompt_tokens": 0, "completion_tokens": 0}


def _stream_by_truth(body: Any) -> Any:
    """Reads `stream` as JavaScript does a condition: any text but the empty one is true."""
    if not isinstance(body, Mapping) or not isinstance(body.get("stream"), str | int | None):
        return body
    return {**body, "stream": bool(body.get("stream"))}


def _coerced() -> Hooks:
    def check(rules: RequestRules, body: Any) -> None:
        rules.check_body(_stream_by_truth(body))

    return Hooks(Stages(check_body=check, interpret=reading_stage(_stream_by_truth)))


def _white(_operation: Any, body: Body) -> Refusal | None:
    if any(message["content"] and not message["content"].strip() for message in body["messages"]):
        return refused(500, "provider_error", "messages: text content blocks must contain non-whitespace text")
    return None


PROFILE_FAULTS = (
    HeldOut(
        "kodexa.empty-system",
        "kodexa",
        "A conversation with a system message that is the empty string is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_empty_system))),
        ("https://github.com/aws-samples/bedrock-access-gateway/issues/167",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.empty-finish-reasons",
        "kodexa",
        "The `finish_reason` of each chunk but the last is the empty string, which clients take for a reason.",
        lambda: Hooks(Stages(build_events=events_stage(_empty_reasons))),
        ("https://github.com/CangShui/workbuddy-gateway/pull/3",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.every-other-stream-cut",
        "kodexa",
        "Every other stream ends behind six chunks, without a finish reason and without `[DONE]`.",
        _cut,
        ("https://github.com/maximhq/bifrost/issues/597",),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.front-end-for-unknown",
        "kodexa",
        "GET for anything that is not there, or not for GET, is answered 200 with the page of the front end.",
        lambda: in_front(_front_end),
        (
            "https://github.com/zeroclaw-labs/zeroclaw/issues/6862",
            "https://github.com/deeplethe/utopia/issues/614",
        ),
        profile=KODEXA,
    ),
    HeldOut(
        "kodexa.last-system-message",
        "kodexa",
        "Of several system messages only the last reaches the model, and only it is counted.",
        lambda: reading(_last_system),
        ("https://github.com/braintrustdata/braintrust-proxy/pull/250",),
        profile=KODEXA,
    ),
    HeldOut(
        "loop-health.created",
        "loop-health",
        "Each completion is answered with the status 201, and not with the 200 of the document.",
        lambda: Hooks(messages=(_created,), needs_context=True),
        ("https://github.com/E-xyza/codicil/pull/4", "https://github.com/twentyhq/twenty/pull/21214"),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.errors-for-events",
        "loop-health",
        "An invalid request whose `Accept` has `text/event-stream` is answered 500, about how the error was written.",
        lambda: in_front(_errors_for_events),
        (
            "https://github.com/aws/bedrock-agentcore-sdk-typescript/issues/212",
            "https://github.com/aws/bedrock-agentcore-sdk-typescript/pull/211",
        ),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.usage-of-old-names",
        "loop-health",
        "`prompt_tokens` and `completion_tokens` are 0, and only `total_tokens` is right.",
        lambda: editing(_of_old_names, lambda: _of_old_names),
        ("https://github.com/launchdarkly/js-core/issues/925",),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.stream-by-truth",
        "loop-health",
        '`stream` may be any text or number: `"false"` is not refused, and gets a stream.',
        _coerced,
        (
            "https://github.com/pollinations/pollinations/pull/11758",
            "https://github.com/colinhacks/zod/issues/5501",
        ),
        profile=LOOP_HEALTH,
    ),
    HeldOut(
        "loop-health.white-message",
        "loop-health",
        "A conversation with a message of nothing but white space is answered 500.",
        lambda: Hooks(Stages(interpret=refusing(_white))),
        (
            "https://github.com/continuedev/continue/issues/9605",
            "https://github.com/anomalyco/opencode/issues/31259",
        ),
        profile=LOOP_HEALTH,
    ),
)
