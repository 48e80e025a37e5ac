"""Sends requests as their scripts say, write by write over a connection of their own, and records what came back.

An HTTP client would never send these: a body that breaks off, several requests in one write. The limits, the taps and
the record are those of every other exchange.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import h11
import httpcore
import httpx

from conformance.probes.model import Probe
from conformance.probes.script import WRITES, Step, StepKind
from conformance.wire.budget import MemoryBudget, Timing
from conformance.wire.client import Sent, sent_of, wall_clock
from conformance.wire.exchange import Answer, EndKind
from conformance.wire.receiving import FAILURES, Body, End, Head, ending_of_failure
from conformance.wire.request import body_bytes, head_bytes, sent_request
from conformance.wire.tap import Tap, current_tap
from conformance.wire.tls import tls_context
from conformance.wire.transport import TappedBackend

if TYPE_CHECKING:
    from conformance.probes.script import Script
    from conformance.targets.model import Limits, Target

_READ_SIZE = 64 * 1024
_BEHIND_HEAD = 1.0
"""Seconds for which bytes are awaited behind an answer to HEAD."""
_LARGEST_EVENT = 100 * 1024
"""Bytes of a header that the parser takes, as httpcore's does for every other exchange."""
_FIELDS = [("Host", "x"), ("Content-Length", "0")]
_SYNTHETIC = h11.Request(method="POST", target="/", headers=_FIELDS)
"""Stands in the parser for the request, which it must not judge: that is for the target."""
_SYNTHETIC_HEAD = h11.Request(method="HEAD", target="/", headers=_FIELDS)
"""The same for a request whose answer has no body, whatever its header says."""
_DEFAULT_PORTS = {"http": 80, "https": 443}

WaitFor = Callable[[str], Awaitable[object]]
"""Waits until the probe of this name has ended."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that is to be sent: its probe, its bytes, and the number of the attempt, from 1."""

    probe: Probe
    request: httpx.Request
    number: int = 1

    @property
    def script(self) -> Script:
        """How it is sent."""
        assert self.probe.script is not None
        return self.probe.script


class ScriptedClient:
    """Sends requests by their scripts to one target, each time over a new connection."""

    def __init__(
        self,
        target: Target,
        limits: Limits,
        numbers: Iterator[int],
        wait_for: WaitFor,
        timing: Timing,
        memory: MemoryBudget | None = None,
    ) -> None:
        self._target = target
        self._limits = limits
        self._memory = memory or MemoryBudget(limits)
        self._backend = TappedBackend(numbers)
        self._wait_for = wait_for
        self._timing = timing

    async def send(self, probe: Probe, request: httpx.Request, attempt: int = 1) -> Sent:
        """Send a probe's request once; a failure is recorded in the exchange and not raised."""
        return (await self.send_together([Attempt(probe, request, attempt)]))[0]

    async def send_together(self, attempts: Sequence[Attempt]) -> list[Sent]:
        """Send one request, or several pipelined ones in one write, over one connection."""
        if not attempts:
            return []
        first = attempts[0]
        started, tap = wall_clock(), self._tap(first)
        token = current_tap.set(tap)
        try:
            stream = await self._connect()
        except FAILURES as error:
            end = ending_of_failure(error, tap)
            return [
                sent_of(one.probe, one.number, started, sent_request(one.request), None, end, tap) for one in attempts
            ]
        finally:
            current_tap.reset(token)
        connection = _Connection(stream, self._timing.sleep, self._wait_for, is_head=first.request.method == "HEAD")
        try:
            return [await self._exchange(attempts, place, connection, tap, started) for place in range(len(attempts))]
        finally:
            await _close(stream)

    async def _exchange(
        self, attempts: Sequence[Attempt], place: int, connection: _Connection, tap: Tap, started: str
    ) -> Sent:
        """The exchange of one of a connection's requests, all of which are written with the first."""
        attempt = attempts[place]
        if place:
            tap = self._tap(attempt)
            tap.connection = connection.number
        token = current_tap.set(tap)
        try:
            answer, end = await connection.exchange(attempts if not place else (), attempt, tap)
        finally:
            current_tap.reset(token)
        connection.number = tap.connection
        plain = sent_request(attempt.request)
        steps = (Step(StepKind.PIPELINED, place + 1),) if attempt.script.pipelined else tuple(connection.steps)
        request = replace(plain, body=plain.body[: connection.written(attempt)], steps=steps)
        return sent_of(attempt.probe, attempt.number, started, request, answer, end, tap)

    def _tap(self, attempt: Attempt) -> Tap:
        patience = attempt.script.patience
        limits = self._limits
        if patience is not None:
            limits = replace(limits, first_byte_timeout=min(patience, limits.first_byte_timeout))
        return Tap(limits, self._timing.clock, self._memory)

    async def _connect(self) -> httpcore.AsyncNetworkStream:
        parts = urlsplit(self._target.base_url)
        host = parts.hostname or ""
        stream = await self._backend.connect_tcp(host, parts.port or _DEFAULT_PORTS[parts.scheme])
        if parts.scheme == "https":
            context = tls_context(self._target)
            context.set_alpn_protocols(["http/1.1"])
            stream = await stream.start_tls(context, server_hostname=host)
        return stream


