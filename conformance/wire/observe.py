"""Sends the probes of a plan to a target, concurrently and within the budget, and records every exchange."""

from __future__ import annotations

import asyncio
import math
import random
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

from conformance.contract.model import Operation
from conformance.probes.model import Probe
from conformance.targets.model import Limits, Target
from conformance.wire.budget import Budget, MemoryBudget, RateLimit, Timing
from conformance.wire.exchange import Exchange
from conformance.wire.lateness import Lateness
from conformance.wire.proxy import proxy_url
from conformance.wire.reachability import require_reachable
from conformance.wire.retry import TOO_MANY_REQUESTS, Persistence, refused_or_unseen, retry_delay
from conformance.wire.run_time import OUT_OF_TIME, RunTime, came_to_nothing
from conformance.wire.schedule import FollowUps, Schedule, chains, waves

if TYPE_CHECKING:
    import httpx

    from conformance.wire.client import Client
    from conformance.wire.scripted import InTurn, ScriptedClient

SILENT = "the target answered nothing"
BY_PROXY = "what is written byte by byte is not sent through a proxy"
"""A proxy gives the client no connection of its own to the target: what is about one does not apply."""
LEAST_SILENCES = 4
"""The least number of probes without an answer after which the rest is given up."""
IDLE_EXPIRY = 4.0
"""Seconds after which an idle connection is not used again: less than the 5 s that many servers keep it open."""

_Result = TypeVar("_Result")
Record = Callable[[Exchange], Exchange]
"""Takes an exchange as it happens and returns what may be kept of it (`EvidenceWriter.append`)."""


@dataclass(frozen=True, slots=True)
class SoFar:
    """How far a run has come: probes that are finished, all that there are by now, and those answered unexpectedly.

    What is unexpected may be allowed all the same, such as a refusal by a limit of the deployment's own.
    """

    finished: int
    total: int
    unexpected: int = 0


Progress = Callable[[SoFar], None]
"""Called after each probe."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a run saw: the exchanges in the order in which they ended, and why some probes were not sent.

    `exchanges` are what `record` returned, those of a resumed run first. `unsent` maps a probe's name to the reason.
    `completion_tokens` is the reserved worst case, not what the target charged.
    """

    exchanges: tuple[Exchange, ...]
    unsent: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    requests: int = 0
    completion_tokens: int = 0


def observe_sync(  # noqa: PLR0913 - as `observe`
    probes: Sequence[Probe],
    operation: Operation,
    target: Target,
    limits: Limits,
    record: Record,
    progress: Progress | None = None,
    resume: Iterable[Exchange] = (),
    *,
    follow_ups: FollowUps | None = None,
    run_time: RunTime | None = None,
) -> Observation:
    """`observe`, from code without an event loop. Ctrl-C ends it with `interrupted` set and what was seen so far."""
    more: dict[str, Any] = {"follow_ups": follow_ups, "run_time": run_time}
    return asyncio.run(observe(probes, operation, target, limits, record, progress, resume, **more))


async def observe(  # noqa: PLR0913 - the things that a run is made of, and time
    probes: Sequence[Probe],
    operation: Operation,
    target: Target,
    limits: Limits,
    record: Record,
    progress: Progress | None = None,
    resume: Iterable[Exchange] = (),
    *,
    follow_ups: FollowUps | None = None,
    timing: Timing | None = None,
    run_time: RunTime | None = None,
) -> Observation:
    """Send every probe once and record every attempt.

    Probes with one `connection` name go one after another over one connection of their own; all others of a wave go
    concurrently, and a wave begins when the one before has ended. `resume` gives the exchanges of an interrupted run:
    what they decided is not sent again. `follow_ups` is called after each probe and gives further ones that follow from
    its answer. What `run_time` has no time for is not sent; without it, time does not matter. When the running task is
    cancelled, what was seen so far is returned with `interrupted` set.

    Raises:
        Unreachable: no connection to the target can be made.
        RequestError: a probe cannot be made into a request.
    """
    # From half to one and a half times the backoff, so that attempts do not come back together.
    timing = timing or Timing(jitter=lambda: random.uniform(0.5, 1.5))  # noqa: S311 - no secret hangs on it
    run = _Run(Schedule(probes, operation, target, follow_ups), target, limits, record, timing)
    run.progress = progress
    run.time = run_time or RunTime(clock=timing.clock)
    run.resume(resume)
    try:
        await run.send_all()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        return run.observation(interrupted=True)
    return run.observation(interrupted=False)


@dataclass(frozen=True, slots=True)
class _Channel:
    """A transport and the client that sends over it."""

    transport: httpx.AsyncBaseTransport
    client: Client


class _Silence:
    """Notices a target that answers nothing at all, so that a run does not wait for each probe's deadline."""

    def __init__(self, limits: Limits) -> None:
        self._enough = max(limits.concurrency, LEAST_SILENCES)
        self._count = 0
        self._answered = False

    def note(self, *, answered: bool) -> None:
        self._answered = self._answered or answered
        self._count += not answered

    @property
    def total(self) -> bool:
        return not self._answered and self._count >= self._enough


