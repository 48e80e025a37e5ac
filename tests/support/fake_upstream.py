"""A model server on loopback that misbehaves as it is told: each answer is written byte by byte by a script."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self


@dataclass
class UpstreamRequest:
    """One request that the server got, and the connection to answer on."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    reader: asyncio.StreamReader

    def write(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)

    def head(self, status: int = 200, media_type: str = "application/json", **fields: str) -> None:
        """A head without a length: the body ends with the connection."""
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {media_type}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        self.write("\r\n".join(lines).encode() + b"\r\n\r\n")

    def json(self, value: Any, status: int = 200, **fields: str) -> None:
        self.head(status, **fields)
        self.write(json.dumps(value).encode())

    def events(self, *events: Any) -> None:
        """Events as this server's streams have them: objects as JSON, strings as they stand."""
        for event in events:
            data = event if isinstance(event, str) else json.dumps(event)
            self.write(f"data: {data}\n\n".encode())


Script = Callable[[UpstreamRequest], Coroutine[Any, Any, None]]


@dataclass
class FakeUpstream:
    """The server, in a thread of its own; a context manager."""

    script: Script
    requests: list[UpstreamRequest] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set once a client has closed a connection on which the script was still at work."""

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(started)), daemon=True)
        self._thread.start()
        assert started.wait(5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)

    async def _main(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started.set()
        await self._stop.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            request = await _read(reader, writer)
            self.requests.append(request)
            work = asyncio.create_task(self.script(request))
            gone = asyncio.create_task(reader.read(1))
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                self.hung_up.set()
            for part in (work, gone):
                part.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client's own affair
        except asyncio.CancelledError:
            pass  # the server stops: nothing to tell
        finally:
            self._tasks.discard(task)
            writer.close()


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> UpstreamRequest:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return UpstreamRequest(first.split(" ")[1], headers, json.loads(body or b"{}"), writer, reader)


def chunk(content: str | None = None, reason: str | None = None, **fields: Any) -> dict[str, Any]:
    """A chunk as a careless server makes it."""
    delta = {} if content is None else {"content": content}
    return {"id": "x", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **fields}


def completion(content: Any, reason: str | None = "stop", **fields: Any) -> dict[str, Any]:
    """A completion as a careless server makes it."""
    return {"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": reason}], **fields}