def _head_bytes(request: httpx.Request, kind: StepKind = StepKind.HEAD) -> bytes:
    return head_bytes(request.method, request.extensions["target"], request.headers.raw, kind)


@dataclass(slots=True)
class _Connection:
    """One connection: writes scripts, and parses answers one after another."""

    stream: httpcore.AsyncNetworkStream
    sleep: Callable[[float], Awaitable[object]]
    wait_for: WaitFor
    is_head: bool = False
    number: int | None = None
    steps: list[Step] = field(default_factory=list)
    """The steps of the first request's script that were done."""
    parser: h11.Connection = field(init=False)
    _answer_began: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_EVENT)
        self._expect_answer()

    def written(self, attempt: Attempt) -> int:
        """How many bytes of the body were written."""
        if attempt.script.pipelined:
            return len(attempt.request.read())
        return int(sum(step.amount for step in self.steps if step.kind in WRITES))

    async def exchange(self, to_write: Sequence[Attempt], attempt: Attempt, tap: Tap) -> tuple[Answer | None, End]:
        """Write what is to be written, and meanwhile read the answer to one request."""
        if not to_write and not self._next_answer(tap):
            return None, (EndKind.CLOSED, "the connection ended with the answer before")
        receiver = _Receiver(self, attempt, tap)
        writing = asyncio.create_task(self._write(to_write, attempt.script))
        reading = asyncio.create_task(receiver.receive())
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done() and await writing:
                return receiver.answer, (EndKind.HUNG_UP, "the client left, as was planned")
            end = await reading
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        return receiver.answer, end

    def answer_began(self) -> None:
        """Note that an answer, interim or final, has begun."""
        self._answer_began.set()

    def _expect_answer(self) -> None:
        self.parser.send(_SYNTHETIC_HEAD if self.is_head else _SYNTHETIC)
        self.parser.send(h11.EndOfMessage())

    def _next_answer(self, tap: Tap) -> bool:
        """Prepare for the next answer, whose first bytes may have come already; False where none can come."""
        if self.parser.their_state is not h11.DONE or self.parser.our_state is not h11.DONE:
            return False
        left, tap.peer_closed = self.parser.trailing_data
        if left:
            tap.after_read(bytes(left))
        self.parser.start_next_cycle()
        self._expect_answer()
        return bool(left) or not tap.peer_closed

    async def _write(self, to_write: Sequence[Attempt], script: Script) -> bool:
        """Perform the script; returns whether that closed the connection. A write that fails is not an error."""
        try:
            if script.pipelined:
                if to_write:
                    whole = b"".join(_head_bytes(one.request) + one.request.read() for one in to_write)
                    await self.stream.write(whole)
                return False
            return await self._perform(to_write[0], script)
        except (*FAILURES, OSError):
            return False

    async def _perform(self, attempt: Attempt, script: Script) -> bool:
        body = attempt.request.read()
        written = 0
        for step in script.steps:
            amount = step.amount
            match step.kind:
                case StepKind.HEAD | StepKind.HEAD_1_0:
                    await self.stream.write(_head_bytes(attempt.request, step.kind))
                case StepKind.BODY | StepKind.EXTENDED:
                    until = round(len(body) * step.amount)
                    piece = body_bytes(body, written, until, chunked=script.chunked, kind=step.kind)
                    await self.stream.write(piece)
                    amount, written = until - written, until
                case StepKind.PAUSE:
                    await self.sleep(step.amount)
                case StepKind.AWAIT_CONTINUE:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(step.amount):
                            await self._answer_began.wait()
                case StepKind.HALF_CLOSE:
                    # TLS has no half-close that a server would see as one, so the client closes the connection.
                    if self.stream.get_extra_info("ssl_object") is not None:
                        self.steps.append(Step(StepKind.HANG_UP))
                        return True
                    self.stream.get_extra_info("socket").shutdown(socket.SHUT_WR)
                case StepKind.RESET:
                    linger = struct.pack("ii", 1, 0)
                    self.stream.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.steps.append(Step(step.kind, amount))
            if step.kind in {StepKind.HANG_UP, StepKind.RESET}:
                return True
        return False


