"""The bodies of a run take no more memory than the limit: when it is full, only small ones are kept whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from byte_server import QUICK, Handler, Visit
from observing_servers import observing, probes_named

from conformance.targets.model import Limits
from conformance.wire import Exchange, Observation
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
