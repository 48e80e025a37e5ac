"""A plan is sent once, concurrently, within its budget, and every attempt is handed over."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from byte_server import KEY, OK, OPERATION, QUICK, Server, Visit, closed_port, probe, serve

from conformance.contract.model import Tier
from conformance.probes.model import Credential, Intent, Probe
from conformance.target.model import Limits, Target
from conformance.wire import CredentialMissingError, EndKind, Exchange, Observation, RequestError, Timing, Unreachable
from conformance.wire import observe as observe_probes
from conformance.wire.observe import observe_sync

REFUSED = b"HTTP/1.1 429 Slow Down\r\nContent-Length: 0\r\n"


async def ok(visit: Visit) -> None:
    await visit.send(OK)


class Watch:
    """Keeps what was recorded and slept, and lets no test sleep."""

    def __init__(self) -> None:
        self.recorded: list[Exchange] = []
        self.slept: list[float] = []

    def record(self, exchange: Exchange) -> Exchange:
        self.recorded.append(exchange)
        return exchange

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    async def observe(
        self, probes: Sequence[Probe], target: Target, limits: Limits = QUICK, **more: Any
    ) -> Observation:
        timing = Timing(sleep=self.sleep)
        return await observe_probes(probes, OPERATION, target, limits, self.record, timing=timing, **more)

    @property
    def ids(self) -> list[str]:
        return [exchange.id for exchange in self.recorded]


def observing(
    handler: Any, probes: Sequence[Probe], limits: Limits = QUICK, **more: Any
) -> tuple[Observation, Watch, Server]:
    watch = Watch()

    async def main() -> tuple[Observation, Watch, Server]:
        async with serve(handler) as server:
            return await watch.observe(probes, server.target, limits, **more), watch, server

    return asyncio.run(main())


def probes_named(*names: str, **changes: object) -> list[Probe]:
    return [probe(name, **changes) for name in names]


def test_every_probe_is_sent_once_and_recorded() -> None:
    progress: list[tuple[int, int]] = []
    names = [f"p{number}" for number in range(20)]
    seen, watch, server = observing(ok, probes_named(*names), progress=lambda *counts: progress.append(counts))
    assert sorted(watch.ids) == sorted(f"{name}#1" for name in names)
    assert len(server.visits) == seen.requests == 20
    assert seen.exchanges == tuple(watch.recorded)
    assert seen.unsent == {}
    assert not seen.interrupted
    assert progress[-1] == (20, 20)
    assert all(exchange.last for exchange in seen.exchanges)


def test_what_record_returns_is_what_is_seen() -> None:
    async def main() -> Observation:
        async with serve(ok) as server:
            return await observe_probes(
                [probe()], OPERATION, server.target, QUICK, lambda exchange: replace(exchange, probe="redacted")
            )

    assert [exchange.probe for exchange in asyncio.run(main()).exchanges] == ["redacted"]


def test_a_slow_target_costs_latency_times_probes_by_concurrency() -> None:
    async def slow(visit: Visit) -> None:
        await asyncio.sleep(0.05)
        await visit.send(OK)

    began = time.monotonic()
    _, _, server = observing(slow, probes_named(*map(str, range(16))), replace(QUICK, concurrency=8))
    assert 0.1 <= time.monotonic() - began < 0.4
    assert server.connections <= 9  # eight of the pool, and the one that looked whether anybody is there


def test_concurrency_is_bounded() -> None:
    busy, most = 0, 0

    async def counting(visit: Visit) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.01)
        busy -= 1
        await visit.send(OK)

    observing(counting, probes_named(*map(str, range(12))), replace(QUICK, concurrency=3))
    assert most == 3


def test_the_smoke_tier_comes_first() -> None:
    plan = [probe("late", tier=Tier.EXHAUSTIVE), probe("middle"), probe("early", tier=Tier.SMOKE)]
    _, watch, _ = observing(ok, plan, replace(QUICK, concurrency=1))
    assert watch.ids == ["early#1", "middle#1", "late#1"]


def test_a_wave_begins_when_the_one_before_has_ended() -> None:
    served: list[bytes] = []

    async def slow_first(visit: Visit) -> None:
        name = visit.body.split(b'"')[3]
        await asyncio.sleep(0.05 if name == b"slow" else 0)
        served.append(name)
        await visit.send(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")

    def named(name: str, **changes: object) -> Probe:
        return probe(name, body={"name": name}, **changes)

    slow = named("slow", instead=(named("instead", intent=Intent.EITHER),))
    observing(slow_first, [named("last", wave=2), named("next", wave=1), slow, named("quick")])
    assert served == [b"quick", b"slow", b"instead", b"next", b"last"]


def test_probes_of_one_connection_share_it_in_order() -> None:
    plan = [*probes_named("a", "b", "c", connection="kept"), *probes_named("x", "y"), probe("d", connection="other")]
    seen, _, _ = observing(ok, plan)
    numbers = {exchange.probe: exchange.connection for exchange in seen.exchanges}
    assert numbers["a"] == numbers["b"] == numbers["c"]
    assert numbers["a"] not in {numbers["x"], numbers["y"], numbers["d"]}
    order = [exchange.probe for exchange in seen.exchanges if exchange.probe in "abc"]
    assert order == ["a", "b", "c"]


def test_a_closed_connection_is_opened_again_for_its_next_probe() -> None:
    async def closing(visit: Visit) -> bool:
        await visit.send(OK)
        return True

    plan = probes_named("a", "b", connection="kept")
    seen, _, _ = observing(closing, plan, replace(QUICK, retries=2))
    last = {exchange.probe: exchange for exchange in seen.exchanges if exchange.last}
    assert last["a"].connection != last["b"].connection
    assert last["b"].ending.kind is EndKind.COMPLETE


@pytest.mark.parametrize(
    ("fields", "slept"),
    [
        (b"Retry-After: 2\r\n", 2.0),
        (b"Retry-After: 0\r\n", 0.0),
        (b"Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 0.0),
        (b"Retry-After: soon\r\n", 0.25),
        (b"", 0.25),
    ],
)
def test_a_target_that_refuses_for_load_is_asked_again(fields: bytes, slept: float) -> None:
    async def once(visit: Visit) -> None:
        await visit.send(REFUSED + fields + b"\r\n" if visit.number == 0 else OK)

    seen, watch, _ = observing(once, [probe(completion_tokens=7)], replace(QUICK, retries=2))
    assert [(exchange.id, exchange.attempt, exchange.last) for exchange in seen.exchanges] == [
        ("plain#1", 1, False),
        ("plain#2", 2, True),
    ]
    assert sum(watch.slept) == pytest.approx(slept, abs=0.05)
    assert (seen.requests, seen.completion_tokens) == (2, 7)


def test_a_longer_retry_after_than_the_limit_is_not_waited_for() -> None:
    async def always(visit: Visit) -> None:
        await visit.send(REFUSED + b"Retry-After: 11\r\n\r\n")

    seen, watch, _ = observing(always, [probe()], replace(QUICK, retries=2))
    assert [exchange.last for exchange in seen.exchanges] == [True]
    assert watch.slept == []


def test_backoff_grows_and_ends() -> None:
    async def unavailable(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    seen, watch, _ = observing(unavailable, [probe()], replace(QUICK, retries=3))
    assert [exchange.last for exchange in seen.exchanges] == [False, False, False, True]
    assert watch.slept == [0.25, 0.5, 1.0]


def test_a_429_holds_everybody() -> None:
    async def first_is_refused(visit: Visit) -> None:
        await visit.send(REFUSED + b"Retry-After: 5\r\n\r\n" if visit.number == 0 else OK)

    plan = probes_named("a", "b", "c")
    _, watch, _ = observing(first_is_refused, plan, replace(QUICK, retries=1, concurrency=1))
    assert len([seconds for seconds in watch.slept if seconds > 4]) == 3


@pytest.mark.parametrize("status", [200, 400, 401, 500, 502, 504])
def test_other_answers_are_final(status: int) -> None:
    async def answer(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    _, _, server = observing(answer, [probe()], replace(QUICK, retries=2))
    assert len(server.visits) == 1


def test_a_connection_that_fails_before_the_answer_is_tried_again() -> None:
    async def moody(visit: Visit) -> bool:
        if visit.number == 0:
            visit.reset()
        elif visit.number > 1:
            await visit.send(OK)
        return True

    seen, _, _ = observing(moody, [probe()], replace(QUICK, retries=2))
    assert [exchange.ending.kind for exchange in seen.exchanges] == [EndKind.RESET, EndKind.CLOSED, EndKind.COMPLETE]


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", b"HTTP/1.1 2"])
def test_an_answer_that_has_begun_is_not_asked_for_again(start: bytes) -> None:
    async def cut(visit: Visit) -> bool:
        await visit.send(start)
        return True

    _, _, server = observing(cut, [probe()], replace(QUICK, retries=2))
    assert len(server.visits) == 1


def test_left_over_bytes_cost_the_next_probe_a_second_attempt_and_no_wrong_answer() -> None:
    async def smuggling(visit: Visit) -> None:
        await visit.send(OK + (b"HTTP/1.1 500 Not Yours\r\nContent-Length: 0\r\n\r\n" if visit.number == 0 else b""))

    seen, _, _ = observing(smuggling, probes_named("a", "b", connection="one"), replace(QUICK, retries=1))
    assert [(exchange.id, exchange.ending.kind) for exchange in seen.exchanges] == [
        ("a#1", EndKind.COMPLETE),
        ("b#1", EndKind.MALFORMED),
        ("b#2", EndKind.COMPLETE),
    ]


def test_the_request_budget_is_kept_by_retries_too() -> None:
    async def always(visit: Visit) -> None:
        await visit.send(REFUSED + b"\r\n")

    limits = replace(QUICK, max_requests=4, retries=2, concurrency=1)
    seen, _, server = observing(always, probes_named("a", "b", "c"), limits)
    assert len(server.visits) == 4
    assert [exchange.id for exchange in seen.exchanges if exchange.last] == ["a#3", "b#1"]
    assert seen.unsent == {"c": "the budget of 4 requests is spent"}


def test_what_does_not_fit_into_the_token_budget_is_not_sent() -> None:
    plan = [probe("a", completion_tokens=6), probe("b", completion_tokens=6), probe("c", completion_tokens=4)]
    seen, _, _ = observing(ok, [*plan, probe("free")], replace(QUICK, max_completion_tokens=10))
    assert sorted(exchange.probe for exchange in seen.exchanges) == ["a", "c", "free"]
    assert seen.completion_tokens == 10
    assert "6 completion tokens" in seen.unsent["b"]


@pytest.mark.parametrize(
    ("intent", "status", "sent"),
    [
        (Intent.SERVED, 400, ["whole", "part/1", "part/2"]),
        (Intent.SERVED, 200, ["whole"]),
        (Intent.EITHER, 400, ["whole"]),
        (Intent.REFUSED, 400, ["whole"]),
    ],
)
def test_what_is_not_served_is_sent_in_parts(intent: Intent, status: int, sent: list[str]) -> None:
    async def answer(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    progress: list[tuple[int, int]] = []
    whole = probe("whole", intent=intent, instead=tuple(probes_named("part/1", "part/2", intent=Intent.EITHER)))
    seen, _, _ = observing(answer, [whole, whole], progress=lambda *counts: progress.append(counts))
    assert sorted(exchange.probe for exchange in seen.exchanges) == sorted(sent)
    assert progress[-1] == (len(sent), len(sent))


def test_a_cut_answer_is_not_served() -> None:
    async def cut(visit: Visit) -> bool:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}")
        return True

    seen, _, _ = observing(cut, [probe("whole", instead=(probe("part", intent=Intent.EITHER),))])
    assert [exchange.probe for exchange in seen.exchanges] == ["whole", "part"]


def test_a_target_that_answers_nothing_is_given_up() -> None:
    async def silent(visit: Visit) -> bool:
        return True

    seen, _, server = observing(silent, probes_named(*map(str, range(30))), replace(QUICK, concurrency=2))
    assert 4 <= len(server.visits) <= 5
    assert len(seen.unsent) == 30 - len(server.visits)
    assert set(seen.unsent.values()) == {"the target answered nothing"}


def test_one_answer_is_enough_to_go_on() -> None:
    async def rare(visit: Visit) -> bool:
        if visit.number == 2:
            await visit.send(OK)
        return True

    seen, _, server = observing(rare, probes_named(*map(str, range(12))), replace(QUICK, concurrency=1))
    assert len(server.visits) == 12
    assert seen.unsent == {}


def test_nobody_there_is_told_at_once_in_one_sentence() -> None:
    port = closed_port()
    watch = Watch()
    with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} could be made \(.*refused.*--base-url"):
        asyncio.run(watch.observe([probe()], Target(base_url=f"http://127.0.0.1:{port}")))
    assert len(watch.slept) == 2


def test_an_unknown_host_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match=r"nowhere\.invalid:80"):
        asyncio.run(Watch().observe([probe()], Target(base_url="http://nowhere.invalid")))


def test_an_empty_plan_sends_nothing_and_needs_nobody() -> None:
    target = Target(base_url=f"http://127.0.0.1:{closed_port()}")
    assert asyncio.run(Watch().observe([], target)) == Observation(exchanges=())


def test_a_mistake_in_the_configuration_is_told_before_anything_is_sent() -> None:
    async def main() -> None:
        async with serve(ok) as server:
            with pytest.raises(RequestError, match="no value"):
                await Watch().observe([probe("a"), probe("b", path="/{what}")], server.target)
            assert server.connections == 0

    asyncio.run(main())


def test_without_a_second_tenant_its_probes_are_not_sent() -> None:
    seen, _, _ = observing(ok, [probe("own"), probe("other", credential=Credential.OTHER)])
    assert [exchange.probe for exchange in seen.exchanges] == ["own"]
    assert "CONFORMANCE_OTHER_API_KEY" in seen.unsent["other"]
    assert not issubclass(CredentialMissingError, AssertionError)


def test_the_rate_limit_spaces_requests() -> None:
    _, watch, _ = observing(ok, probes_named("a", "b", "c", "d"), replace(QUICK, rate=2.0))
    assert sum(watch.slept) == pytest.approx(0.5 + 1.0 + 1.5, abs=0.1)


def test_cancelling_keeps_what_was_seen() -> None:
    async def some(visit: Visit) -> None:
        await (visit.send(OK) if visit.number < 3 else visit.stall())

    async def main() -> None:
        watch = Watch()
        async with serve(some) as server:
            plan = probes_named(*map(str, range(10)))
            limits = replace(QUICK, concurrency=1, first_byte_timeout=5.0, deadline=5.0)
            task = asyncio.create_task(watch.observe(plan, server.target, limits))
            while len(server.visits) < 4:
                await asyncio.sleep(0.005)
            task.cancel()
            seen = await task
        assert seen.interrupted
        assert [exchange.probe for exchange in seen.exchanges] == ["0", "1", "2"]
        assert seen.unsent == dict.fromkeys(map(str, range(3, 10)), "the run was interrupted")

    asyncio.run(main())


def test_ctrl_c_keeps_what_was_seen() -> None:
    """The server runs in a thread, since `observe_sync` has the main thread and its signals."""
    started, stalled = threading.Event(), threading.Event()
    ports: list[int] = []
    stop: list[Any] = []

    async def some(visit: Visit) -> None:
        if visit.number == 0:
            await visit.send(OK)
        else:
            stalled.set()
            await visit.stall()

    async def server_main() -> None:
        async with serve(some) as server:
            done = asyncio.Event()
            loop = asyncio.get_running_loop()
            stop.append(lambda: loop.call_soon_threadsafe(done.set))
            ports.append(server.port)
            started.set()
            await done.wait()

    def interrupt() -> None:
        stalled.wait(5)
        os.kill(os.getpid(), signal.SIGINT)

    server_thread = threading.Thread(target=lambda: asyncio.run(server_main()))
    server_thread.start()
    started.wait(5)
    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    try:
        limits = replace(QUICK, concurrency=1, first_byte_timeout=5.0, deadline=5.0)
        target = Target(base_url=f"http://127.0.0.1:{ports[0]}/v1", api_key=KEY)
        seen = observe_sync(probes_named("a", "b", "c"), OPERATION, target, limits, Watch().record)
    finally:
        stop[0]()
        server_thread.join(5)
        interrupter.join(5)
    assert seen.interrupted
    assert [exchange.id for exchange in seen.exchanges] == ["a#1"]
    assert set(seen.unsent) == {"b", "c"}


def test_a_resumed_run_sends_only_what_is_missing() -> None:
    whole = probe("whole", instead=(probe("part", intent=Intent.EITHER),))
    plan = [probe("done"), whole, probe("half"), probe("new")]

    async def refusing(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")

    before, _, _ = observing(refusing, [plan[0], replace(whole, instead=()), plan[2]])
    half = next(exchange for exchange in before.exchanges if exchange.probe == "half")
    known = [replace(exchange, last=exchange is not half) for exchange in before.exchanges]
    seen, watch, _ = observing(ok, plan, replace(QUICK, max_requests=6), resume=known)
    assert sorted(watch.ids) == ["half#2", "new#1", "part#1"]
    assert seen.exchanges[:3] == tuple(known)
    assert seen.requests == 6


def test_an_error_while_recording_ends_the_run() -> None:
    def full(_: Exchange) -> Exchange:
        raise OSError(28, "No space left on device")

    async def main() -> None:
        async with serve(ok) as server:
            await observe_probes([probe()], OPERATION, server.target, QUICK, full)

    with pytest.raises(OSError, match="No space left"):
        asyncio.run(main())
