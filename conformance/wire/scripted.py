"""Sends requests as their scripts say, write by write over a connection of their own, and records what came back.

An HTTP client would never send these: a body that breaks off, several requests in one write. The limits, the taps and
the record are those of every other exchange.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from conformance.probes.model import Probe
from conformance.wire.budget import MemoryBudget, Timing
from conformance.wire.client import Sent, sent_of, wall_clock
from conformance.wire.receiving import FAILURES, ending_of_failure
from conformance.wire.request import sent_request
from conformance.wire.scripted_connection import Attempt, Connection, WaitFor
from conformance.wire.tap import Tap, current_tap
from conformance.wire.tls import tls_context
from conformance.wire.transport import TappedBackend

if TYPE_CHECKING:
    from conformance.targets.model import Limits, Target

_DEFAULT_PORTS = {"http": 80, "https": 443}


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

    @asynccontextmanager
    async def in_turn(self) -> AsyncIterator[InTurn]:
        """Sends requests one after another over one connection, for as long as the target keeps it."""
        client = InTurn(self)
        try:
            yield client
        finally:
            await client.aclose()

    async def send_together(self, attempts: Sequence[Attempt]) -> list[Sent]:
        """Send one request, or several pipelined ones in one write, over one connection."""
        if not attempts:
            return []
        first = attempts[0]
        started, tap = wall_clock(), self.tap(first)
        token = current_tap.set(tap)
        try:
            connection = await self.connect()
        except FAILURES as error:
            end = ending_of_failure(error, tap)
            return [
                sent_of(one.probe, one.number, started, sent_request(one.request), None, end, tap) for one in attempts
            ]
        finally:
            current_tap.reset(token)
        try:
            return [await self._exchange(attempts, place, connection, tap, started) for place in range(len(attempts))]
        finally:
            await connection.aclose()

    async def _exchange(
        self, attempts: Sequence[Attempt], place: int, connection: Connection, tap: Tap, started: str
    ) -> Sent:
        """The exchange of one of a connection's requests, all of which are written with the first."""
        attempt = attempts[place]
        if place:
            tap = self.tap(attempt)
            tap.connection = connection.number
        token = current_tap.set(tap)
        try:
            answer, end = await connection.exchange(attempts if not place else (), attempt, tap)
        finally:
            current_tap.reset(token)
        connection.number = tap.connection
        request = connection.sent_request(attempt, place + 1)
        return sent_of(attempt.probe, attempt.number, started, request, answer, end, tap)

    def tap(self, attempt: Attempt) -> Tap:
        """What watches one exchange, with the patience of its script."""
        patience = attempt.script.patience
        limits = self._limits
        if patience is not None:
            limits = replace(limits, first_byte_timeout=min(patience, limits.first_byte_timeout))
        return Tap(limits, self._timing.clock, self._memory)

    async def connect(self) -> Connection:
        """A new connection; the current tap bounds how long that takes.

        Raises:
            StoppedError, httpcore.NetworkError, httpcore.TimeoutException: there is none.
        """
        parts = urlsplit(self._target.base_url)
        host = parts.hostname or ""
        stream = await self._backend.connect_tcp(host, parts.port or _DEFAULT_PORTS[parts.scheme])
        if parts.scheme == "https":
            context = tls_context(self._target)
            context.set_alpn_protocols(["http/1.1"])
            stream = await stream.start_tls(context, server_hostname=host)
        return Connection(stream, self._timing.sleep, self._wait_for)


class InTurn:
    """Sends requests by their scripts, each when the answer before has ended.

    A further connection is opened where that answer ended the one before, or where HEAD was answered with a body.
    """

    def __init__(self, client: ScriptedClient) -> None:
        self._client = client
        self._connection: Connection | None = None

    async def send(self, probe: Probe, request: httpx.Request, attempt: int = 1) -> Sent:
        """Send a probe's request once; a failure is recorded in the exchange and not raised."""
        one = Attempt(probe, request, attempt)
        started, tap = wall_clock(), self._client.tap(one)
        token = current_tap.set(tap)
        sent = replace(sent_request(request), body=b"")
        try:
            if self._connection is not None and not self._connection.is_kept:
                await self.aclose()
            if self._connection is None:
                self._connection = await self._client.connect()
            answer, end = await self._connection.exchange((one,), one, tap)
            self._connection.number = tap.connection
            sent = self._connection.sent_request(one)
        except FAILURES as error:
            answer, end = None, ending_of_failure(error, tap)
        finally:
            current_tap.reset(token)
        return sent_of(probe, attempt, started, sent, answer, end, tap)

    async def aclose(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.aclose()
        self._connection = None
