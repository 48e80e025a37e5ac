"""One connection of a client that sends by scripts: writes requests step by step, and parses their answers."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import h11
import httpcore
import httpx

from conformance.probes.model import Probe
from conformance.probes.script import WRITES, Step, StepKind
from conformance.wire.client import stale
from conformance.wire.exchange import Answer, EndKind, SentRequest
from conformance.wire.receiving import FAILURES, Body, End, Head, ending_of_failure
from conformance.wire.request import body_bytes, head_bytes, sent_request
from conformance.wire.tap import Tap

if TYPE_CHECKING:
    from conformance.probes.script import Script

_READ_SIZE = 64 * 1024
_BEHIND_HEAD = 0.3
"""Seconds for which bytes are awaited behind an answer to HEAD."""
_LARGEST_EVENT = 100 * 1024
"""Bytes of a header that the parser takes, as httpcore's does for every other exchange."""
_FIELDS = [("Host", "x"), ("Content-Length", "0")]
_SYNTHETIC = h11.Request(method="POST", target="/", headers=_FIELDS)
"""Stands in the parser for the request, which it must not judge: that is for the target."""
_SYNTHETIC_HEAD = h11.Request(method="HEAD", target="/", headers=_FIELDS)
"""The same for a request whose answer has no body, whatever its header says."""

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


@dataclass(slots=True)
class Connection:
    """One connection: writes scripts, and parses answers one after another."""

    stream: httpcore.AsyncNetworkStream
    sleep: Callable[[float], Awaitable[object]]
    wait_for: WaitFor
    number: int | None = None
    is_head: bool = False
    """Whether the request that is being answered is HEAD."""
    steps: list[Step] = field(default_factory=list)
    """The steps that were done of the script of the request that was written last."""
    is_spoiled: bool = False
    """Whether bytes came behind an answer to HEAD, or writing and reading ended before an answer did."""
    parser: h11.Connection = field(
        default_factory=lambda: h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_EVENT)
    )
    _answer_began: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_kept(self) -> bool:
        """Whether the next request may follow: the answer before has ended, and says nothing of an end."""
        return not self.is_spoiled and self._is_done and not self.parser.trailing_data[1]

    @property
    def _is_done(self) -> bool:
        return self.parser.their_state is h11.DONE and self.parser.our_state is h11.DONE

    def sent_request(self, attempt: Attempt, place: int = 1) -> SentRequest:
        """A request as far as it was written; `place` is its place among pipelined ones."""
        steps = (Step(StepKind.PIPELINED, place),) if attempt.script.pipelined else tuple(self.steps)
        plain = sent_request(attempt.request)
        return replace(plain, body=plain.body[: self.written(attempt)], steps=steps)

    async def aclose(self) -> None:
        """Close the connection, whatever state it is in."""
        with suppress(Exception):  # it may be closed already, for any reason
            await self.stream.aclose()

    def written(self, attempt: Attempt) -> int:
        """How many bytes of the body were written."""
        if attempt.script.pipelined:
            return len(attempt.request.read())
        return int(sum(step.amount for step in self.steps if step.kind in WRITES))

    async def exchange(self, to_write: Sequence[Attempt], attempt: Attempt, tap: Tap) -> tuple[Answer | None, End]:
        """Write what is to be written, and meanwhile read the answer to one request."""
        is_first = self.parser.our_state is h11.IDLE
        tap.connection = tap.connection or self.number
        if to_write:
            self.steps.clear()
            self._answer_began.clear()
            if not is_first and self.parser.trailing_data[0]:
                self.is_spoiled = True
                return None, stale(tap.connection)
        if not is_first and not self._next_answer(tap):
            return None, (EndKind.CLOSED, "the connection ended with the answer before")
        self.is_head = attempt.request.method == "HEAD"
        self.parser.send(_SYNTHETIC_HEAD if self.is_head else _SYNTHETIC)
        self.parser.send(h11.EndOfMessage())
        receiver = _Receiver(self, attempt, tap)
        writing = asyncio.create_task(self._write(to_write, attempt.script))
        reading = asyncio.create_task(receiver.receive())
        try:
            await asyncio.wait({writing, reading}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done() and await writing:
                return receiver.answer, (EndKind.HUNG_UP, "the client left, as was planned")
            end = await reading
            # A request that was answered before all of it was written leaves its rest to nobody.
            self.is_spoiled = self.is_spoiled or not writing.done()
        finally:
            for task in (writing, reading):
                task.cancel()
            await asyncio.gather(writing, reading, return_exceptions=True)
        return receiver.answer, end

    def answer_began(self) -> None:
        """Note that an answer, interim or final, has begun."""
        self._answer_began.set()

    def _next_answer(self, tap: Tap) -> bool:
        """Prepare for the next answer, whose first bytes may have come already; False where none can come."""
        if not self._is_done:
            return False
        left, tap.peer_closed = self.parser.trailing_data
        if left:
            tap.after_read(bytes(left))
        self.parser.start_next_cycle()
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

    def __init__(self, connection: Connection, attempt: Attempt, tap: Tap) -> None:
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
        self._connection.is_spoiled = True
        try:
            async with asyncio.timeout(_BEHIND_HEAD):
                while len(data) < _READ_SIZE and (more := await self._connection.stream.read(_READ_SIZE)):
                    data += more
        except TimeoutError:
            self._connection.is_spoiled = bool(data)
        except FAILURES:
            pass  # what came before it counts
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


def _head_bytes(request: httpx.Request, kind: StepKind = StepKind.HEAD) -> bytes:
    return head_bytes(request.method, request.extensions["target"], request.headers.raw, kind)
