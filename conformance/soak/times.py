"""Keeps how long things took as histograms of a fixed size, by how many requests were under way at the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.reading import StreamReading
    from conformance.wire import Exchange

_SHORTEST_US, _LONGEST_US = 1, 3_600_000_000
_DIGITS: Final = 2
"""Significant decimal digits of a time: it is right to a hundredth of itself."""
QUANTILES: Final = (50.0, 90.0, 99.0, 99.9)
STREAM, WHOLE = "stream", "whole"
FIRST_BYTE, GAP, TOTAL, LATE = "first-byte", "gap", "total", "late"
"""From the request to the first byte, between two events with text, to the end; and how late the sender itself was."""


class Measured(NamedTuple):
    """What was measured: of streams or of whole answers, what, and at which level of concurrency.

    A level is a power of two: 64 stands for 64 to 127 requests under way.
    """

    kind: str
    what: str
    level: int


@dataclass(frozen=True, slots=True)
class Distribution:
    """The times of one kind, in seconds."""

    measured: Measured
    count: int
    least: float
    quantiles: tuple[float, ...]
    """By `QUANTILES`."""
    most: float


@dataclass(slots=True)
class Times:
    """A histogram for everything that is measured."""

    _histograms: dict[Measured, Any] = field(default_factory=dict)

    def add(self, measured: Measured, seconds: Iterable[float]) -> None:
        """Count some times."""
        histogram = self._histogram(measured)
        for one in seconds:
            histogram.record_value(min(max(round(one * 1e6), _SHORTEST_US), _LONGEST_US))

    def add_answer(self, exchange: Exchange, reading: StreamReading | None, level: int) -> None:
        """Count the times of an answer; the gaps are those between the events with text of a stream."""
        assert exchange.answer is not None
        kind = WHOLE if reading is None else STREAM
        self.add(Measured(kind, FIRST_BYTE, level), [exchange.answer.headers_at])
        self.add(Measured(kind, TOTAL, level), [exchange.ending.at])
        if reading is not None:
            gaps = [later - earlier for earlier, later in pairwise(reading.arrivals.content)]
            self.add(Measured(kind, GAP, level), gaps)

    def packed(self) -> dict[Measured, bytes]:
        """The histograms as they travel."""
        return {measured: histogram.encode() for measured, histogram in self._histograms.items()}

    def add_packed(self, packed: Mapping[Measured, bytes]) -> None:
        """Count what another worker has counted."""
        from hdrh.histogram import HdrHistogram

        for measured, data in packed.items():
            self._histogram(measured).add(HdrHistogram.decode(data))

    def distributions(self) -> Iterator[Distribution]:
        """What was measured, in order."""
        for measured in sorted(self._histograms):
            histogram = self._histograms[measured]
            if not histogram.get_total_count():
                continue
            quantiles = tuple(histogram.get_value_at_percentile(one) / 1e6 for one in QUANTILES)
            least, most = histogram.get_min_value() / 1e6, histogram.get_max_value() / 1e6
            yield Distribution(measured, histogram.get_total_count(), least, quantiles, most)

    def _histogram(self, measured: Measured) -> Any:
        if measured not in self._histograms:
            from hdrh.histogram import HdrHistogram

            self._histograms[measured] = HdrHistogram(_SHORTEST_US, _LONGEST_US, _DIGITS)
        return self._histograms[measured]


def level_of(under_way: int) -> int:
    """The level of concurrency of so many requests under way."""
    return 1 << max(under_way, 1).bit_length() - 1
