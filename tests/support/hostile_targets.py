"""Targets that break HTTP, or want to cost a client its time, memory or disk: each kind as data, and a server for it.

    python tests/support/hostile_targets.py KIND

serves one kind, prints its base URL, and runs until its standard input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from raw_deployment import Deployment, Script, StreamRequest, completion_script, stream_script

RESET, STALL = object(), object()
"""Ends of an answer: the connection is reset, or left open in silence. Otherwise it is closed."""


@dataclass(frozen=True)
class Again:
    """Bytes that are written again and again, with a pause in seconds after each time; for ever without `times`."""

    data: bytes
    times: int | None = None
    pause: float = 0.0


Part = Any
"""Bytes, seconds of silence, `Again`, `RESET` or `STALL`."""


@dataclass(frozen=True)
class Kind:
    """What a target does to the requests that it is hostile to; it serves all others well.

    `outcome` is the verdict. `breaks` are requirements that must be among the broken ones. `slow` says that a run
    against it waits for time limits.
    """

    answer: Callable[[], tuple[Part, ...]]
    outcome: str
    breaks: tuple[str, ...] = ()
    to: str = "all"
    """`all`, `streams`, `plain`, `first`: the first request, or `later`: every request after the first six."""
    slow: bool = False


def _bytes(*parts: Part) -> Callable[[], tuple[Part, ...]]:
    return lambda: parts


def _head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


JSON, EVENTS = "Content-Type: application/json", "Content-Type: text/event-stream"
CHUNKED = "Transfer-Encoding: chunked"
_ERROR = b'{"error":{"message":"busy","type":"requests","param":null,"code":null}}'
BUSY = _head("Retry-After: 9", JSON, f"Content-Length: {len(_ERROR)}", status="429 Too Many") + _ERROR
GOOD = json.dumps({"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}).encode()
EVENT = b'data: {"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'


def _with(line: str) -> Callable[[], tuple[Part, ...]]:
    return _bytes(_head(JSON, line, f"Content-Length: {len(GOOD)}") + GOOD)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@cache
def _bomb() -> bytes:
    return gzip.compress(bytes(64 * 1024 * 1024), 9)


@cache
def _nested_bomb() -> bytes:
    return gzip.compress(_bomb() * 64, 9)


def _coded(body: Callable[[], bytes], coding: str = "gzip") -> Callable[[], tuple[Part, ...]]:
    head = f"Content-Encoding: {coding}"
    return lambda: (_head(JSON, head, f"Content-Length: {len(body())}") + body(),)


STATUS, FIELDS, COMPLETE = "transport.status-line", "transport.field-lines", "transport.body-complete"
SIZE, LENGTH, CODING = "transport.head-bounded", "transport.length-truthful", "transport.transfer-coding"
MEGABYTE = 1024 * 1024
BAD, UNCLEAR = "nonconformant", "inconclusive"

KINDS = {
    # No HTTP/1 at all.
    "http-0.9": Kind(_bytes(GOOD), BAD, (STATUS,)),
    "http-0.9-page": Kind(_bytes(b"<!doctype html>\n<html>\n<p>Hello</p>\n</html>\n"), BAD, (STATUS,)),
    "http-0.9-stream": Kind(_bytes(EVENT, b"data: [DONE]\n\n"), BAD, (STATUS,), to="streams"),
    "http2-frames": Kind(_bytes(b"\0\0\x12\x04" + bytes(5) + b"\0\x03\0\0\0\x80\0\x04\0\x01\0\0"), BAD, (STATUS,)),
    "ssh": Kind(_bytes(b"SSH-2.0-OpenSSH_9.6\r\n"), BAD, (STATUS,)),
    "smtp": Kind(_bytes(b"220 mail.example ESMTP\r\n502 unknown command\r\n"), BAD, (STATUS,)),
    "redis": Kind(_bytes(b"-ERR unknown command 'POST'\r\n"), BAD, (STATUS,)),
    "noise": Kind(_bytes(bytes(range(255, -1, -1)) * 64), BAD, (STATUS,)),
    "endless-noise": Kind(_bytes(Again(b"\xfe\x01\x02" * 4096)), BAD, (STATUS,)),
    "tls-alert": Kind(_bytes(b"\x15\x03\x01\x00\x02\x02\x46"), UNCLEAR),
    "icy": Kind(_bytes(b"ICY 200 OK\r\n" + JSON.encode() + b"\r\n\r\n" + GOOD), BAD, (STATUS,)),
    "no-version": Kind(_bytes(b"200 OK\r\n\r\n" + GOOD), BAD, (STATUS,)),
    "no-status": Kind(_bytes(b"HTTP/1.1 OK\r\n\r\n" + GOOD), BAD, (STATUS,)),
    # Bytes that a head must not have.
    "nul-in-value": Kind(_with("X-A: a\0b"), BAD, (FIELDS,)),
    "escape-in-value": Kind(_with("X-A: \x1b[2J\x1b]0;pwned\x07"), BAD, (FIELDS,)),
    "nul-in-reason": Kind(_bytes(_head(JSON, status="200 O\0K") + GOOD), BAD, (STATUS,)),
    "return-in-value": Kind(_with("X-A: a\rX-B: b"), BAD, ("transport.line-ends",)),
    "no-colon": Kind(_with("nonsense"), BAD, (FIELDS,)),
    "empty-name": Kind(_with(": a"), BAD, (FIELDS,)),
    "folded": Kind(_with("X-A: a\r\n b"), BAD, ("transport.no-folding",)),
    "two-lengths": Kind(_with("Content-Length: 7"), BAD, (LENGTH,)),
    "negative-length": Kind(_bytes(_head(JSON, "Content-Length: -5") + GOOD), BAD, (LENGTH,)),
    "unknown-coding": Kind(_bytes(_head(JSON, "Transfer-Encoding: x, chunked") + _chunk(GOOD)), BAD, (CODING,)),
    # Heads without measure.
    "one-large-field": Kind(_bytes(_head(JSON, "X-A: " + "a" * MEGABYTE) + GOOD), BAD, (SIZE,)),
    "many-fields": Kind(_bytes(_head(JSON, *["X-A: " + "a" * 90] * 11_000) + GOOD), BAD, (SIZE,)),
    "endless-head": Kind(_bytes(b"HTTP/1.1 200 OK\r\n", Again(b"X-A: a\r\n" * 512)), BAD, (SIZE,)),
    "interim-flood": Kind(_bytes(Again(_head(status="100 Continue") * 64)), BAD, (SIZE,)),
    "hints-flood": Kind(_bytes(Again(_head("Link: </a>", status="103 Early Hints") * 64)), BAD, (SIZE,)),
    "heads-of-escapes": Kind(_with("X-A: " + "\xff" * 60_000), BAD),
    "switching-protocols": Kind(_bytes(_head("Upgrade: x", status="101 Switching Protocols"), STALL), BAD, slow=True),
    # Ends where none should be.
    "close-in-head": Kind(_bytes(b"HTTP/1.1 200 OK\r\nContent-Ty"), BAD, (COMPLETE,)),
    "reset-in-head": Kind(_bytes(b"HTTP/1.1 200 OK\r\nContent-Ty", 0.05, RESET), BAD, (COMPLETE,)),
    "first-head-breaks": Kind(_bytes(b"HTTP/1.1 200 OK\r\nContent-Ty"), BAD, (COMPLETE,), to="first"),
    "reset-after-head": Kind(_bytes(_head(JSON, "Content-Length: 99"), 0.05, RESET), BAD, (COMPLETE,)),
    "reset-in-body": Kind(_bytes(_head(JSON, "Content-Length: 999") + GOOD, 0.05, RESET), BAD, (COMPLETE,)),
    "close-in-body": Kind(_bytes(_head(JSON, "Content-Length: 999") + GOOD), BAD, (COMPLETE,)),
    "close-in-chunk": Kind(_bytes(_head(EVENTS, CHUNKED) + b"99\r\n" + EVENT), BAD, (COMPLETE,), to="streams"),
    "huge-chunk": Kind(_bytes(_head(JSON, CHUNKED) + b"f" * 15 + b"\r\n" + GOOD), BAD, (COMPLETE,)),
    "no-chunk": Kind(_bytes(_head(JSON, CHUNKED) + b"zz\r\n" + GOOD), BAD, (COMPLETE,)),
    "endless-chunk-line": Kind(_bytes(_head(JSON, CHUNKED) + b"5;", Again(b"a" * 4096)), BAD),
    "endless-trailer": Kind(_bytes(_head(JSON, CHUNKED) + b"0\r\n", Again(b"X-A: a\r\n" * 512)), BAD),
    "closed-at-once": Kind(_bytes(), UNCLEAR),
    "reset-at-once": Kind(_bytes(RESET), UNCLEAR),
    # Time.
    "silence": Kind(_bytes(STALL), UNCLEAR, slow=True),
    "silence-after-head": Kind(_bytes(_head(JSON, "Content-Length: 99"), STALL), BAD, slow=True),
    "silence-after-interim": Kind(_bytes(_head(status="100 Continue"), STALL), UNCLEAR, slow=True),
    "dripping-head": Kind(_bytes(b"HTTP/1.1 200 OK\r\nX-A: ", Again(b"a", pause=1)), UNCLEAR, slow=True),
    "dripping-interim": Kind(_bytes(Again(_head(status="102 Processing"), pause=1)), UNCLEAR, slow=True),
    "dripping-body": Kind(_bytes(_head(JSON, CHUNKED), Again(_chunk(b" "), pause=1)), BAD, slow=True),
    "dripping-streams": Kind(
        _bytes(_head(EVENTS, CHUNKED), Again(_chunk(b":\n"), pause=1)), BAD, to="streams", slow=True
    ),
    "streams-never-end": Kind(
        _bytes(_head(EVENTS, CHUNKED) + _chunk(EVENT + b"data: [DONE]\n\n"), STALL), BAD, to="streams", slow=True
    ),
    "busy": Kind(_bytes(BUSY), UNCLEAR, slow=True),
    "busy-later": Kind(_bytes(BUSY), UNCLEAR, to="later", slow=True),
    # Memory, disk and processor.
    "endless-body": Kind(_bytes(_head(JSON), Again(b"[" * 65536)), BAD),
    "endless-chunks": Kind(_bytes(_head(JSON, CHUNKED), Again(_chunk(b'"a",') * 4096)), BAD),
    "huge-length": Kind(_bytes(_head(JSON, f"Content-Length: {10**18}"), Again(b" " * 65536)), BAD),
    "gzip-bomb": Kind(_coded(_bomb), BAD),
    "nested-gzip-bomb": Kind(_coded(_nested_bomb, "gzip, gzip"), BAD),
    "deep-nesting": Kind(_bytes(_head(JSON) + b"[" * 4 * MEGABYTE), BAD),
    "endless-number": Kind(_bytes(_head(JSON) + b'{"id":1' + b"0" * 4 * MEGABYTE + b"}"), BAD),
    "same-names": Kind(_bytes(_head(JSON) + b"{" + b'"a":1,' * 500_000 + b'"a":1}'), BAD),
    "control-characters": Kind(_bytes(_head(JSON), Again(b"\x01" * 65536, 256)), BAD),
    "no-text": Kind(_bytes(_head(JSON), Again(b"\xff\xfe\x00" * 21_845, 256)), BAD),
    "large-page": Kind(
        _bytes(_head("Content-Type: text/html", status="500 E") + b"<script>alert(1)</script>" * 40_000), BAD
    ),
    "endless-events": Kind(_bytes(_head(EVENTS, CHUNKED), Again(_chunk(EVENT) * 200)), BAD, to="streams"),
    "small-events": Kind(_bytes(_head(EVENTS), Again(b"data: {}\n\n" * 5000, 100)), BAD, to="streams"),
    "comments": Kind(_bytes(_head(EVENTS), Again(b":\n" * 20_000)), BAD, ("stream.ends",), to="streams"),
    "one-long-line": Kind(_bytes(_head(EVENTS), b"data: ", Again(b"a" * 65536)), BAD, to="streams"),
    "byte-by-byte": Kind(
        _bytes(_head(EVENTS, CHUNKED), *(_chunk(EVENT[n % len(EVENT) :][:1]) for n in range(20_000))),
        BAD,
        to="streams",
    ),
    "large-events": Kind(
        _bytes(_head(EVENTS), Again(b'data: {"choices":' + b"[" * 100_000 + b"\n\n", 40)), BAD, to="streams"
    ),
}


@contextlib.contextmanager
def serving(name: str) -> Iterator[str]:
    """Serve one kind in a thread of its own while the context lasts; gives its base URL."""
    loop, ready, url = asyncio.new_event_loop(), threading.Event(), [""]
    stop = asyncio.Event()
    KINDS[name].answer()  # what takes time to make is there before the first request

    async def main() -> None:
        handler = _Handler(KINDS[name])
        server = await asyncio.start_server(handler.connected, "127.0.0.1", 0)
        url[0] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        await stop.wait()
        server.close()
        for task in list(handler.tasks):
            task.cancel()
        await asyncio.gather(*handler.tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    ready.wait()
    try:
        yield url[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


class _Handler:
    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._numbers = itertools.count()
        self._key = ""
        self.tasks: set[asyncio.Task[None]] = set()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while await self._answer(reader, writer):
                pass
        writer.close()
        self.tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection stays open."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = (line.partition(": ") for line in head.split("\r\n")[1:] if line)
        fields = {name.lower(): value for name, _, value in lines}
        self._key = self._key or fields.get("authorization", "")
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        request = StreamRequest(_object(body), fields, next(self._numbers))
        if self._is_hostile_to(request):
            for part in self._kind.answer():
                await _write(part, reader, writer)
            await writer.drain()
            return False
        return await _serve(request, writer, known=fields.get("authorization") == self._key)

    def _is_hostile_to(self, request: StreamRequest) -> bool:
        to = self._kind.to
        if to == "later":
            return request.number >= 6
        if to == "first":
            return request.number == 0
        return to == "all" or request.streamed is (to == "streams")


def _object(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {}


async def _write(part: Part, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if isinstance(part, Again):
        for _ in itertools.count() if part.times is None else range(part.times):
            writer.write(part.data)
            await writer.drain()
            await asyncio.sleep(part.pause)
    elif isinstance(part, bytes):
        writer.write(part)
    elif isinstance(part, float):
        await writer.drain()
        await asyncio.sleep(part)
    elif part is STALL:
        await writer.drain()
        await reader.read()
    else:
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def _serve(request: StreamRequest, writer: asyncio.StreamWriter, *, known: bool) -> bool:
    """Answer as a good deployment does; what it cannot read is refused, and so is a key other than the first."""
    try:
        assert known
        assert isinstance(request.prompt, str)
        script = (stream_script if request.streamed else completion_script)(request, Deployment())
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError):
        body = b'{"error":{"message":"bad","type":"invalid_request_error","param":null,"code":null}}'
        headers = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
        refusal = Script((body,), 400, headers, chunked=False)
        script = refusal if known else replace(refusal, status=401, headers=(*headers, ("WWW-Authenticate", "Bearer")))
    framing = (("Transfer-Encoding", "chunked"),) if script.chunked else ()
    lines = [f"{name}: {value}" for name, value in (*script.headers, *framing)]
    writer.write(_head(*lines, status=f"{script.status} OK"))
    for part in script.writes:
        if isinstance(part, bytes) and part:
            writer.write(_chunk(part) if script.chunked else part)
    writer.write(b"0\r\n\r\n" if script.chunked else b"")
    await writer.drain()
    return True


if __name__ == "__main__":
    with serving(sys.argv[1]) as base_url:
        print(base_url, flush=True)
        sys.stdin.read()
