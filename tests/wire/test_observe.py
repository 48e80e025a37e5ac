"""A plan is sent once, concurrently, within its budget, and every attempt is handed over."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from byte_server import OK, OPERATION, QUICK, Visit, probe, serve
from observing_servers import REFUSED, observing, ok, probes_named

from conformance.contract.model import Tier
from conformance.probes.model import Intent, Probe
from conformance.wire import EndKind, Observation
from conformance.wire import observe as observe_probes
from conformance.wire.observe import SoFar
from conformance.wire.retry import FEW_RETRIES

pytestmark = pytest.mark.network


def test_every_probe_is_sent_once_and_recorded() -> None:
    progress: list[SoFar] = []
    names = [f"p{number}" for number in range(20)]
    seen, watch, server = observing(ok, probes_named(*names), progress=progress.append)
    assert sorted(watch.ids) == sorted(f"{name}#1" for name in names)
    assert len(server.visits) == seen.requests == 20
    assert seen.exchanges == tuple(watch.recorded)
    assert seen.unsent == {}
    assert not seen.interrupted
    assert progress[-1] == SoFar(20, 20)
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
    assert 0.1 <= time.monotonic() - began < 0.8, "one after another, they take 0.8 s"
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
def test_a_request_that_is_refused_for_load_is_sent_again(fields: bytes, slept: float) -> None:
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


@pytest.mark.parametrize(
    ("fields", "attempts"), [(b"", 100 + FEW_RETRIES), (b"Retry-After: 0\r\n", 300)], ids=["silent", "telling"]
)
def test_a_target_that_stays_unavailable_is_not_asked_again_for_ever(fields: bytes, attempts: int) -> None:
    async def unavailable(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n" + fields + b"\r\n")

    plan = probes_named(*map(str, range(100)))
    seen, _, _ = observing(unavailable, plan, replace(QUICK, retries=2))
    assert seen.requests == attempts
    assert len({exchange.probe for exchange in seen.exchanges if exchange.last}) == 100


def test_a_429_holds_every_request() -> None:
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
def test_a_request_whose_answer_has_begun_is_not_sent_again(start: bytes) -> None:
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