class _Receiver:
    """Reads the answer to one request."""

    def __init__(self, connection: _Connection, attempt: Attempt, tap: Tap) -> None:
        self._connection = connection
        self._script = attempt.script
        self._tap = tap
        self._body = Body(tap.limits, tap.memory, attempt.probe.disconnect_after)
        self._head: Head | None = None
        self._held = attempt.script.hold_for is None

    @property
    def answer(self) -> Answer | None:
        """What has come of the answer so far."""
        return None if self._head is None else self._head.answer(self._body.reads())

    async def receive(self) -> End:
        """Read to the end of the answer, or to a limit."""
        try:
            while True:
                end = await self._next()
                if end is not None:
                    return end
        except h11.RemoteProtocolError as error:
            return ending_of_failure(httpcore.RemoteProtocolError(error), self._tap)
        except FAILURES as error:
            return ending_of_failure(error, self._tap)

    async def _next(self) -> End | None:
        tap, parser = self._tap, self._connection.parser
        event = parser.next_event()
        if event is h11.NEED_DATA:
            data = await self._connection.stream.read(_READ_SIZE)
            parser.receive_data(data)
        elif isinstance(event, h11.InformationalResponse):
            self._connection.answer_began()
        elif isinstance(event, h11.Response):
            tap.awaiting_head = False
            self._connection.answer_began()
            self._head = _head(event, tap)
            self._body.begin(self._head)
            return self._head.too_large(tap.limits) or self._body.hang_up()
        elif isinstance(event, h11.Data):
            end = self._body.add(bytes(event.data), number=tap.reads, at=tap.read_at)
            if end is not None:
                return end
            await self._hold()
        elif isinstance(event, h11.EndOfMessage):
            return await self._behind_head() if self._connection.is_head else self._body.complete()
        else:
            return EndKind.CLOSED, "the peer closed the connection without an answer"
        return None

    async def _behind_head(self) -> End:
        """The end of an answer to HEAD: what comes behind its header until the peer closes counts as its body."""
        tap, (behind, _) = self._tap, self._connection.parser.trailing_data
        data = bytes(behind)
        with suppress(TimeoutError, *FAILURES):
            async with asyncio.timeout(_BEHIND_HEAD):
                while len(data) < _READ_SIZE and (more := await self._connection.stream.read(_READ_SIZE)):
                    data += more
        return (self._body.add(data, number=tap.reads, at=tap.read_at) if data else None) or self._body.complete()

    async def _hold(self) -> None:
        """Read nothing until the other probe has ended, once."""
        if self._held or self._script.hold_for is None:
            return
        self._held = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._script.hold_at_most):
                await self._connection.wait_for(self._script.hold_for)


def _head(event: h11.Response, tap: Tap) -> Head:
    return Head(
        status=event.status_code,
        reason=event.reason.decode("latin-1"),
        http_version=f"HTTP/{event.http_version.decode('ascii')}",
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers.raw_items()),
        at=round(tap.read_at, 6),
    )


async def _close(stream: httpcore.AsyncNetworkStream) -> None:
    with suppress(Exception):  # it may be closed already, for any reason
        await stream.aclose()
