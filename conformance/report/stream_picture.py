"""Shows all streams of a run side by side: when each event came, and whether the stream was finished and ended."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from conformance.reading import DeviationLog, EventStreamReader
from conformance.reading.content import ContentDecoder
from conformance.reading.transfer import content_reads, read_transfer
from conformance.report.exchange_view import is_stream
from conformance.report.quantities import byte_size, counted, duration
from conformance.wire.exchange import EndKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.reading import Event
    from conformance.wire.exchange import Exchange

_OK: Final = 200
WIDTH: Final = 1000
"""The time axis in units of the picture."""
MOST_STREAMS: Final = 60
"""Streams that are drawn; those that something is wrong with come first."""
_STEP: Final = 4
"""Events closer to each other than this, in units of the picture, are one tick."""
_MOST_BYTES: Final = 4 * 1024 * 1024
"""Bytes of one stream that are looked at."""
_OUTLIER: Final = 3
"""A stream longer than so many times nearly all others runs off the axis, so that the others can be seen."""

# A quotation mark inside of a JSON string is escaped, so that neither matches in the text of a model.
_FINISHED: Final = re.compile(r'"finish_reason"\s*:\s*"')
_ERROR: Final = re.compile(r'\s*\{\s*"error"\s*:')
_WORDS: Final = {EndKind.COMPLETE: "ended", EndKind.HUNG_UP: "closed by the suite, as planned"}


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream as it is drawn.

    `ticks` is the path of its events. `finish`, `done` and `end` are places on the axis, 0 to `WIDTH`: of the first
    finish_reason, of the first [DONE], and of the end of the body; None where it never came, or came later than the
    axis goes. `words` says all of it, and `broken` whether a finding is about this exchange.
    """

    exchange: str
    ticks: str
    end: int | None
    finish: int | None
    done: int | None
    words: str
    finish_words: str
    done_words: str
    end_words: str
    broken: bool


@dataclass(frozen=True, slots=True)
class StreamPicture:
    """The streams of a run on one time axis that is `axis_s` seconds long; `left_out` are not drawn."""

    axis_s: float
    lines: tuple[StreamLine, ...]
    left_out: int
    unfinished: int
    """Of all streams, how many have no finish_reason."""
    open_ended: int
    """Of all streams, how many have no [DONE]."""

    @property
    def count(self) -> int:
        """How many streams there are."""
        return len(self.lines) + self.left_out


@dataclass(frozen=True, slots=True)
class _Stream:
    exchange: Exchange
    times: tuple[float, ...]
    finish: float | None
    done: float | None
    error: float | None
    cut: bool
    """Whether it is longer than what is looked at."""


def stream_picture(exchanges: Iterable[Exchange], broken: Collection[str | None]) -> StreamPicture | None:
    """The picture of all event streams that were answered with 200, or None if there is none.

    `broken` has the ids of the exchanges that a finding is about.
    """
    streams = [
        _read(one) for one in exchanges if is_stream(one) and one.answer is not None and one.answer.status == 200
    ]
    if not streams:
        return None
    axis = _axis([one.exchange.ending.at for one in streams])
    order = sorted(streams, key=lambda one: _rank(one, broken))
    return StreamPicture(
        axis_s=axis,
        lines=tuple(_line(one, axis, one.exchange.id in broken) for one in order[:MOST_STREAMS]),
        left_out=max(len(order) - MOST_STREAMS, 0),
        unfinished=sum(one.finish is None for one in streams),
        open_ended=sum(one.done is None for one in streams),
    )


def _read(exchange: Exchange) -> _Stream:
    times: list[float] = []
    finish = done = error = None
    cut = False
    for event in _events(exchange):
        if event.end > _MOST_BYTES:
            cut = True
            break
        times.append(event.at)
        if event.data == "[DONE]":
            done = event.at if done is None else done
        elif finish is None and _FINISHED.search(event.data):
            finish = event.at
        elif error is None and _ERROR.match(event.data):
            error = event.at
    return _Stream(exchange, tuple(times), finish, done, error, cut)


def _events(exchange: Exchange) -> Iterator[Event]:
    assert exchange.answer is not None
    log = DeviationLog()
    decoder = ContentDecoder(read_transfer(exchange.answer, log, exchange).codings, log)
    reader = EventStreamReader(log)
    for read in content_reads(exchange.answer, exchange, decoder, log):
        yield from reader.feed(read.data, read.at)


def _rank(stream: _Stream, broken: Collection[str | None]) -> int:
    """What something is wrong with comes first; among equals, the order of the evidence stays."""
    if stream.exchange.id in broken:
        return 0
    whole = stream.finish is not None and stream.done is not None
    return 2 if whole or stream.exchange.ending.kind is EndKind.HUNG_UP else 1


def _axis(ends: list[float]) -> float:
    ordered = sorted(ends)
    usual = ordered[(len(ordered) - 1) * 9 // 10]
    longest = ordered[-1]
    return max(usual * 1.2 if longest > usual * _OUTLIER else longest, 0.001)


def _line(stream: _Stream, axis: float, broken: bool) -> StreamLine:
    def place(at: float | None) -> int | None:
        return None if at is None or at > axis else round(at / axis * WIDTH)

    ending = stream.exchange.ending
    places = sorted({round(at / axis * WIDTH / _STEP) * _STEP for at in stream.times if at <= axis})
    first = f", the first after {duration(stream.times[0])}" if stream.times else ""
    more = ", and more that is not drawn" if stream.cut else ""
    return StreamLine(
        exchange=stream.exchange.id,
        ticks="".join(f"M{x} 0v1" for x in places),
        end=place(ending.at),
        finish=place(stream.finish),
        done=place(stream.done),
        words=f"{counted(len(stream.times), 'event')}{first}{more}",
        finish_words=_came("finish_reason", stream.finish, stream),
        done_words=_came("[DONE]", stream.done, stream),
        end_words=f"{_WORDS.get(ending.kind, ending.kind.value)} after {duration(ending.at)}",
        broken=broken,
    )


def _came(what: str, at: float | None, stream: _Stream) -> str:
    if at is not None:
        return f"{what} after {duration(at)}"
    if stream.error is not None:
        return f"no {what}: an error after {duration(stream.error)}"
    return f"no {what} within the first {byte_size(_MOST_BYTES)}" if stream.cut else f"no {what}"
