"""How much of evidence is read at most, so that no file can take more memory than it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.strict_json import MOST_VALUES

_MEGABYTE = 1024 * 1024
_LISTS = (("request", "headers"), ("request", "steps"), ("answer", "headers"), ("redactions",))
"""The lists of an exchange, apart from its reads, that hold an object for a few bytes of the file."""


class BoundError(ValueError):
    """There is more than may be read; the message says of what, and how much may be read."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The most that is read: bytes of the file and of a line, exchanges, and what a line holds."""

    size: int
    line: int
    exchanges: int
    values: int
    """JSON values of a line, those within values included."""
    reads: int
    """Reads of all exchanges together."""
    rows: int
    """Rows of each other list of an exchange: header fields, steps, redactions."""

    def check_line(self, line: bytes, before: int) -> None:
        """Check the length of a line, and that of all lines with it.

        Raises:
            BoundError: one of them is too long.
        """
        if len(line) > self.line:
            raise BoundError(f"the line is longer than {self.line // _MEGABYTE} MiB, the most that is read")
        if before + len(line) > self.size:
            raise BoundError(f"the file is larger than {self.size // _MEGABYTE} MiB, the most that is read")

    def reads_of(self, exchange: Mapping[str, Any], before: int) -> int:
        """The number of reads with those of an exchange, after checking how much the exchange holds.

        Raises:
            BoundError: it is too much.
        """
        for names in _LISTS:
            count = _length(exchange, *names)
            if count > self.rows:
                raise BoundError(f"the exchange has {count} {' '.join(names)}; at most {self.rows} are read")
        reads = before + _length(exchange, "answer", "reads")
        if reads > self.reads:
            raise BoundError(f"the exchanges have more than {self.reads} reads together, the most that are read")
        return reads


OWN = Bounds(
    size=1024 * _MEGABYTE,
    line=256 * _MEGABYTE,
    exchanges=1_000_000,
    values=MOST_VALUES,
    reads=100 * MOST_VALUES,
    rows=MOST_VALUES,
)
"""For what a run of one's own may have left. The longest body, in which each byte is an escape, is on one line."""
FOREIGN = Bounds(size=32 * _MEGABYTE, line=8 * _MEGABYTE, exchanges=20_000, values=300_000, reads=200_000, rows=1_000)
"""For what others give to be certified: five times what an exhaustive run of a shipped profile leaves."""


def _length(exchange: Any, *names: str) -> int:
    for name in names:
        exchange = exchange.get(name) if isinstance(exchange, Mapping) else None
    return len(exchange) if isinstance(exchange, list) else 0
