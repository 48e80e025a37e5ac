"""A deployment on loopback that keeps the openai contract, written byte by byte; a test can change one thing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

Item = Any
"""One part of a stream: a chunk (a dict), the data of an event, raw bytes, or seconds of silence."""

KEY = "sk-streams-0123456789"
MODEL = "raw-1"
COUNTING = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True)
class StreamRequest:
    """A request, as far as an answer depends on it."""

    body: dict[str, Any]
    headers: dict[str, str]
    number: int
    """Requests before this one."""
    turn: int = 0
    """Requests before this one on its connection."""

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    @property
    def prompt(self) -> str:
        return str(self.body["messages"][-1]["content"])

    @property
    def wants_usage(self) -> bool:
        return bool((self.body.get("stream_options") or {}).get("include_usage"))

    @property
    def n(self) -> int:
        return int(self.body.get("n") or 1)


@dataclass(frozen=True)
class Script:
    """What is written as the answer to one request, and how it ends.

    `end` is `proper`, `cut` (the connection is closed before the last chunk), or `open` (nothing more, for ever).
    `behind` is written after the end, on a connection that stays open.
    """

    writes: Iterable[bytes | float]
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = True
    end: str = "proper"
    behind: bytes = b""
    version: str = "1.1"


@dataclass(frozen=True)
class Deployment:
    """How requests are answered. Each function takes what a good deployment sends, and gives what this one sends."""

    items: Callable[[list[Item], StreamRequest], list[Item]] = lambda items, _: items
    """Changes the items of a stream."""
    script: Callable[[Script, StreamRequest], Script] = lambda script, _: script
    """Changes what is written."""
    completion: Callable[[dict[str, Any], StreamRequest], dict[str, Any]] = lambda body, _: body
    """Changes a whole answer."""
    pace: float = 0.0
    """Seconds between tokens, streamed or not."""
    wait: float = 0.0
    """Seconds before the first token."""


@dataclass
class Served:
    """A running deployment."""

    base_url: str = ""
    requests: list[StreamRequest] = field(default_factory=list)


@contextlib.contextmanager
def serving(deployment: Deployment) -> Iterator[Served]:
    """Serve in a thread of its own while the context lasts."""
    loop = asyncio.new_event_loop()
    served, ready, tasks = Served(), threading.Event(), set[asyncio.Task[None]]()
    stop = asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            for turn in itertools.count():
                if not await _answer_one(reader, writer, deployment, served, turn):
                    break
        writer.close()
        tasks.discard(task)

    async def main() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        served.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _answer_one(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, deployment: Deployment, served: Served, turn: int
) -> bool:
    """Answer one request; returns whether the connection stays open."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    fields = (line.partition(":") for line in head.split("\r\n")[1:] if line)
    headers = {name.lower(): value.strip() for name, _, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    try:
        parsed = json.loads(body)
        request = StreamRequest(parsed, headers, len(served.requests), turn)
        assert isinstance(request.prompt, str)
        assert not isinstance(parsed.get("temperature"), int) or parsed["temperature"] < 3
        script = stream_script(request, deployment) if request.streamed else completion_script(request, deployment)
        served.requests.append(request)
        script = deployment.script(script, request)
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError):
        error = {"error": {"message": "bad", "type": "invalid_request_error", "param": None, "code": None}}
        script = _json_script(400, error)
    return await _perform(script, writer)


