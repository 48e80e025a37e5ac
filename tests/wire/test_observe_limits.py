"""What a run is not to do: spend more than its budget, wait for the dead, lose what it saw."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from dataclasses import replace
from typing import Any

import pytest
from byte_server import KEY, OK, OPERATION, QUICK, Visit, closed_port, probe, serve
from observing_servers import REFUSED, Watch, observing, ok, probes_named

from conformance.probes.model import Credential, Intent
from conformance.targets.model import Target
from conformance.wire import CredentialMissingError, Exchange, Observation, RequestError, Unreachable
from conformance.wire import observe as observe_probes
from conformance.wire.observe import SoFar, observe_sync

pytestmark = pytest.mark.network


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
        (Intent.EITHER, 500, ["whole", "part/1", "part/2"]),
        (Intent.REFUSED, 400, ["whole"]),
    ],
)
def test_what_is_not_served_is_sent_in_parts(intent: Intent, status: int, sent: list[str]) -> None:
    async def answer(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    progress: list[SoFar] = []
    whole = probe("whole", intent=intent, instead=tuple(probes_named("part/1", "part/2", intent=Intent.EITHER)))
    seen, _, _ = observing(answer, [whole, whole], progress=progress.append)
    assert sorted(exchange.probe for exchange in seen.exchanges) == sorted(sent)
    assert (progress[-1].finished, progress[-1].total) == (len(sent), len(sent))


@pytest.mark.parametrize(
    ("intent", "status", "unexpected"),
    [
        (Intent.SERVED, 200, 0),
        (Intent.SERVED, 400, 1),
        (Intent.SERVED, 500, 1),
        (Intent.REFUSED, 400, 0),
        (Intent.REFUSED, 200, 1),
        (Intent.REFUSED, 500, 1),
        (Intent.EITHER, 200, 0),
        (Intent.EITHER, 500, 0),
    ],
)
def test_answers_that_are_not_as_the_contract_has_them_are_counted(
    intent: Intent, status: int, unexpected: int
) -> None:
    async def answer(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)

    progress: list[SoFar] = []
    observing(answer, [probe("one", intent=intent)], progress=progress.append)
    assert progress == [SoFar(1, 1, unexpected)]


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


def test_one_answer_is_enough_to_continue() -> None:
    async def rare(visit: Visit) -> bool:
        if visit.number == 2:
            await visit.send(OK)
        return True

    seen, _, server = observing(rare, probes_named(*map(str, range(12))), replace(QUICK, concurrency=1))
    assert len(server.visits) == 12
    assert seen.unsent == {}


def test_an_unreachable_target_is_reported_at_once_in_one_sentence() -> None:
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


def test_an_empty_plan_sends_nothing_and_needs_no_target() -> None:
    target = Target(base_url=f"http://127.0.0.1:{closed_port()}")
    assert asyncio.run(Watch().observe([], target)) == Observation(exchanges=())


def test_a_mistake_in_the_configuration_is_reported_before_anything_is_sent() -> None:
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
    # A process that was started in the background ignores Ctrl-C, and hands that down to its tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupter.start()
    try:
        limits = replace(QUICK, concurrency=1, first_byte_timeout=5.0, deadline=5.0)
        target = Target(base_url=f"http://127.0.0.1:{ports[0]}/v1", api_key=KEY)
        seen = observe_sync(probes_named("a", "b", "c"), OPERATION, target, limits, Watch().record)
    finally:
        signal.signal(signal.SIGINT, before)
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