class _Run:
    """One observation: sends what the schedule plans."""

    progress: Progress | None = None
    time: RunTime

    def __init__(self, schedule: Schedule, target: Target, limits: Limits, record: Record, timing: Timing) -> None:
        self._schedule = schedule
        self._target = target
        self._limits = limits
        self._record = record
        self._timing = timing
        self._budget = Budget(limits)
        self._memory = MemoryBudget(limits)
        self._rate_limit = RateLimit(limits.rate, timing)
        self._silence = _Silence(limits)
        self._lateness = Lateness()
        self._persistence = Persistence()
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._numbers = count(1)
        self._attempts: dict[str, int] = {}
        self._ended: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._exchanges: list[Exchange] = []
        self._generated_since: float | None = None
        """When the first generated request was due, by the clock."""

    def resume(self, exchanges: Iterable[Exchange]) -> None:
        """Take over what an interrupted run saw; the numbers of attempts and connections stay unique."""
        for exchange in exchanges:
            self._exchanges.append(exchange)
            self._attempts[exchange.probe] = max(self._attempts.get(exchange.probe, 0), exchange.attempt)
            probe = self._schedule.find(exchange.probe)
            if probe is None:  # one that is not planned here, such as the preflight's; it was paid for all the same
                self._budget.requests += 1
                continue
            self._budget.spend(probe)
            if exchange.last:
                self._silence.note(answered=exchange.answer is not None)
                self._schedule.finish(probe, exchange)
                self._ended[probe.name].set()
        self._memory.spend(self._exchanges)
        self._numbers = count(1 + max((exchange.connection or 0 for exchange in self._exchanges), default=0))

    async def send_all(self) -> None:
        """Send all that is planned, and what follows from the answers."""
        if not self._schedule.planned:
            return
        answered = any(exchange.answer is not None for exchange in self._exchanges)
        await require_reachable(self._target, self._limits, self._timing, answered=answered)
        pool = self._open(connections=self._limits.concurrency, keepalive=IDLE_EXPIRY)
        watching = asyncio.create_task(self._lateness.watch())
        try:
            await self._send_waves(pool)
        finally:
            watching.cancel()

    async def _send_waves(self, pool: _Channel) -> None:
        async with pool.transport:
            for wave in waves(self._schedule.planned):
                try:
                    async with asyncio.TaskGroup() as tasks:
                        for chain in chains(wave):
                            tasks.create_task(self._send_chain(chain, pool, tasks))
                except BaseExceptionGroup as group:
                    # A chain fails only by a defect of this program or a full disk; the first failure says which.
                    raise group.exceptions[0] from None

    def observation(self, *, interrupted: bool) -> Observation:
        """What is known now."""
        return Observation(
            exchanges=tuple(self._exchanges),
            unsent=self._schedule.unsent(),
            interrupted=interrupted,
            requests=self._budget.requests,
            completion_tokens=self._budget.completion_tokens,
        )

    async def _send_chain(self, chain: list[Probe], pool: _Channel, tasks: asyncio.TaskGroup) -> None:
        # The whole chain holds one slot: if it queued between two requests, its connection could expire.
        async with self._slots:
            if chain[0].script is not None:
                follow_ups = await self._send_scripted(chain)
            elif chain[0].connection is None:
                follow_ups = await self._send_each(chain, pool.client)
            else:
                own = self._open(connections=1, keepalive=None)
                async with own.transport:
                    follow_ups = await self._send_each(chain, own.client)
        for following in chains(follow_ups):
            tasks.create_task(self._send_chain(following, pool, tasks))

    async def _send_each(self, chain: list[Probe], client: Client | ScriptedClient | InTurn) -> list[Probe]:
        """Send probes one after another; returns the probes that follow from their answers."""
        follow_ups: list[Probe] = []
        for probe in chain:
            sent, reason = None, self._not_sent(probe)
            if reason is None:
                sent = await self._in_time(self._send(probe, client))
                reason = self.time.over or OUT_OF_TIME
            if sent is not None:
                follow_ups += self._schedule.finish(probe, sent)
            else:
                self._schedule.give_up(probe, reason)
            self._note_end(probe)
        return follow_ups

    def _not_sent(self, probe: Probe) -> str | None:
        """Why a probe is not sent any more, in words, else None: then its cost is reserved."""
        if self._silence.total:
            return SILENT
        return self.time.over or self._too_late(probe) or self._budget.reserve(probe)

    async def _in_time(self, sending: Coroutine[Any, Any, _Result]) -> _Result | None:
        """What comes of sending; None where the deadline of the run passes first, so that it is as if never begun."""
        left = self.time.left
        try:
            async with asyncio.timeout(None if math.isinf(left) else left) as limit:
                return await sending
        except TimeoutError:
            if not limit.expired():
                raise
            return None

    def _too_late(self, probe: Probe) -> str | None:
        """Why a generated request is not sent any more, in words; None for all others."""
        if not probe.generated:
            return None
        now = self._timing.clock()
        self._generated_since = self._generated_since or now
        if now - self._generated_since <= self._limits.generated_time:
            return None
        return f"the {self._limits.generated_time:g} s for generated requests are over"

    def _note_end(self, probe: Probe) -> None:
        self._ended[probe.name].set()
        if self.progress is not None:
            schedule = self._schedule
            self.progress(SoFar(schedule.finished, schedule.total, schedule.unexpected))

    async def _send_scripted(self, chain: list[Probe]) -> list[Probe]:
        """Send probes as their scripts say; returns the probes that follow from their answers."""
        client = self._scripted_client()
        if client is None:
            for probe in chain:
                self._schedule.give_up(probe, BY_PROXY)
                self._note_end(probe)
            return []
        if chain[0].connection is None:
            return await self._send_each(chain, client)
        if chain[0].script is not None and not chain[0].script.pipelined:
            async with client.in_turn() as in_turn:
                return await self._send_each(chain, in_turn)
        await self._send_together(chain, client)
        return []

    async def _send_together(self, chain: list[Probe], client: ScriptedClient) -> None:
        """Send pipelined probes in one write, and only once: a failure of one says nothing about the others."""
        from conformance.wire.scripted_connection import Attempt  # noqa: PLC0415 - brings httpx in, 60 ms

        attempts = []
        for probe in chain:
            reason = self._not_sent(probe)
            if reason is None:
                attempts.append(Attempt(probe, self._schedule.request(probe), self._next_attempt(probe)))
            else:
                self._schedule.give_up(probe, reason)
                self._note_end(probe)
        await self._rate_limit.wait()
        together = await self._in_time(client.send_together(attempts))
        if together is None:
            for attempt in attempts:
                self._schedule.give_up(attempt.probe, self.time.over or OUT_OF_TIME)
                self._note_end(attempt.probe)
            return
        for attempt, sent in zip(attempts, together, strict=True):
            self._silence.note(answered=sent.answered)
            self._schedule.finish(attempt.probe, self._keep(sent.exchange))
            self._note_end(attempt.probe)

    def _next_attempt(self, probe: Probe) -> int:
        self._attempts[probe.name] = self._attempts.get(probe.name, 0) + 1
        return self._attempts[probe.name]

    async def _send(self, probe: Probe, client: Client | ScriptedClient | InTurn) -> Exchange:
        """Send a probe, and again where that may help; returns the last exchange as it was recorded."""
        began = 0.0
        for tries in count(1):
            await self._rate_limit.wait()
            began = began or self._timing.clock()
            sending = client.send(probe, self._schedule.request(probe), self._next_attempt(probe))
            sent = await self._lateness.noted(sending)
            if refused_or_unseen(sent):
                # Nothing was generated, so nothing was charged.
                self._budget.release_tokens(probe)
            jitter = self._timing.jitter()
            delay = retry_delay(sent, self._limits, tries=tries, now=datetime.now(UTC), jitter=jitter)
            if delay is not None and not self._persistence.asks_again(sent, self._schedule.total):
                delay = None
            if probe.leaves:
                delay = None  # no answer may have come because the client left
            if delay is None or self._silence.total or self._budget.reserve(probe) is not None:
                if not probe.leaves or sent.answered:
                    self._silence.note(answered=sent.answered)
                if probe.script is None and came_to_nothing(sent.exchange):
                    self.time.lose(began)
                return self._keep(sent.exchange)
            self._keep(replace(sent.exchange, last=False))
            await self._pause(sent.exchange, delay)
        raise AssertionError  # the count has no end

    def _keep(self, exchange: Exchange) -> Exchange:
        kept = self._record(exchange)
        self._exchanges.append(kept)
        return kept

    async def _pause(self, exchange: Exchange, delay: float) -> None:
        if exchange.answer is not None and exchange.answer.status == TOO_MANY_REQUESTS:
            self._rate_limit.hold(delay)
        else:
            await self._timing.sleep(delay)

    def _open(self, *, connections: int, keepalive: float | None) -> _Channel:
        from conformance.wire.client import Client  # noqa: PLC0415 - brings httpx in, 60 ms
        from conformance.wire.transport import Transport  # noqa: PLC0415 - brings httpx in, 60 ms

        transport = Transport(target=self._target, connections=connections, numbers=self._numbers, keepalive=keepalive)
        return _Channel(transport, Client(transport, self._limits, self._timing.clock, self._memory))

    def _scripted_client(self) -> ScriptedClient | None:
        """The client that sends by scripts, None where a proxy stands before the target."""
        from conformance.wire.scripted import ScriptedClient  # noqa: PLC0415 - brings httpx in, 60 ms

        if proxy_url(self._target) is not None:
            return None
        return ScriptedClient(self._target, self._limits, self._numbers, self._ended_event, self._timing, self._memory)

    async def _ended_event(self, name: str) -> None:
        await self._ended[name].wait()
