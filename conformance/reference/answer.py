"""The objects of an answer: the completion as a whole, and the sequence of events that streams it."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from conformance.contract.dialect import Dialect
from conformance.reference.errors import ProviderError, envelope, refusal_of
from conformance.reference.generation import Finish, Increment, Increments, Text
from conformance.reference.provider import CompletionRequest

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
    texts: dict[int, list[Text]] = {choice: [] for choice in range(request.choices)}
    finishes: dict[int, Finish] = {}
    async with aclosing(increments):
        async for increment in increments:
            if isinstance(increment, Text):
                texts[increment.choice].append(increment)
            else:
                finishes[increment.choice] = increment
    choices = [_choice(dialect, request, texts[choice], finishes[choice]) for choice in range(request.choices)]
    return {**outline.head("chat.completion"), "choices": choices, "usage": usage(request, finishes.values())}


def _choice(dialect: Dialect, request: CompletionRequest, texts: list[Text], finish: Finish) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(text.text for text in texts)}
    choice: dict[str, Any] = {"index": finish.choice, "message": message}
    if dialect.has_logprobs:
        message["refusal"] = None
        choice["logprobs"] = _logprobs(request, texts)
    return {**choice, "finish_reason": finish.reason}


def _logprobs(request: CompletionRequest, texts: list[Text]) -> dict[str, Any] | None:
    if request.alternatives is None:
        return None
    return {"content": [text.score for text in texts], "refusal": None}


def usage(request: CompletionRequest, finishes: Iterable[Finish]) -> dict[str, int]:
    """What the answer cost: the prompt once, and the tokens of every choice."""
    ends = list(finishes)
    prompt = next((end.prompt_tokens for end in ends if end.prompt_tokens), request.prompt_tokens)
    completion = sum(end.completion_tokens for end in ends)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


async def build_events(
    dialect: Dialect, outline: Outline, request: CompletionRequest, increments: Increments
) -> AsyncGenerator[EventData, None]:
    """The events of a stream, in order: each choice with its role, its text and its finish; the usage; `[DONE]`.

    A provider that fails in the middle ends the stream with an error object and without `[DONE]`.
    """
    head = outline.head("chat.completion.chunk")
    no_usage: dict[str, Any] = {"usage": None} if request.include_usage else {}
    finishes: list[Finish] = []
    async with aclosing(increments):
        for index in range(request.choices):
            yield {**head, "choices": [_opening(dialect, index)], **no_usage}
        try:
            async for increment in increments:
                if isinstance(increment, Finish):
                    finishes.append(increment)
                yield {**head, "choices": [_increment(dialect, request, increment)], **no_usage}
        except ProviderError as error:
            yield envelope(dialect, refusal_of(dialect, error))
            return
    if request.include_usage:
        yield {**head, "choices": [], "usage": usage(request, finishes)}
    yield DONE


def _opening(dialect: Dialect, index: int) -> dict[str, Any]:
    logprobs: dict[str, Any] = {"logprobs": None} if dialect.has_logprobs else {}
    return {"index": index, "delta": {"role": "assistant", "content": ""}, **logprobs, "finish_reason": None}


def _increment(dialect: Dialect, request: CompletionRequest, increment: Increment) -> dict[str, Any]:
    text = increment if isinstance(increment, Text) else None
    choice: dict[str, Any] = {"index": increment.choice, "delta": {"content": text.text} if text else {}}
    if dialect.has_logprobs:
        choice["logprobs"] = _logprobs(request, [text]) if text else None
    return {**choice, "finish_reason": increment.reason if isinstance(increment, Finish) else None}
