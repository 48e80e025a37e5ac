"""The small parts of which the faults and variations of the fourth set are made, beside those of the other sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from held_out import header_of, without
from third.parts import EVENT_STREAM, asks_for_completion, whole

from conformance.reference.hooks import Hooks, Messages
from conformance.reference.request_context import RequestContext


def refused_within(applies: Callable[[Mapping[str, Any]], bool]) -> Hooks:
    """Answers 200 to requests for streams that are refused with some errors, which become an event each.

    `applies` gets the object `error` of a refusal with 400.
    """

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        start = await anext(messages, None)
        if start is None:
            return
        if start["status"] != 400 or not context.streams or not asks_for_completion(context):
            yield start
            async for message in messages:
                yield message
            return
        body = b"".join([message.get("body", b"") async for message in messages])
        if applies(json.loads(body)["error"]):
            for message in whole(200, b"data: " + body + b"\n\ndata: [DONE]\n\n", EVENT_STREAM):
                yield message
        else:
            yield start
            yield {"type": "http.response.body", "body": body}

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)


def ended_otherwise(reasons: Mapping[str, str]) -> Callable[[dict[str, Any], Any], None]:
    """An edit of whole answers and of chunks that gives other reasons for which choices ended."""

    def edit(body: dict[str, Any], _request: Any) -> None:
        for choice in body["choices"]:
            choice["finish_reason"] = reasons.get(choice["finish_reason"], choice["finish_reason"])

    return edit


def whole_bodies(
    applies: Callable[[RequestContext], bool], media_type: bytes | None, change: Callable[[bytes], list[bytes]]
) -> Hooks:
    """Sends the bodies of completions that are whole in other pieces, without a length, maybe as another type."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        start = await anext(messages, None)
        if start is None:
            return
        is_whole = start["status"] == 200 and header_of(start, b"content-type").startswith(b"application/json")
        if not is_whole or not asks_for_completion(context) or not applies(context):
            yield start
            async for message in messages:
                yield message
            return
        body = b"".join([message.get("body", b"") async for message in messages])
        fields = without(start["headers"], b"content-length")
        if media_type is not None:
            fields = [*without(fields, b"content-type"), (b"content-type", media_type)]
        yield {**start, "headers": fields}
        for piece in change(body):
            yield {"type": "http.response.body", "body": piece, "more_body": True}
        yield {"type": "http.response.body", "body": b""}

    return Hooks(messages=(hook,), reads_first=True, needs_context=True)
