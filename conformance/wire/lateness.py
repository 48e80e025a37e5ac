"""Notices when this program itself did not get its turn, as on a busy machine: what came meanwhile waited for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.wire.client import Sent

LEAST_LATE = 0.25
"""Seconds late from which on a turn counts as missed; less than that disturbs no judgement."""
_INTERVAL = 0.1


@dataclass(slots=True)
class Lateness:
    """How long an event loop was kept from its work: by the machine, or by work of its own."""

    now: Callable[[], float] = time.monotonic
    _before: float = 0.0
    _due: float | None = None

    async def watch(self) -> None:
        """Look after it until cancelled: a short sleep that ends late tells how long nothing was read."""
        while True:
            self._due = self.now() + _INTERVAL
            await asyncio.sleep(_INTERVAL)
            self._before = self.seconds

    @property
    def seconds(self) -> float:
        """Seconds that were missed so far; between two moments, the difference."""
        late = 0.0 if self._due is None else self.now() - self._due
        return self._before + (late if late >= LEAST_LATE else 0.0)

    async def noted(self, sending: Awaitable[Sent]) -> Sent:
        """What comes of sending, with the seconds that were missed meanwhile in its exchange."""
        before = self.seconds
        sent = await sending
        held_up = round(self.seconds - before, 3)
        return replace(sent, exchange=replace(sent.exchange, held_up=held_up)) if held_up else sent
