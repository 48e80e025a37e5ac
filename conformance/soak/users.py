"""Sends the requests of a share: users that each send one after another, while answers are judged in a thread."""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from conformance.probes import Probe
from conformance.probes.canaries import MOST_NUMBERED
from conformance.probes.model import REFUSED_FOR_LOAD
from conformance.running.run import Run
from conformance.soak.memory import resident
from conformance.soak.mixture import Mixture
from conformance.soak.settings import Share
from conformance.soak.times import LATE, WHOLE, Measured, Times, level_of
from conformance.wire import Exchange
from conformance.wire.budget import RateLimit, Timing
from conformance.wire.lateness import Lateness
from conformance.wire.observe import IDLE_EXPIRY
from conformance.wire.retry import FIRST_BACKOFF, failed_to_connect, retry_after

if TYPE_CHECKING:
    from conformance.wire.client import Sent
    from conformance.wire.transport import Transport

MOST_WAITING: Final = 64
"""Answers that wait to be judged; then users wait as well, so that memory stays what it is."""
_AT_ONCE: Final = 8
_LOOK: Final = 0.05
"""Seconds between two looks at how late the sender is."""
_LONGEST_PAUSE: Final = 5.0
_MOST_SAMPLES: Final = 240
STOPPED: Final = "it was stopped"


@dataclass(frozen=True, slots=True)
class Sample:
    """How much memory there was, so many seconds after the beginning and after so many answers."""

    at: float
    mib: float
    judged: int


class Arrived(NamedTuple):
    """The exchange of the nth request, and at which level of concurrency it began."""

    probe: Probe
    number: int
    exchange: Exchange
    level: int


Judge = Callable[[Arrived], None]
"""Judges and counts an exchange; called in one thread."""


