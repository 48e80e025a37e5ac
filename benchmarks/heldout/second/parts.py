"""The small parts of which the faults and variations of the second set are made, beside those of the first."""

from __future__ import annotations

import asyncio
import json
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

from held_out import Body, EventEdit, HeaderFields, WholeEdit, events_stage, header_of, whole_stage, without
from starlette.types import Message

from conformance.contract.dialect import Dialect
from conformance.reference.errors import Refusal, envelope
from conformance.reference.hooks import Hooks
from conformance.reference.interpretation import interpret
from conformance.reference.provider import CompletionRequest, Piece
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Interpret, Stages

FIRST_TOKEN = 0.05
TOKEN = 0.01
"""Seconds that a slow deployment takes for its first token, and for each after it."""
_PACED = 25
"""Tokens of an answer that are slow; all others come at once, so that no long answer takes minutes."""
_CODING = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?))?\s*(?:,|$)")


class PacedProvider(EchoProvider):
    """The echo at the speed of a model."""

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[Piece, None]:
        """The pieces of the echo, the first of them after some time, and the next with a pause before each."""
        number = 0
        async for piece in super().generate(request, choice):
            if number < _PACED:
                await asyncio.sleep(TOKEN if number else FIRST_TOKEN)
            number += 1
            yield piece


# --- requests ---


def texts_of(message: Body) -> list[str]:
    """The texts that a message holds: its content, or that of its parts."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    parts = content if isinstance(content, list) else []
    return [part["text"] for part in parts if isinstance(part.get("text"), str)]


def with_texts(message: Body, change: Callable[[str], str]) -> Body:
    """The message with other texts."""
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": change(content)}
    if isinstance(content, list):
        return {
            **message,
            "content": [{**part, "text": change(part["text"])} if "text" in part else part for part in content],
        }
    return message


def refusing(check: Callable[[Any, Body], Refusal | None]) -> Interpret:
    """The stage that refuses some valid requests; `check` gets the operation and the body."""

    def stage(operation: Any, dialect: Any, settings: Any, *, scores_tokens: bool, body: Body) -> CompletionRequest:
        request = interpret(operation, dialect, settings, scores_tokens=scores_tokens, body=body)
        refusal = check(operation, body)
        if refusal is not None:
            raise refusal
        return request

    return stage


# --- answers ---


def editing(whole: WholeEdit, events: Callable[[], EventEdit], *, needs_context: bool = False) -> Hooks:
    """Changes whole answers, and the chunks of streams."""
    stages = Stages(build_completion=whole_stage(whole), build_events=events_stage(events))
    return Hooks(stages, needs_context=needs_context)


def saying(applies: Callable[[Refusal], bool], addition: str) -> Hooks:
    """Adds a sentence to some errors."""

    def stage(dialect: Dialect, refusal: Refusal) -> Any:
        body = envelope(dialect, refusal)
        if applies(refusal):
            body["error"]["message"] += f" {addition}"
        return body

    return Hooks(Stages(error_body=stage))


def contents(answer: Sequence[Any]) -> str:
    """The messages of a request as a text by which they are known again."""
    return json.dumps(answer, sort_keys=True)


# --- messages of HTTP ---


def is_stream(start: Message) -> bool:
    """Whether an answer is a stream of events."""
    return header_of(start, b"content-type").startswith(b"text/event-stream")


def is_json(start: Message) -> bool:
    """Whether an answer is one JSON text."""
    return header_of(start, b"content-type").startswith(b"application/json")


def gzip_packer() -> Any:
    """A compressor that writes the format of gzip."""
    return zlib.compressobj(wbits=31)


def coded(start: Message, length: int | None) -> HeaderFields:
    """The header fields of an answer in gzip; without a length for one that is sent in pieces."""
    fields = [*without(start.get("headers", ()), b"content-length"), (b"content-encoding", b"gzip")]
    fields.append((b"vary", b"Accept-Encoding"))
    return fields if length is None else [*fields, (b"content-length", str(length).encode())]


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, with a quality that is not 0."""
    return any(name.lower() == "gzip" and float(quality or 1) > 0 for name, quality in _CODING.findall(accepted))
