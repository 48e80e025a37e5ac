"""Where the machine gives this program no turn, the exchanges that waited for it say so."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from functools import partial

import pytest
from byte_server import OK, QUICK, Visit
from observing_servers import observing, probes_named

from conformance.wire.lateness import Lateness


def test_a_turn_that_comes_late_was_missed() -> None:
    now = [0.0]

    async def main() -> tuple[float, float, float]:
        lateness = Lateness(lambda: now[0])
        watching = asyncio.create_task(lateness.watch())
        await asyncio.sleep(0)  # it begins
        now[0] = 0.2
        soon = lateness.seconds
        now[0] = 3.1
        late = lateness.seconds
        while lateness._due == pytest.approx(0.1):
            await asyncio.sleep(0.01)  # until it had its turn
        watching.cancel()
        return soon, late, lateness.seconds

    soon, late, after = asyncio.run(main())
    assert soon == 0.0
    assert late == after == pytest.approx(3.0)


@pytest.mark.network
def test_the_exchange_that_waited_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(sys.modules["conformance.wire.observe"], "Lateness", partial(Lateness, lambda: now[0]))

    async def holding_up(visit: Visit) -> None:
        if visit.number == 1:
            now[0] += 5.0
        await visit.send(OK)

    seen, _, _ = observing(holding_up, probes_named("a", "b", "c"), replace(QUICK, concurrency=1))
    held_up = [exchange.held_up for exchange in seen.exchanges]
    assert held_up[0] == held_up[2] == 0.0
    assert held_up[1] == pytest.approx(4.9, abs=0.01)