@dataclass(slots=True)
class Users:
    """The users of one share, and what is known of them."""

    share: Share
    run: Run
    mixture: Mixture
    judge: Judge
    stopped: Callable[[], bool]
    """Whether somebody wants the soak to end; asked once in a while, in a thread."""
    ended: str | None = None
    """Why it ended before its time or its requests were over; None where it did not."""
    judged: int = 0
    sent_again: int = 0
    held: float = 0.0
    """Seconds that users, together, waited for answers before theirs to be judged."""
    seconds: float = 0.0
    most_under_way: int = 0
    samples: list[Sample] = field(default_factory=list)
    late: Times = field(default_factory=Times)
    _began: float = 0.0
    _over: bool = False
    _under_way: int = 0
    _last_answer: float = 0.0
    _lateness: Lateness = field(default_factory=Lateness)

    def send(self) -> None:
        """Send until the time or the requests are over; Ctrl-C ends it with what there is."""
        self._began = self._last_answer = time.monotonic()
        try:
            asyncio.run(self._send())
        except KeyboardInterrupt:
            self.ended = STOPPED
        self.seconds = time.monotonic() - self._began

    async def _send(self) -> None:
        waiting: asyncio.Queue[Arrived] = asyncio.Queue(MOST_WAITING)
        numbers = self._numbers()
        rate = self.run.settings.limits.rate
        pace = RateLimit(None if rate is None else rate / self.share.of, Timing())
        with ThreadPoolExecutor(1, thread_name_prefix="judge") as thread:
            judging = asyncio.create_task(self._judge_all(waiting, thread))
            watching = [asyncio.create_task(one) for one in (self._watch(), self._lateness.watch())]
            users = [asyncio.create_task(self._user(one, numbers, pace, waiting)) for one in range(self.share.users)]
            try:
                await _first_failure(users, judging)
            finally:
                # Also where this task was cancelled, by Ctrl-C: what has come is judged.
                await asyncio.gather(*map(_cancelled, (*watching, *users)))
                await waiting.join() if not judging.done() else None
                judging.cancel()

    def _numbers(self) -> Iterator[int]:
        return iter(range(self.share.number, self.share.settings.requests or MOST_NUMBERED, self.share.of))

    async def _user(
        self,
        place: int,
        numbers: Iterator[int],
        pace: RateLimit,
        waiting: asyncio.Queue[Arrived],
    ) -> None:
        from conformance.wire.transport import Transport

        await asyncio.sleep(self.share.settings.ramp * place / self.share.users)
        connections = itertools.count(1 + (place * self.share.of + self.share.number << 20))
        pause = 0.0
        # A pool for each: one for all looks at all connections for each request.
        transport = Transport(target=self.run.target, connections=1, numbers=connections, keepalive=IDLE_EXPIRY)
        async with transport:
            while True:
                await pace.wait()
                number = None if self._is_over() else next(numbers, None)
                if number is None:
                    return
                probe = self.mixture.request(number)
                self._under_way += 1
                self.most_under_way = max(self.most_under_way, self._under_way)
                level = level_of(self._under_way * self.share.of)
                try:
                    sent = await self._sent(probe, number, transport)
                finally:
                    self._under_way -= 1
                if sent.answered:
                    self._last_answer = time.monotonic()
                held_since = time.monotonic()
                await waiting.put(Arrived(probe, number, sent.exchange, level))
                self.held += time.monotonic() - held_since
                pause = self._pause(sent, pause)
                if pause:
                    await asyncio.sleep(min(pause, max(self._left(), 0.0)))

    async def _sent(self, probe: Probe, number: int, transport: Transport) -> Sent:
        """Send a request; once more where a connection that was kept alive is lost before any byte of an answer."""
        from conformance.wire.client import Client
        from conformance.wire.request import build_request

        client = Client(transport, self.share.settings.limits)  # each has memory of its own
        before = transport.is_connected

        async def once() -> Sent:
            request = build_request(probe, self.run.contract.operation, self.run.target)
            return await self._lateness.noted(client.send(probe, request, number + 1))

        sent = await once()
        if before and failed_to_connect(sent):
            self.sent_again += 1
            sent = await once()
        return sent

    def _pause(self, sent: Sent, before: float) -> float:
        """Seconds until this user's next request: a refusal for load, or no answer, is given time."""
        answer, limits = sent.exchange.answer, self.share.settings.limits
        if answer is not None and answer.status not in REFUSED_FOR_LOAD:
            return 0.0
        value = answer.header("retry-after") if answer is not None else None
        asked = retry_after(value, datetime.now(UTC)) if value is not None else None
        if asked is not None:
            return min(asked, limits.retry_after_limit)
        return min(max(2 * before, FIRST_BACKOFF), _LONGEST_PAUSE)

    async def _judge_all(self, waiting: asyncio.Queue[Arrived], thread: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        while True:
            some = [await waiting.get()]
            while len(some) < _AT_ONCE and not waiting.empty():
                some.append(waiting.get_nowait())
            await loop.run_in_executor(thread, self._judge_some, some)
            for _ in some:
                waiting.task_done()

    def _judge_some(self, some: list[Arrived]) -> None:
        for one in some:
            self.judge(one)
            self.judged += 1

    async def _watch(self) -> None:
        """Look how late the sender is, how much memory there is, and whether anybody wants it to end."""
        looked = sampled = time.monotonic()
        every = max(1.0, self.share.settings.seconds / _MOST_SAMPLES)
        while True:
            due = time.monotonic() + _LOOK
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            self.late.add(Measured(WHOLE, LATE, 1), [max(now - due, 0.0)])
            if now - sampled >= every and len(self.samples) < _MOST_SAMPLES:
                sampled = now
                self.samples.append(Sample(round(now - self._began, 1), resident(), self.judged))
            if now - looked >= 0.5:
                looked = now
                if await asyncio.to_thread(self.stopped):
                    self.ended, self._over = STOPPED, True

    def _left(self) -> float:
        return self._began + self.share.settings.seconds - time.monotonic()

    def _is_over(self) -> bool:
        if self._over or self._left() <= 0:
            return True
        silence = time.monotonic() - self._last_answer
        patience = max(2 * self.share.settings.limits.deadline, 4 * _LONGEST_PAUSE)
        if silence > patience and not math.isinf(silence):
            self.ended, self._over = f"no answer came for {silence:.0f} s", True
        return self._over


async def _first_failure(users: list[asyncio.Task[None]], judging: asyncio.Task[None]) -> None:
    """Wait until all users have ended; what breaks in one of them, or in judging, is raised."""
    left: set[asyncio.Task[None]] = set(users)
    while left:
        done, _ = await asyncio.wait({*left, judging}, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
        left -= done


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
