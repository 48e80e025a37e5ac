"""What a body costs beside its bytes: its lines and values to read, and what it decodes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conformance.contract.media_types import is_event_stream
from conformance.wire.decompression import (
    MOST_DECODED,
    MOST_LAYERS,
    BrokenCodingError,
    ManyMembersError,
    decompressor,
)
from conformance.wire.exchange import Headers

COST_OF_A_LINE = 100
"""What reading a line costs beside its bytes: of a stream of tiny events, as many are kept as can be read in time."""
COST_OF_A_VALUE = 64
"""Bytes of memory that a value within a document takes beside its text; those of events are not kept."""


def lines_of(data: bytes) -> int:
    """How many lines end in bytes of a body, in whichever way."""
    return max(data.count(b"\n"), data.count(b"\r"))


class BodyCost:
    """The cost of one body, by the header that came before it."""

    def __init__(self, headers: Headers) -> None:
        values: dict[str, list[str]] = {}
        for name, value in headers:
            values.setdefault(name.lower(), []).append(value)
        self._is_stream = is_event_stream(next(iter(values.get("content-type", ())), None))
        codings = (one.strip().lower() for value in values.get("content-encoding", ()) for one in value.split(","))
        self._codings = [one for one in codings if one not in {"", "identity"}][:MOST_LAYERS]

    def of(self, data: bytes) -> int:
        """The cost of bytes as they came, or of what they decode to."""
        cost = len(data) + COST_OF_A_LINE * lines_of(data)
        if not self._is_stream:
            cost += COST_OF_A_VALUE * (data.count(b",") + data.count(b"[") + data.count(b"{"))
        return cost

    def of_content(self, body: Iterable[bytes]) -> int:
        """The cost of what a whole body decodes to, without that of its bytes; 0 for one in no coding."""
        if not self._codings:
            return 0
        pieces = iter(body)
        for coding in reversed(self._codings):
            pieces = _decoded(pieces, coding)
        cost = size = 0
        for piece in pieces:
            size += len(piece)
            cost += self.of(piece)
            if size > MOST_DECODED:
                break
        return cost


def _decoded(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """What pieces decode to, until the first mistake; nothing for a coding that is not decoded."""
    decoder = None
    try:
        for data in pieces:
            decoder = decoder or decompressor(coding, data[:2])
            if decoder is None:
                return
            yield from decoder.feed(data)
    except (BrokenCodingError, ManyMembersError):
        return
