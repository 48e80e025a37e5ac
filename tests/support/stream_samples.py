"""Streams to read, written here: chunks, their bytes, and exchanges that carry them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from conformance.reading import StreamReading, read_stream
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read, SentRequest

DONE = "[DONE]"
EVENT_STREAM = (("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked"))

Item = dict[str, Any] | str | bytes


def chunk(content: str | None = None, *, finish: Any = None, index: Any = 0, **changes: Any) -> dict[str, Any]:
    """A chunk with one choice; `changes` replaces members of the chunk, or of its delta where the name is a delta's."""
    delta = {} if content is None else {"content": content}
    if "role" in changes:
        delta = {"role": changes.pop("role"), **delta}
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    made = {"id": "c-1", "object": "chat.completion.chunk", "created": 1_700_000_000, "model": "m", "choices": [choice]}
    return {**made, **changes}


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


def usage_chunk(prompt: Any = 3, completion: Any = 2, total: Any = 5, **changes: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    return {**chunk(), "choices": [], "usage": usage, **changes}


FIRST = chunk("", role="assistant")
HELLO = (FIRST, chunk("Hel"), chunk("lo"))
FINISH = chunk(finish="stop")


def stream(*items: Item) -> bytes:
    """The bytes of a stream: objects and texts as the data of an event each, bytes as they are."""
    return b"".join(map(encoded, items))


def encoded(item: Item) -> bytes:
    if isinstance(item, bytes):
        return item
    data = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
    return f"data: {data}\n\n".encode()


def exchange(
    body: bytes | Sequence[Read],
    *,
    request: Any = None,
    status: int = 200,
    headers: Iterable[tuple[str, str]] = EVENT_STREAM,
    kind: EndKind = EndKind.COMPLETE,
    ended: float | None = None,
    accept: str | None = "identity",
) -> Exchange:
    """An exchange whose answer has this body; in one read, 1 s after the request, where it is given as bytes."""
    reads = (Read(1.0, body),) if isinstance(body, bytes) else tuple(body)
    sent_headers = () if accept is None else (("Accept-Encoding", accept),)
    sent = SentRequest("POST", "http://host/v1/chat/completions", sent_headers, json.dumps(request or {}).encode())
    at = (reads[-1].at if reads else 1.0) if ended is None else ended
    answer = Answer(status, "", "1.1", tuple(headers), 0.5, reads)
    return Exchange("probe#1", "probe", 1, "2026-01-01T00:00:00Z", sent, answer, Ending(kind, at, "detail"))


def read(*items: Item, request: Any = None, **options: Any) -> StreamReading:
    return read_stream(exchange(stream(*items), request=request, **options))


def broken(reading: StreamReading) -> set[str]:
    return {one.requirement for one in reading.deviations}
