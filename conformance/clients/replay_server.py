"""Answers clients on loopback with recorded bytes: the head as it came, the body in its fragments, and its ending."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

from conformance.wire.exchange import Answer, EndKind, Exchange

FAST: Final = 0.0
"""The speed without waits, but for a moment between fragments so that they come in reads of their own."""
_MOMENT: Final = 0.001
"""Seconds between fragments at the fast speed."""
_MOST_MOMENTS: Final = 60
"""Fragments of an answer that are held apart at the fast speed; a long stream is not to wait for its length."""
_LONGEST_WAIT: Final = 30.0
_LARGEST_REQUEST: Final = 8 * 1024 * 1024
MOST_REQUESTS: Final = 40
"""Requests for one scenario after which a client is in an endless loop."""
_SCENARIO: Final = re.compile(r"/(?P<id>.+?)/v1/(?P<rest>.*)")
_PAGE: Final = b"<!doctype html><title>replay</title>"
_LENGTH: Final = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]+)", re.IGNORECASE)
_CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection:[^\r\n]*close", re.IGNORECASE)


@dataclass(slots=True)
class Requests:
    """What a client sent for one scenario: how many requests, and when, in seconds of the loop's clock."""

    times: list[float] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Method and path of requests that are for another operation."""

    @property
    def count(self) -> int:
        """How many requests for the completion came."""
        return len(self.times)

    @property
    def waits(self) -> tuple[float, ...]:
        """Seconds between each request and the one before."""
        return tuple(round(after - before, 2) for before, after in zip(self.times, self.times[1:], strict=False))


class ReplayServer:
    """Serves the recordings of a run to one client; each has a path of its own, `/ID/v1/chat/completions`."""

    def __init__(self, recordings: Mapping[str, Exchange], speed: float = FAST) -> None:
        """`speed` is a factor of the recorded timing: 1 is as it was, `FAST` without waits."""
        self._recordings = recordings
        self._speed = speed
        self.requests: dict[str, Requests] = {name: Requests() for name in recordings}
        self.looping = asyncio.Event()
        """Set once there are too many requests for one scenario."""
        self._server: asyncio.Server | None = None

    async def start(self, listener: socket.socket | None = None) -> int:
        """Begin to serve, on a socket that listens already or on a free port of loopback; returns the port."""
        if listener is None:
            self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=_LARGEST_REQUEST)
        else:
            self._server = await asyncio.start_server(self._connected, sock=listener, limit=_LARGEST_REQUEST)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop(self) -> None:
        """Take no further connections."""
        if self._server is not None:
            self._server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read_request(reader, writer)) is not None:
                if not await self._answer(*request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the client hung up, or does not speak HTTP: there is nobody to answer
        except asyncio.CancelledError:
            pass  # the run is over
        finally:
            with contextlib.suppress(ConnectionError, RuntimeError):
                writer.close()

    async def _answer(self, method: str, path: str, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection goes on."""
        found = _SCENARIO.fullmatch(unquote(path.partition("?")[0]))
        name = found["id"] if found else ""
        if name not in self._recordings:
            name = name.rpartition("/")[2]  # a client that asks otherwise than it was told, where the kind has one only
        exchange = self._recordings.get(name)
        if exchange is None or found is None:
            return await _say(writer, 200 if path == "/" else 404, _PAGE if path == "/" else b"")
        seen = self.requests[name]
        if method != "POST" or found["rest"] != "chat/completions":
            if len(seen.elsewhere) < MOST_REQUESTS:
                seen.elsewhere.append(f"{method} /{found['rest']}"[:200])
            return await _say(writer, 404, b"")
        seen.times.append(asyncio.get_running_loop().time())
        if seen.count > MOST_REQUESTS:
            self.looping.set()
        return await _play(exchange, writer, self._speed)


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, str] | None:
    """The method and the path of the next request, whose body is read and dropped; None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = head.partition(b"\r\n")[0].decode("latin-1").split(" ", 2)
    if b"\r\nexpect: 100-continue" in head.lower():
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = _LENGTH.search(head)
    if length is not None and int(length[1]):
        await reader.readexactly(min(int(length[1]), _LARGEST_REQUEST))
    elif _CHUNKED.search(head):
        while (size := int((await reader.readline()).partition(b";")[0], 16)) > 0:
            await reader.readexactly(size + 2)
        await reader.readline()
    return method, path


async def _say(writer: asyncio.StreamWriter, status: int, body: bytes) -> bool:
    reason = "OK" if status == 200 else "Not Found"
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


async def _play(exchange: Exchange, writer: asyncio.StreamWriter, speed: float) -> bool:
    """Send a recorded answer as it came; returns whether the connection goes on."""
    answer, ending = exchange.answer, exchange.ending
    if answer is None:
        return False
    head = exchange.head or _head_of(answer)
    chunked = _CHUNKED.search(head) is not None
    clock = _Clock(speed)
    await clock.until(answer.headers_at)
    writer.write(head)
    await writer.drain()
    for read in answer.reads:
        if not read.data:
            continue
        await clock.until(read.at)
        writer.write(b"%x\r\n%b\r\n" % (len(read.data), read.data) if chunked else read.data)
        await writer.drain()
    await clock.until(ending.at)
    if ending.kind is EndKind.COMPLETE:
        if chunked:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        is_framed = chunked or _LENGTH.search(head) is not None or answer.status in {204, 304}
        return is_framed and not _CLOSE.search(head) and answer.http_version != "HTTP/1.0"
    if ending.kind in (EndKind.IDLE_TIMEOUT, EndKind.DEADLINE):
        await asyncio.sleep(3600)  # as silent as the target was; the limit of the scenario ends it
    elif ending.kind is EndKind.RESET:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing sends a reset
        writer.transport.abort()
    return False


def _head_of(answer: Answer) -> bytes:
    """The head of an answer whose raw bytes were not recorded."""
    lines = [f"{answer.http_version} {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class _Clock:
    """Waits as long as the target did between two moments, or hardly at all."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._at = 0.0
        self._moments = 0

    async def until(self, at: float) -> None:
        gap, self._at = max(at - self._at, 0.0), at
        if self._speed > 0:
            await asyncio.sleep(min(gap / self._speed, _LONGEST_WAIT))
        elif self._moments < _MOST_MOMENTS:
            self._moments += 1
            await asyncio.sleep(_MOMENT)
