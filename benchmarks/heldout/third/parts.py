"""The small parts of which the faults and variations of the third set are made, beside those of the other sets."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from held_out import Body, HeaderFields, header_of, without

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_events
from conformance.reference.errors import Refusal
from conformance.reference.generation import Finish, Increments, Text
from conformance.reference.hooks import Hooks, MessageHook, Messages
from conformance.reference.provider import CompletionRequest, Provider
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

EVENT_STREAM = b"text/event-stream; charset=utf-8"
JSON = b"application/json"
Applies = Callable[[RequestContext], bool]


# --- requests ---


def changed_contents(body: Body, change: Callable[[list[Any]], list[Any]]) -> Body:
    """The body with other parts in those messages that consist of parts."""
    rows = [
        {**row, "content": change(row["content"])} if isinstance(row.get("content"), list) else row
        for row in body["messages"]
    ]
    return {**body, "messages": rows}


def parts_of(body: Body) -> Iterator[Mapping[str, Any]]:
    """All parts of all messages that consist of parts."""
    for row in body["messages"]:
        content = row.get("content")
        yield from content if isinstance(content, list) else ()


def leaving_out(body: Body, *names: str) -> Body:
    """The body without some of its fields."""
    return {name: value for name, value in body.items() if name not in names}


def asks_for_completion(context: RequestContext) -> bool:
    """Whether a request is for a completion."""
    return context.method == "POST" and context.path.endswith("/chat/completions")


# --- answers ---


def replaced(value: Any, change: Callable[[str], str]) -> Any:
    """A JSON value with each of its strings changed, but for the names of members."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [replaced(one, change) for one in value]
    if isinstance(value, dict):
        return {name: replaced(one, change) for name, one in value.items()}
    return value


def rearranging(change: Callable[[AsyncGenerator[EventData, None]], AsyncGenerator[EventData, None]]) -> Stages:
    """The stages of a deployment that sends other events, or in another order."""

    async def stage(
        dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
    ) -> AsyncGenerator[EventData, None]:
        usual = build_events(dialect, outline, request, increments)
        async with aclosing(usual), aclosing(change(usual)) as events:
            async for event in events:
                yield event

    return Stages(build_events=stage)


def token_of(provider: Provider, request: CompletionRequest, choice: int, text: str) -> Text:
    """A token of a choice with its score, where scores are asked for."""
    number = request.alternatives
    return Text(choice, text, None if number is None else provider.score(text, number))


async def between(
    provider: Provider, request: CompletionRequest, usual: Increments, before: str, after: str
) -> Increments:
    """What is generated, with one more token before each text, and one behind it; empty ones are not added."""
    added: dict[int, int] = {}
    async for increment in usual:
        choice = increment.choice
        if isinstance(increment, Text) and choice not in added:
            added[choice] = 0
            if before:
                added[choice] += 1
                yield token_of(provider, request, choice, before)
        if isinstance(increment, Finish):
            if after and choice in added and increment.reason == "stop":
                added[choice] += 1
                yield token_of(provider, request, choice, after)
            count = increment.completion_tokens + added.get(choice, 0)
            yield Finish(choice, increment.reason, count, increment.prompt_tokens, increment.reasoning_tokens)
        else:
            yield increment


def named_schema(request: CompletionRequest) -> str | None:
    """The name of the schema that the answer must fit, or None."""
    form = request.response_format
    return str(form["json_schema"].get("name", "")) if form.get("type") == "json_schema" else None


# --- messages of HTTP ---


def whole(status: int, body: bytes, media_type: bytes = JSON, further: HeaderFields | None = None) -> list[Any]:
    """The messages of an answer that is sent at once."""
    fields = [(b"content-type", media_type), (b"content-length", str(len(body)).encode()), *(further or [])]
    start = {"type": "http.response.start", "status": status, "headers": fields}
    return [start, {"type": "http.response.body", "body": body}]


def in_place_of(choose: Callable[[RequestContext, Any], Iterable[Any] | None]) -> MessageHook:
    """Answers some requests otherwise; `choose` sees the start of the usual answer, and gives the other one or None."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        first = await anext(messages, None)
        if first is None:
            return
        other = choose(context, first)
        if other is not None:
            for message in other:
                yield message
            return
        yield first
        async for message in messages:
            yield message

    return hook


def in_front(choose: Callable[[RequestContext, Any], Iterable[Any] | None]) -> Hooks:
    """A layer in front that answers some requests itself."""
    return Hooks(messages=(in_place_of(choose),), reads_first=True, needs_context=True)


def every(number: int, answer: Callable[[], list[Any]]) -> Hooks:
    """Answers each so-many-th request for a completion otherwise."""
    seen = 0

    def choose(context: RequestContext, first: Any) -> list[Any] | None:
        nonlocal seen
        if not asks_for_completion(context) or first["status"] != 200:
            return None
        seen += 1
        return answer() if seen % number == 0 else None

    return in_front(choose)


def with_fields(applies: Applies, *further: tuple[bytes, bytes]) -> Hooks:
    """Adds header fields to some answers."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if message["type"] == "http.response.start" and applies(context):
                message["headers"] = [*message.get("headers", ()), *further]
            yield message

    return Hooks(messages=(hook,), needs_context=True)


def rewritten(change: Callable[[RequestContext, int, Any], Any]) -> Hooks:
    """Changes the JSON of answers that are sent at once; `change` gets the status, and gives None to change nothing."""

    async def hook(context: RequestContext, messages: Messages) -> Messages:
        start = await anext(messages, None)
        if start is None:
            return
        if not header_of(start, b"content-type").startswith(JSON):
            yield start
            async for message in messages:
                yield message
            return
        body = b"".join([message.get("body", b"") async for message in messages])
        other = change(context, start["status"], json.loads(body))
        if other is not None:
            body = json.dumps(other).encode()
            kept = without(start["headers"], b"content-length")
            start = {**start, "headers": [*kept, (b"content-length", str(len(body)).encode())]}
        yield start
        yield {"type": "http.response.body", "body": body}

    return Hooks(messages=(hook,), needs_context=True)


def error(message: str, kind: str, code: str | None, param: str | None = None) -> bytes:
    """The body of an error as the OpenAI API has it."""
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


def failed(message: str = "Internal server error") -> Refusal:
    """The answer of a server that failed at something."""
    return Refusal(500, "internal_error", message)
