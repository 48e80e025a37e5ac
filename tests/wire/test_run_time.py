"""A run has an end: its deadline, and a bound on the time that is lost to answers that come to nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from byte_server import OK, QUICK, Visit, probe
from hypothesis import given
from hypothesis import strategies as st
from observing_servers import REFUSED, observing, probes_named

from conformance.wire import OUT_OF_TIME, RunTime

pytestmark = pytest.mark.network


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_deadline_counts_from_the_beginning_of_the_run() -> None:
    clock = Clock()
    time = RunTime(30, began=90, clock=clock)
    assert (time.left, time.over) == (20, None)
    clock.now = 120.0
    assert (time.left, time.over) == (0, f"{OUT_OF_TIME} (its deadline of 30 s passed)")


def test_time_that_several_requests_wait_at_once_is_lost_once() -> None:
    clock = Clock()
    time = RunTime(may_lose=25, clock=clock)
    clock.now = 110.0
    time.lose(100.0)
    time.lose(103.0)
    assert (time.lost, time.over) == (10, None)
    clock.now = 140.0
    time.lose(125.0)
    assert time.over == f"{OUT_OF_TIME} (25 s of it were lost to answers that did not come to their end)"


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=30))
def test_what_is_lost_is_the_time_that_any_request_waited(spans: list[tuple[int, int]]) -> None:
    clock = Clock()
    time = RunTime(clock=clock)
    for since, took in sorted(spans, key=sum):
        clock.now = since + took
        time.lose(since)
    assert time.lost == len({second for since, took in spans for second in range(since, since + took)})


def test_what_is_under_way_at_the_deadline_is_as_if_never_sent() -> None:
    async def first_only(visit: Visit) -> None:
        await (visit.send(OK) if visit.number == 0 else visit.stall())

    patient = replace(QUICK, first_byte_timeout=60, deadline=60, concurrency=1)
    seen, _, server = observing(first_only, probes_named("a", "b", "c"), patient, run_time=RunTime(0.5))
    assert [exchange.id for exchange in seen.exchanges] == ["a#1"]
    assert seen.unsent == dict.fromkeys("bc", f"{OUT_OF_TIME} (its deadline of 0.5 s passed)")
    assert len(server.visits) == 2
    assert not seen.interrupted


def test_a_target_that_lets_requests_wait_is_given_up() -> None:
    async def heads_only(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await visit.stall()

    limits = replace(QUICK, idle_timeout=0.1, concurrency=2)
    time = RunTime(may_lose=0.25)
    seen, _, server = observing(heads_only, probes_named(*map(str, range(40))), limits, run_time=time)
    assert len(server.visits) < 20
    assert len(seen.unsent) == 40 - len(server.visits)
    assert all(why.startswith(OUT_OF_TIME) for why in seen.unsent.values())


def test_a_slow_target_that_answers_loses_no_time() -> None:
    async def slow(visit: Visit) -> None:
        await asyncio.sleep(0.05)
        await visit.send(OK)

    time = RunTime(may_lose=0.05)
    seen, _, _ = observing(slow, probes_named(*map(str, range(8))), replace(QUICK, concurrency=2), run_time=time)
    assert len(seen.exchanges) == 8
    assert time.lost == 0


def test_refusals_for_load_are_lost_time_only_where_no_answer_followed() -> None:
    async def busy_at_first(visit: Visit) -> None:
        await visit.send(REFUSED + b"\r\n" if visit.number == 0 else OK)

    time = RunTime()
    observing(busy_at_first, [probe()], replace(QUICK, retries=1), run_time=time)
    assert time.lost == 0

    async def always_busy(visit: Visit) -> None:
        await asyncio.sleep(0.01)
        await visit.send(REFUSED + b"\r\n")

    observing(always_busy, [probe()], replace(QUICK, retries=1), run_time=time)
    assert time.lost > 0
