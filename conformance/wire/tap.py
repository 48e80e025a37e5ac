"""Watches one exchange below the HTTP parser: its connection, its reads and their times, its time limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

from conformance.targets.model import Limits
from conformance.wire.budget import MemoryBudget
from conformance.wire.exchange import EndKind, Peer

RAW_KEPT = 64 * 1024
"""Bytes of an answer that are kept as they came from the wire: enough for any header within the limits."""


@dataclass(frozen=True, slots=True)
class RawRead:
    """Bytes as one read of the connection gave them, `at` seconds after the request began."""

    at: float
    data: bytes


_END_OF_HEAD = re.compile(rb"\n\r?\n")
_INTERIM = re.compile(rb"HTTP/[0-9.]+ 1[0-9][0-9]\b")


def head_of(raw: Iterable[RawRead]) -> bytes:
    """The bytes of an answer from its first to the end of its header, interim answers before it included.

    Where the header did not end, all that is kept of it. At most `RAW_KEPT` bytes.
    """
    data = b"".join(read.data for read in raw)[:RAW_KEPT]
    begin = 0
    while (end := _END_OF_HEAD.search(data, begin)) is not None:
        if not _INTERIM.match(data, begin):
            return data[: end.end()]
        begin = end.end()
    return data


class StoppedError(Exception):
    """A limit was reached below the HTTP parser; `Tap.stopped` says which."""


@dataclass(slots=True)
class Tap:
    """What is known about one exchange below the HTTP parser.

    It belongs to one request and is found through a context variable, because the pool decides by itself which
    connection carries a request.
    """

    limits: Limits
    clock: Callable[[], float]
    memory: MemoryBudget
    began: float = field(init=False)
    connection: int | None = None
    tls: str | None = None
    """The version of TLS on the connection, such as `TLSv1.3`; None without TLS."""
    peer: Peer | None = None
    """The peer of the connection, where this is its first exchange."""
    reads: int = 0
    received: int = 0
    read_at: float = 0.0
    """When the last bytes came, in seconds after the request began."""
    awaiting_head: bool = True
    peer_closed: bool = False
    stopped: tuple[EndKind, str] | None = None
    """Why the exchange was stopped below the parser, None where it was not."""
    raw: list[RawRead] = field(default_factory=list)
    _waiting_since: float | None = None

    def __post_init__(self) -> None:
        self.began = self.clock()

    @property
    def now(self) -> float:
        """Seconds since the request began."""
        return self.clock() - self.began

    def stop(self, kind: EndKind, detail: str) -> None:
        """Note why the exchange is stopped; the first reason counts."""
        if self.stopped is None:
            self.stopped = (kind, detail)

    def time_left(self) -> float:
        """Seconds until the deadline.

        Raises:
            StoppedError: it has passed.
        """
        left = self.limits.deadline - self.now
        if left <= 0:
            self.stop(EndKind.DEADLINE, f"the deadline of {self.limits.deadline:g} s passed")
            raise StoppedError
        return left

    def before_read(self) -> tuple[EndKind, float]:
        """How many seconds the next read may take, and how the exchange ends when it takes longer.

        Raises:
            StoppedError: the deadline has passed, or the header is larger than the limit.
        """
        left = self.time_left()
        if not self.awaiting_head:
            kind, patience = EndKind.IDLE_TIMEOUT, self.limits.idle_timeout
        else:
            if self.received > self.limits.max_headers:
                self.stop(EndKind.TOO_LARGE, f"the header is larger than {self.limits.max_headers} bytes")
                raise StoppedError
            if self._waiting_since is None:
                self._waiting_since = self.now
            patience = self.limits.first_byte_timeout - (self.now - self._waiting_since)
            kind = EndKind.IDLE_TIMEOUT if self.received else EndKind.FIRST_BYTE_TIMEOUT
        return (EndKind.DEADLINE, left) if left <= patience else (kind, max(patience, 0.0))

    def after_read(self, data: bytes) -> None:
        """Note the bytes of a read; none mean that the peer closed the connection."""
        if not data:
            self.peer_closed = True
            return
        self.read_at = self.now
        if self.received < RAW_KEPT:
            self.raw.append(RawRead(self.read_at, data))
        self.reads += 1
        self.received += len(data)

    def forget_reads(self) -> None:
        """Count what was read so far as no part of an answer."""
        self.raw.clear()
        self.reads = self.received = 0
        self.read_at = 0.0
        self._waiting_since = None

    def timed_out(self, kind: EndKind) -> None:
        """Note that a read took longer than `before_read` allowed."""
        limits = self.limits
        match kind:
            case EndKind.DEADLINE:
                detail = f"the deadline of {limits.deadline:g} s passed"
            case EndKind.FIRST_BYTE_TIMEOUT:
                detail = f"no byte of an answer within {limits.first_byte_timeout:g} s"
            case _ if self.awaiting_head:
                detail = f"the header was not complete within {limits.first_byte_timeout:g} s"
            case _:
                detail = f"no byte of the body for {limits.idle_timeout:g} s"
        self.stop(kind, detail)


current_tap: ContextVar[Tap] = ContextVar("current_tap")
"""The tap of the running task's exchange."""
