"""The bodies of a run take no more memory than the limit: when it is full, only small ones are kept whole."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
from byte_server import QUICK, Handler, Visit
from hypothesis import given
from hypothesis import strategies as st
from observing_servers import observing, probes_named

from conformance.targets.model import Limits
from conformance.wire import Exchange, Observation
from conformance.wire.body_cost import BodyCost
from conformance.wire.budget import COST_OF_A_READ, MemoryBudget
from conformance.wire.exchange import EndKind

pytestmark = pytest.mark.network

KILOBYTE = 1024
LIMITS = replace(QUICK, concurrency=1, max_bodies=100 * KILOBYTE, small_body=4 * KILOBYTE)


def of_size(size: int) -> Handler:
    async def answer(visit: Visit) -> bool:
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        return True

    return answer


def size_of(exchange: Exchange) -> int:
    assert exchange.answer is not None
    return len(exchange.answer.body)


def kept(seen: Observation) -> list[tuple[EndKind, bool]]:
    return [(exchange.ending.kind, exchange.ending.by_run_limit) for exchange in seen.exchanges]


def test_bodies_after_the_limit_are_cut_and_say_why() -> None:
    seen, _, _ = observing(of_size(70 * KILOBYTE), probes_named("a", "b", "c"), LIMITS)
    assert kept(seen) == [(EndKind.COMPLETE, False), *[(EndKind.TOO_LARGE, True)] * 2]
    assert size_of(seen.exchanges[0]) == 70 * KILOBYTE
    assert sum(map(size_of, seen.exchanges)) <= LIMITS.max_bodies + 2 * LIMITS.small_body
    assert seen.exchanges[2].ending.detail == (
        "the bodies of this run take all that is kept: 102400 bytes; of each further body 4096 are kept at most"
    )


def test_small_bodies_are_whole_however_full_the_run_is() -> None:
    seen, _, _ = observing(of_size(2 * KILOBYTE), probes_named("a", "b"), replace(LIMITS, max_bodies=0))
    assert kept(seen) == [(EndKind.COMPLETE, False)] * 2


def test_a_body_over_its_own_limit_is_not_blamed_on_the_run() -> None:
    seen, _, _ = observing(of_size(70 * KILOBYTE), probes_named("a"), replace(LIMITS, max_body=KILOBYTE))
    assert kept(seen) == [(EndKind.TOO_LARGE, False)]


def test_what_an_interrupted_run_kept_counts() -> None:
    first, _, _ = observing(of_size(70 * KILOBYTE), probes_named("a"), LIMITS)
    memory = MemoryBudget(LIMITS)
    memory.spend(first.exchanges)
    assert not memory.reserve(40 * KILOBYTE, 0)
    assert MemoryBudget(LIMITS).reserve(40 * KILOBYTE, 0)


def test_a_body_that_comes_byte_by_byte_takes_more_than_its_bytes() -> None:
    memory = MemoryBudget(Limits(max_bodies=10 * COST_OF_A_READ, small_body=0))
    taken = sum(memory.reserve(1 + COST_OF_A_READ, number * (1 + COST_OF_A_READ)) for number in range(100))
    assert taken == 9


def answering(body: bytes, *lines: bytes) -> Handler:
    async def answer(visit: Visit) -> bool:
        head = b"\r\n".join([b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *lines, b"", b""])
        await visit.send(head + body)
        return True

    return answer


STREAM, JSON, GZIP = b"Content-Type: text/event-stream", b"Content-Type: application/json", b"Content-Encoding: gzip"


def test_a_body_of_more_lines_than_are_read_is_endless_by_itself() -> None:
    seen, _, _ = observing(answering(b":\n" * 600, STREAM), probes_named("a"), replace(LIMITS, max_lines=500))
    assert kept(seen) == [(EndKind.TOO_LARGE, False)]
    assert seen.exchanges[0].ending.detail == "the body has more than 500 lines"


def test_a_body_that_alone_takes_most_of_the_memory_is_not_blamed_on_the_run() -> None:
    seen, _, _ = observing(answering(b"[" + b"1," * 1250 + b"1]", JSON), probes_named("a"), LIMITS)
    assert kept(seen) == [(EndKind.TOO_LARGE, False)]
    assert seen.exchanges[0].ending.detail == "to hold what the body says takes more than 76800 bytes"


def test_the_values_of_events_cost_nothing_since_they_are_not_kept() -> None:
    seen, _, _ = observing(answering(b"data: [" + b"1," * 1250 + b"1]\n\n", STREAM), probes_named("a"), LIMITS)
    assert kept(seen) == [(EndKind.COMPLETE, False)]


@pytest.mark.parametrize("twice", [False, True])
def test_what_a_body_decodes_to_counts(twice: bool) -> None:
    body = gzip.compress(bytes(60 * KILOBYTE))
    body, coding = (gzip.compress(body), GZIP + b", gzip") if twice else (body, GZIP)
    seen, _, _ = observing(answering(body, JSON, coding), probes_named("a", "b"), LIMITS)
    assert kept(seen) == [(EndKind.COMPLETE, False), (EndKind.TOO_LARGE, True)]
    memory = MemoryBudget(LIMITS)
    memory.spend(seen.exchanges[:1])
    assert not memory.reserve(50 * KILOBYTE, 0)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "br", "deflate", "x", "gzip, br", ""]))
def test_whatever_comes_has_a_cost(body: bytes, coding: str) -> None:
    cost = BodyCost((("Content-Encoding", coding), ("content-type", "application/json")))
    assert cost.of(body) >= len(body)
    assert cost.of_content([body[:7], body[7:]]) >= 0
