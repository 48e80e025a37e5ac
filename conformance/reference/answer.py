"""The objects of an answer: the completion as a whole, and the sequence of events that streams it."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.answer_forms import choice_in_form, completion_in_form
from conformance.reference.errors import ProviderError, envelope, refusal_of
from conformance.reference.generation import Call, Finish, Increments, Text, Thinking
from conformance.reference.provider import CallPiece, CompletionRequest

DONE = "[DONE]"
EventData = Mapping[str, Any] | str
"""The data of one event: a JSON object, or the sentinel."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What all parts of one answer have in common."""

    id: str
    created: int
    """Seconds since 1970, UTC."""
    model: str

    @classmethod
    def of(cls, request: CompletionRequest) -> Outline:
        """A new answer to `request`, with a unique id."""
        return cls(id=f"chatcmpl-{secrets.token_hex(12)}", created=int(time.time()), model=request.model)

    def head(self, kind: str) -> dict[str, Any]:
        """The first members of an object of this answer."""
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


async def build_completion(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> dict[str, Any]:
    """The completion object, once every choice has finished."""
    parts: dict[int, list[Text | Call]] = {choice: [] for choice in range(request.choices)}
    finishes: dict[int, Finish] = {}
    async with aclosing(increments):
        async for increment in increments:
            if isinstance(increment, Text | Call):
                parts[increment.choice].append(increment)
            elif isinstance(increment, Finish):
                finishes[increment.choice] = increment
    choices = [_choice(dialect, request, parts[choice], finishes[choice]) for choice in range(request.choices)]
    body = {**outline.head("chat.completion"), "choices": choices, "usage": usage(dialect, request, finishes.values())}
    return completion_in_form(request, {**body, **_configuration(dialect, request)})


def _choice(dialect: Dialect, request: CompletionRequest, parts: list[Text | Call], finish: Finish) -> dict[str, Any]:
    words = [part for part in parts if isinstance(part, Text)]
    texts = [text for text in words if not _is_refusal(dialect, text)]
    refusal = "".join(text.text for text in words if _is_refusal(dialect, text)) or None
    calls = list(_calls(part.piece for part in parts if isinstance(part, Call)))
    content = None if (calls or refusal) and not texts else "".join(text.text for text in texts)
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = calls
    choice: dict[str, Any] = {"index": finish.choice, "message": message}
    if dialect.has_logprobs:
        message["refusal"] = refusal
        choice["logprobs"] = _logprobs(request, texts)
    return {**choice, "finish_reason": finish.reason}


def _is_refusal(dialect: Dialect, text: Text) -> bool:
    """Whether a text stands in the member `refusal`; a platform without this member has it in `content`."""
    return text.declines and dialect.has_logprobs


def _calls(pieces: Iterable[CallPiece]) -> Iterator[dict[str, Any]]:
    """The calls that pieces add up to."""
    by_index: dict[int, list[CallPiece]] = {}
    for piece in pieces:
        by_index.setdefault(piece.index, []).append(piece)
    for whole in by_index.values():
        first, text = whole[0], "".join(piece.text for piece in whole)
        yield {"id": first.id, "type": first.kind, first.kind: {"name": first.name, _input_of(first): text}}


def _input_of(piece: CallPiece) -> str:
    return "arguments" if piece.kind == "function" else "input"


def _configuration(dialect: Dialect, request: CompletionRequest) -> dict[str, Any]:
    """What an answer says of the deployment that made it."""
    if not dialect.has_usage_details:
        return {}
    tier = {"service_tier": "default"} if "service_tier" in request.further else {}
    return {**tier, "system_fingerprint": "fp_reference"}


def _logprobs(request: CompletionRequest, texts: list[Text]) -> dict[str, Any] | None:
    if request.alternatives is None:
        return None
    return {"content": [text.score for text in texts], "refusal": None}


def usage(dialect: Dialect, request: CompletionRequest, finishes: Iterable[Finish]) -> dict[str, Any]:
    """What the answer cost: the prompt once, and the tokens of every choice."""
    ends = list(finishes)
    prompt = next((end.prompt_tokens for end in ends if end.prompt_tokens), request.prompt_tokens)
    completion = sum(end.completion_tokens for end in ends)
    whole = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    if not dialect.has_usage_details:
        return whole
    thought = sum(end.reasoning_tokens for end in ends)
    details = {"reasoning_tokens": thought, "audio_tokens": 0}
    return {**whole, "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": details}


async def build_events(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """The events of a stream, in order: each choice with its role, its text and its finish; the usage; `[DONE]`.

    A provider that fails in the middle ends the stream with an error object and without `[DONE]`.
    """
    head = {**outline.head("chat.completion.chunk"), **_configuration(dialect, request)}
    no_usage: dict[str, Any] = {"usage": None} if request.include_usage else {}
    finishes: list[Finish] = []
    async with aclosing(increments):
        for index in range(request.choices):
            yield {**head, "choices": [_opening(dialect, index)], **no_usage}
        try:
            async for increment in increments:
                if isinstance(increment, Thinking):
                    continue
                if isinstance(increment, Finish):
                    finishes.append(increment)
                choice = choice_in_form(request, _increment(dialect, request, increment))
                yield {**head, "choices": [choice], **no_usage}
        except ProviderError as error:
            yield envelope(dialect, refusal_of(dialect, error))
            return
    if request.include_usage:
        yield {**head, "choices": [], "usage": usage(dialect, request, finishes)}
    yield DONE


def _opening(dialect: Dialect, index: int) -> dict[str, Any]:
    logprobs: dict[str, Any] = {"logprobs": None} if dialect.has_logprobs else {}
    return {"index": index, "delta": {"role": "assistant", "content": ""}, **logprobs, "finish_reason": None}


def _increment(dialect: Dialect, request: CompletionRequest, increment: Text | Call | Finish) -> dict[str, Any]:
    text = increment if isinstance(increment, Text) else None
    delta: dict[str, Any] = {}
    if text is not None:
        delta = {"refusal" if _is_refusal(dialect, text) else "content": text.text}
    if isinstance(increment, Call):
        delta = {"tool_calls": [_call_delta(increment.piece)]}
    choice: dict[str, Any] = {"index": increment.choice, "delta": delta}
    if dialect.has_logprobs:
        choice["logprobs"] = _logprobs(request, [text]) if text else None
    return {**choice, "finish_reason": increment.reason if isinstance(increment, Finish) else None}


def _call_delta(piece: CallPiece) -> dict[str, Any]:
    """A piece of a call: the first has its id, type and name, and all others a part of its input alone."""
    named: dict[str, Any] = {} if piece.name is None else {"name": piece.name}
    held = {**named, _input_of(piece): piece.text}
    opening: dict[str, Any] = {} if piece.id is None else {"id": piece.id, "type": piece.kind}
    return {"index": piece.index, **opening, piece.kind: held}