async def _perform(script: Script, writer: asyncio.StreamWriter) -> bool:
    framing = (("Transfer-Encoding", "chunked"),) if script.chunked else ()
    lines = [
        f"HTTP/{script.version} {script.status} X",
        *(f"{name}: {value}" for name, value in (*script.headers, *framing)),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    for write in script.writes:
        if isinstance(write, float):
            await writer.drain()
            await asyncio.sleep(write)
        elif write:
            writer.write(b"%x\r\n%b\r\n" % (len(write), write) if script.chunked else write)
            await writer.drain()
    if script.end == "open":
        await asyncio.sleep(3600)
    if script.end == "cut":
        return False
    if script.chunked:
        writer.write(b"0\r\n\r\n" + script.behind)
    await writer.drain()
    named = {name.lower() for name, _ in script.headers}
    return script.chunked or "content-length" in named


# --- what a good deployment answers ---


def tokens_of(request: StreamRequest) -> tuple[list[str], str]:
    """The tokens of the answer, and why it ends."""
    prompt = request.prompt
    if prompt.startswith("Count"):
        words = [COUNTING[number % 10] for number in range(50)]
    else:
        *before, asked = re.split(r":\s", prompt)
        words = (asked if before else "Hello there").split(" ") * 3
    tokens = [word if number == 0 else f" {word}" for number, word in enumerate(words)]
    limit = request.body.get("max_tokens") or request.body.get("max_completion_tokens") or 256
    reason = "length" if len(tokens) > limit else "stop"
    tokens = tokens[:limit]
    stops = request.body.get("stop") or []
    for stop in [stops] if isinstance(stops, str) else stops:
        text = "".join(tokens)
        if stop in text:
            kept, reason = text[: text.index(stop)], "stop"
            tokens = re.findall(r" ?[^ ]+", kept)
    return tokens, reason


def usage_of(request: StreamRequest, tokens: list[str]) -> dict[str, int]:
    prompt = sum(len(str(message.get("content")).split()) for message in request.body["messages"]) + 3
    completion = len(tokens) * request.n
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


_ids = itertools.count(1)


def envelope(kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{next(_ids):06d}", "object": kind, "created": int(time.time()), "model": MODEL}


def good_stream(request: StreamRequest) -> list[Item]:
    """The items of a conforming stream."""
    tokens, reason = tokens_of(request)
    base = envelope("chat.completion.chunk")
    null_usage: dict[str, Any] = {"usage": None} if request.wants_usage else {}

    def chunk(index: int, delta: dict[str, Any], finish: str | None = None, **beside: Any) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, **beside, "finish_reason": finish}
        return {**base, "choices": [choice], **null_usage}

    items: list[Item] = [chunk(index, {"role": "assistant", "content": ""}) for index in range(request.n)]
    for token in tokens:
        beside: dict[str, Any] = {"logprobs": {"content": [_logprob(token)]}} if request.body.get("logprobs") else {}
        items += [chunk(index, {"content": token}, **beside) for index in range(request.n)]
    items += [chunk(index, {}, reason) for index in range(request.n)]
    if request.wants_usage:
        items.append({**base, "choices": [], "usage": usage_of(request, tokens)})
    return [*items, "[DONE]"]


def stream_script(request: StreamRequest, deployment: Deployment) -> Script:
    items = deployment.items(good_stream(request), request)
    writes = [item if isinstance(item, float) else encoded(item) for item in items]
    paced = [part for write in writes for part in ((deployment.pace, write) if deployment.pace else (write,))]
    return Script((deployment.wait, *paced), headers=(("Content-Type", "text/event-stream"),))


def completion_script(request: StreamRequest, deployment: Deployment) -> Script:
    tokens, reason = tokens_of(request)
    logprobs = {"content": [_logprob(token) for token in tokens]} if request.body.get("logprobs") else None
    message = {"role": "assistant", "content": "".join(tokens)}
    choice = {"message": message, "logprobs": logprobs, "finish_reason": reason}
    body = {
        **envelope("chat.completion"),
        "choices": [{"index": index, **choice} for index in range(request.n)],
        "usage": usage_of(request, tokens),
    }
    script = _json_script(200, deployment.completion(body, request))
    return replace(script, writes=(deployment.wait + deployment.pace * len(tokens), *script.writes))


def encoded(item: dict[str, Any] | str | bytes) -> bytes:
    if isinstance(item, bytes):
        return item
    return f"data: {item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)}\n\n".encode()


def _json_script(status: int, value: Any) -> Script:
    body = json.dumps(value).encode()
    headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return Script((body,), status, headers, chunked=False)


def _logprob(token: str) -> dict[str, Any]:
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": []}
