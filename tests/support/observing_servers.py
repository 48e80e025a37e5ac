"""Observes byte servers with a clock that does not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from byte_server import OK, OPERATION, QUICK, Server, Visit, probe, serve

from conformance.probes.model import Probe
from conformance.targets.model import Limits, Target
from conformance.wire import Exchange, Observation, Timing
from conformance.wire import observe as observe_probes

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
