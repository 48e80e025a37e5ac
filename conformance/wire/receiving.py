"""Collects an answer within the limits: its head, its body in reads, and what a failure means."""

from __future__ import annotations

from dataclasses import dataclass

import httpcore
import httpx

from conformance.targets.model import Limits
from conformance.wire.body_cost import BodyCost, lines_of
from conformance.wire.budget import COST_OF_A_READ, MemoryBudget
from conformance.wire.exchange import Answer, EndKind, Headers, Read
from conformance.wire.tap import StoppedError, Tap

DETAIL_LENGTH = 300
"""Characters of a reason that quotes the target. It is cut at its very end, where redaction still finds a cut key."""

End = tuple[EndKind, str]
"""How an exchange ended, and a short detail in words."""

FAILURES = (
    StoppedError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
)
"""The exceptions that may end an exchange while it is sent or read."""


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the header of an answer, and when the last bytes of them came, in seconds."""

    status: int
    reason: str
    http_version: str
    headers: Headers
    at: float

    def answer(self, reads: tuple[Read, ...]) -> Answer:
        """The answer with this head and what was read of its body."""
        return Answer(self.status, self.reason, self.http_version, self.headers, self.at, reads)

    def too_large(self, limits: Limits) -> End | None:
        """The end of the exchange where the header is larger than the limit, else None."""
        size = sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size <= limits.max_headers:
            return None
        return EndKind.TOO_LARGE, f"the header is larger than {limits.max_headers} bytes"


class Body:
    """Collects the body, one `Read` for each read of the connection, within the limits.

    The HTTP parser gives every chunk of a chunked body by itself; those of one read are put together.
    """

    def __init__(self, limits: Limits, memory: MemoryBudget, disconnect_after: int | None) -> None:
        self._limits = limits
        self._memory = memory
        self._cost = 0
        self._cost_of = BodyCost(())
        self._disconnect_after = disconnect_after
        self._reads: list[Read] = []
        self._pending: list[bytes] = []
        self._pending_at = 0.0
        self._number = -1
        self._size = 0
        self._count = self._lines = 0

    def begin(self, head: Head) -> None:
        """Note the head of the answer, which says what the body costs."""
        self._cost_of = BodyCost(head.headers)

    def complete(self) -> End:
        """The end of a body that came to its own, unless the run cannot hold what it decodes to."""
        cost = self._cost_of.of_content(read.data for read in self.reads())
        return (self._reserve(cost) if cost else None) or (EndKind.COMPLETE, "")

    def _reserve(self, cost: int) -> End | None:
        """The end of a body that the run cannot hold: it alone takes most of what there is, or beside others."""
        most = self._limits.max_bodies * 3 // 4
        if most > self._limits.small_body and self._cost + cost > most:
            return EndKind.TOO_LARGE, f"to hold what the body says takes more than {most} bytes"
        if not self._memory.reserve(cost, self._cost):
            return EndKind.TOO_LARGE, self._memory.why_cut
        self._cost += cost
        return None

    def add(self, data: bytes, *, number: int, at: float) -> End | None:
        """Take bytes of the connection's read `number`. Whatever is returned ends the exchange."""
        cost = self._cost_of.of(data) + (COST_OF_A_READ if number != self._number else 0)
        full = self._reserve(cost)
        if full is not None:
            return full
        if number != self._number:
            self._flush()
            self._number = number
            self._pending_at = at
            self._count += 1
        left = self._limits.max_body - self._size
        self._pending.append(data[:left])
        self._size += len(data)
        self._lines += lines_of(data)
        if len(data) > left:
            return EndKind.TOO_LARGE, f"the body is larger than {self._limits.max_body} bytes"
        if self._lines > self._limits.max_lines:
            return EndKind.TOO_LARGE, f"the body has more than {self._limits.max_lines} lines"
        if self._count > self._limits.max_events:
            return EndKind.TOO_LARGE, f"the body came in more than {self._limits.max_events} reads"
        return self.hang_up()

    def hang_up(self) -> End | None:
        """The end where the body is as long as the probe wants to read, else None."""
        if self._disconnect_after is None or self._size < self._disconnect_after:
            return None
        return EndKind.HUNG_UP, f"the client hung up after {self._size} bytes of the body"

    def reads(self) -> tuple[Read, ...]:
        """All reads so far."""
        self._flush()
        return tuple(self._reads)

    def _flush(self) -> None:
        data = b"".join(self._pending)
        self._pending.clear()
        if data:
            self._reads.append(Read(at=round(self._pending_at, 6), data=data))


def ending_of_failure(error: Exception, tap: Tap) -> End:
    """How an exchange ended that failed. What was seen on the connection itself comes before what the parser says."""
    if tap.stopped is not None:
        return tap.stopped
    if not isinstance(error, httpcore.RemoteProtocolError):
        kind = EndKind.UNREACHABLE if isinstance(error, httpcore.ProxyError) else EndKind.RESET
        said = f"the proxy refused ({error})" if kind is EndKind.UNREACHABLE else str(error)
        return kind, said[:DETAIL_LENGTH]
    # httpcore wraps the parser's exception; the parser hints with 431 that its buffer is full.
    hint = getattr(error.args[0], "error_status_hint", None) if error.args else None
    if hint == httpx.codes.REQUEST_HEADER_FIELDS_TOO_LARGE:
        part = "the header" if tap.awaiting_head else "a chunk's header or the trailer"
        return EndKind.TOO_LARGE, f"{part} is larger than the HTTP parser takes"
    if not tap.peer_closed:
        return EndKind.MALFORMED, str(error)[:DETAIL_LENGTH]
    if tap.received == 0:
        return EndKind.CLOSED, "the peer closed the connection without an answer"
    part = "header" if tap.awaiting_head else "body"
    return EndKind.TRUNCATED, f"the peer closed the connection before the {part} was complete"
