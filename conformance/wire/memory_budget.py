"""How much memory the bodies of a run may take together, and what is kept of each when that is full."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.targets.model import Limits
from conformance.wire.exchange import RUN_IS_FULL, Exchange

COST_OF_A_READ = 200
"""Bytes that a read takes beside its data: a body that comes byte by byte is mostly this."""


class Room:
    """Counts what is kept. It belongs to one run; without a run, to one client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._left = limits.max_bodies

    def fill(self, exchanges: Iterable[Exchange]) -> None:
        """Count what an interrupted run kept."""
        for exchange in exchanges:
            reads = () if exchange.answer is None else exchange.answer.reads
            self._left -= sum(len(read.data) + COST_OF_A_READ for read in reads)

    def take(self, cost: int, before: int) -> bool:
        """Whether a body that takes `before` bytes may take `cost` more: small bodies always have room."""
        if cost > self._left and before + cost > self._limits.small_body:
            return False
        self._left -= cost
        return True

    @property
    def why(self) -> str:
        """Why a body was cut, in words."""
        limits = self._limits
        return f"{RUN_IS_FULL}: {limits.max_bodies} bytes; of each further body {limits.small_body} are kept at most"
