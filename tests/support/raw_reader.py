"""A deployment on loopback that reads requests byte by byte, so that a test can bend how it reads them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

KEY = "sk-raw-reader-0123456789"
MODEL = "raw-2"
INTERIM = b"HTTP/1.1 102 Processing\r\n\r\n"


@dataclass(frozen=True)
class Manner:
    """How requests are read and answered; without anything, as HTTP wants it."""

    expects: str = "continue"
    """To `Expect: 100-continue`: `continue`, `silence` until the body comes, `refuse` with 417, or `hang`."""
    chunked: str = "serve"
    """A chunked body: `serve`, `refuse` with 411, `error` with 500, or `hang`."""
    cut: str = "close"
    """A body that breaks off: `close`, `refuse` with 400, `serve`, `error` with 500, `busy` with 503, or `wait`."""
    two_lengths: str = "refuse"
    """Two lengths: `refuse` with 400, `close`, or `serve` by the first."""
    pipelined: str = "order"
    """Several requests at once on a connection: answered in `order`, `swap`ped, or `close`d after the first."""
    every_answer: str = "keep"
    """After an answer: `keep` the connection, or `close` it, which the answer says."""
    before: bytes = b""
    """What is written before every answer."""
    head: bytes = b""
    """Further lines of every head."""


@dataclass(frozen=True)
class _Request:
    head: str
    body: bytes
    cut: bool = False

    def field(self, name: str) -> list[str]:
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for key, _, value in lines if key.lower() == name]


@contextlib.contextmanager
def serving(manner: Manner) -> Iterator[str]:
    """Serve in a thread of its own while the context lasts; gives the base URL."""
    ready = threading.Event()
    stop: list[Any] = []
    url: list[str] = []

    async def main() -> None:
        stopped, tasks = asyncio.Event(), set[asyncio.Task[None]]()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while await _serve_next(reader, writer, manner):
                    pass
            writer.close()
            tasks.discard(task)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        stop.append((asyncio.get_running_loop(), stopped))
        url.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        ready.set()
        await stopped.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    ready.wait()
    try:
        yield url[0]
    finally:
        loop, stopped = stop[0]
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


async def _serve_next(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, manner: Manner) -> bool:
    """Reads and answers one request, or two that are to be swapped; tells whether the connection goes on."""
    request = await _read(reader, writer, manner)
    if request is None:
        return False
    answers = [_to_method(request, manner)]
    if manner.pipelined == "swap":
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                second = await _read(reader, writer, manner)
                answers.insert(0, b"" if second is None else _to_method(second, manner))
    for answer in answers:
        writer.write(manner.before + answer)
    await writer.drain()
    return manner.every_answer == "keep" and manner.pipelined != "close"


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, manner: Manner) -> _Request | None:
    """The next request; None where it was dealt with already, and the connection ends."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request = _Request(head, b"")
    lengths = request.field("content-length")
    if len(set(lengths)) > 1 and manner.two_lengths != "serve":
        _end(writer, 400 if manner.two_lengths == "refuse" else None)
        return None
    if request.field("expect"):
        if manner.expects == "hang":
            await asyncio.sleep(3600)
        if manner.expects == "refuse":
            _end(writer, 417)
            return None
        if manner.expects == "continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if request.field("transfer-encoding"):
        return await _chunked(reader, writer, head, manner)
    try:
        return _Request(head, await reader.readexactly(int(lengths[0]) if lengths else 0))
    except asyncio.IncompleteReadError as error:
        if manner.cut == "wait":
            await asyncio.sleep(3600)
        if manner.cut == "serve":
            return _Request(head, error.partial, cut=True)
        _end(writer, {"refuse": 400, "error": 500, "busy": 503}.get(manner.cut))
        return None


async def _chunked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, manner: Manner
) -> _Request | None:
    if manner.chunked == "hang":
        await asyncio.sleep(3600)
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    refusals = {"refuse": 411, "error": 500}
    if manner.chunked not in refusals:
        return _Request(head, body)
    _end(writer, refusals[manner.chunked])
    return None


def _end(writer: asyncio.StreamWriter, status: int | None) -> None:
    if status is not None:
        writer.write(_error(status, b"Connection: close\r\n"))


def _date() -> bytes:
    return formatdate(usegmt=True).encode()


def _error(status: int, more: bytes = b"") -> bytes:
    body = b'{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}'
    return b"HTTP/1.1 %d X\r\nDate: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status,
        _date(),
        len(body),
        more,
        body,
    )


_ids = itertools.count(1)


def _to_method(request: _Request, manner: Manner) -> bytes:
    """The answer, without its body where HEAD asks for it (RFC 9110, section 9.3.2)."""
    head, end, body = _answer(request, manner).partition(b"\r\n\r\n")
    return head + end + (b"" if request.head.startswith("HEAD ") else body)


def _answer(request: _Request, manner: Manner) -> bytes:
    more = manner.head + (b"Connection: close\r\n" if manner.every_answer == "close" else b"")
    body: Any = {"messages": [{"content": "cut"}], "max_tokens": 1} if request.cut else _valid(request.body)
    if body is None:
        return _error(400, more)
    words = (str(body["messages"][-1]["content"]).split() or [""])[-1:] * 60
    limit = body.get("max_tokens", 60)
    text = " ".join(words[:limit])
    shared = {"id": f"chatcmpl-{next(_ids)}", "created": int(time.time()), "model": MODEL}
    if body.get("stream") is True:
        delta = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
        last = {"index": 0, "delta": {}, "finish_reason": "length"}
        chunks = [{**shared, "object": "chat.completion.chunk", "choices": [choice]} for choice in (delta, last)]
        events = [json.dumps(chunk).encode() for chunk in chunks]
        content, kind = b"".join(b"data: %b\n\n" % event for event in (*events, b"[DONE]")), b"text/event-stream"
    else:
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
        tokens = min(limit, 60)
        usage = {"prompt_tokens": 9, "completion_tokens": tokens, "total_tokens": 9 + tokens}
        completion = {**shared, "object": "chat.completion", "choices": [choice], "usage": usage}
        content, kind = json.dumps(completion).encode(), b"application/json"
    head = b"HTTP/1.1 200 OK\r\nDate: %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n"
    return head % (_date(), kind, len(content), more) + content


_RANGES = {
    "max_tokens": (1, 4096),
    "temperature": (0, 2),
    "top_p": (0, 1),
    "top_logprobs": (0, 20),
    "frequency_penalty": (-2, 2),
}


def _valid(raw: bytes) -> dict[str, Any] | None:
    """The body, None where it is none that this deployment serves."""
    try:
        body: dict[str, Any] = json.loads(raw)
        fits = all(low <= body[name] <= high for name, (low, high) in _RANGES.items() if name in body)
        fits = fits and body["model"] == MODEL and len(body.get("stop") or ()) <= 4
        return body if fits and body["messages"][-1]["content"] else None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
