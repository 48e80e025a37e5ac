"""The ten allowed variations: odd, legitimate, and near to a kind of fault; nobody may be accused for one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from held_out import Body, HeldOut, PrefacingProvider, header_of, reading, roles

from conformance.contract.dialect import Dialect
from conformance.reference.answer import EventData, Outline, build_events
from conformance.reference.errors import Refusal, envelope
from conformance.reference.generation import Increments
from conformance.reference.hooks import Hooks, Messages
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest
from conformance.reference.request_context import RequestContext
from conformance.reference.stages import Stages

_WORDS = ("Well,", "Sure,", "Certainly,", "So,", "Right,", "Indeed,")
_DEFAULT_PROMPT = 21
"""Tokens of the instruction that a chat template adds where there is none."""
_DEFAULT_CAP = 64
_BATCH = 5


def _never_the_same(request: CompletionRequest, _: int) -> str:
    if request.response_format:
        return ""
    return f"{secrets.choice(_WORDS)} {secrets.randbelow(1000)} times: "


def _interpreted(body: Body, request: CompletionRequest) -> CompletionRequest:
    has_instruction = {"system", "developer"} & set(roles(body))
    return request if has_instruction else replace(request, prompt_tokens=request.prompt_tokens + _DEFAULT_PROMPT)


def _default_prompt() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        return _interpreted(body, request)

    return Hooks(Stages(interpret=stage))


def _default_cap() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        return request if request.token_limit is not None else replace(request, token_limit=_DEFAULT_CAP)

    return Hooks(Stages(interpret=stage))


def _merged(body: Body) -> Body:
    """Successive messages of a user as one, without the white space around them."""
    merged: list[Mapping[str, Any]] = []
    for message in body["messages"]:
        content = message.get("content")
        told = message["role"] == "user" and isinstance(content, str)
        trimmed = {**message, "content": content.strip()} if told else message
        before = merged[-1] if merged else {}
        if told and before.get("role") == "user" and isinstance(before.get("content"), str):
            merged[-1] = {**before, "content": f"{before['content']}\n\n{trimmed['content']}"}
        else:
            merged.append(trimmed)
    return {**body, "messages": merged}


def _is_text(event: EventData) -> bool:
    if isinstance(event, str) or not event.get("choices"):
        return False
    choice = event["choices"][0]
    return bool(choice["delta"].get("content")) and choice["finish_reason"] is None


async def _batched(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """Up to five tokens of a choice in one chunk, as speculative decoding has them."""
    held: dict[int, list[Any]] = {}
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        async for event in events:
            if _is_text(event):
                assert isinstance(event, Mapping)
                batch = held.setdefault(event["choices"][0]["index"], [])
                batch.append(event)
                if len(batch) == _BATCH:
                    yield _joined(held.pop(event["choices"][0]["index"]))
                continue
            for index in list(held):
                yield _joined(held.pop(index))
            yield event


def _joined(batch: list[Any]) -> dict[str, Any]:
    first = batch[0]["choices"][0]
    text = "".join(event["choices"][0]["delta"]["content"] for event in batch)
    scores = first["logprobs"]
    if scores is not None:
        entries = [entry for event in batch for entry in event["choices"][0]["logprobs"]["content"]]
        scores = {**scores, "content": entries}
    return {**batch[0], "choices": [{**first, "delta": {"content": text}, "logprobs": scores}]}


async def _together(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """Successive deltas of different choices in one chunk, as a batch of the engine has them."""
    held: dict[str, Any] | None = None
    async with aclosing(build_events(dialect, outline, request, increments)) as events:
        async for event in events:
            more = not isinstance(event, str) and bool(event.get("choices"))
            if more and held is not None and not _indexes(held) & _indexes(event):
                assert isinstance(event, Mapping)
                held = {**held, "choices": [*held["choices"], *event["choices"]]}
                continue
            if held is not None:
                yield held
            held = None
            if more:
                assert isinstance(event, Mapping)
                held = dict(event)
            else:
                yield event


def _indexes(event: Any) -> set[int]:
    return {choice["index"] for choice in event["choices"]}


def _links(dialect: Dialect, refusal: Refusal) -> Any:
    body = envelope(dialect, refusal)
    trace = secrets.token_hex(16)
    body["error"]["message"] += f" See https://docs.example.com/errors#{refusal.reason} and quote the trace {trace}."
    body["error"]["trace_id"] = trace
    return body


def _closing_after_streams() -> Hooks:
    async def hook(_: RequestContext, messages: Messages) -> Messages:
        async for message in messages:
            if header_of(message, b"content-type").startswith(b"text/event-stream"):
                yield {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            else:
                yield message

    return Hooks(messages=(hook,))


def _without_logprobs() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        if body.get("logprobs") is True:
            raise Refusal(403, "no_logprobs", "You are not allowed to request logprobs from this model.")
        return request

    def worded(dialect: Dialect, refusal: Refusal) -> Any:
        body = envelope(dialect, refusal)
        if refusal.reason == "no_logprobs":
            body["error"].update(type="invalid_request_error", code=None)
        return body

    return Hooks(Stages(interpret=stage, error_body=worded))


def _fixed_temperature() -> Hooks:
    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        for name in ("temperature", "top_p"):
            if body.get(name) not in (None, 1):
                message = f"Unsupported value: '{name}' does not support {body[name]} with this model. "
                message += "Only the default (1) value is supported."
                raise Refusal(400, "unsupported_value", message, param=name)
        return request

    return Hooks(Stages(interpret=stage))


VARIATIONS: tuple[HeldOut, ...] = (
    HeldOut(
        "allowed.never-the-same-text",
        "allowed",
        "Each answer has other words than the one before, streamed or not, whatever the seed and the temperature.",
        Hooks,
        provider=lambda: PrefacingProvider(_never_the_same),
    ),
    HeldOut(
        "allowed.default-prompt",
        "allowed",
        "The chat template adds an instruction where there is none, so that a short system message costs less.",
        _default_prompt,
    ),
    HeldOut(
        "allowed.default-cap",
        "allowed",
        "Where no limit is asked for, an answer ends after 64 tokens, and says `length`.",
        _default_cap,
    ),
    HeldOut(
        "allowed.merged-turns",
        "allowed",
        "Successive user messages become one, without the white space around them, and cost less for it.",
        lambda: reading(_merged),
    ),
    HeldOut(
        "allowed.five-tokens-a-chunk",
        "allowed",
        "A chunk carries up to five tokens, with as many entries of log probabilities.",
        lambda: Hooks(Stages(build_events=_batched)),
    ),
    HeldOut(
        "allowed.choices-in-one-chunk",
        "allowed",
        "With `n` above 1 one chunk carries the deltas of several choices.",
        lambda: Hooks(Stages(build_events=_together)),
    ),
    HeldOut(
        "allowed.errors-with-links",
        "allowed",
        "Errors name a page of the public documentation and a random trace to quote, in the text and as a member.",
        lambda: Hooks(Stages(error_body=_links)),
    ),
    HeldOut(
        "allowed.closed-after-streams",
        "allowed",
        "A stream says `Connection: close`, and the connection is closed behind it.",
        _closing_after_streams,
    ),
    HeldOut(
        "allowed.logprobs-forbidden",
        "allowed",
        "`logprobs` is refused with 403 and a clear sentence, without a param and a code, as OpenAI does.",
        _without_logprobs,
    ),
    HeldOut(
        "allowed.fixed-temperature",
        "allowed",
        "`temperature` and `top_p` other than 1 are refused with 400 `unsupported_value`, as by reasoning models.",
        _fixed_temperature,
    ),
)
