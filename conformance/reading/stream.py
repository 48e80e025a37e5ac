"""One pass over a streamed answer through all four layers: transfer, events, chunks and sequence."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from conformance.contract.media_types import EVENT_STREAM
from conformance.quoting import quoted
from conformance.reading.applicability import stream_requirements
from conformance.reading.chunks import ChunkJudge, ChunkReader
from conformance.reading.content import ContentDecoder
from conformance.reading.delivery import Arrivals
from conformance.reading.deviation import Deviation, DeviationLog, Position
from conformance.reading.event_stream import MAX_LINE, EventStreamReader
from conformance.reading.expectations import Expectations, expectations_of
from conformance.reading.sequence import SequenceReader
from conformance.reading.stream_reading import StreamReading
from conformance.reading.timeline import EventKeeper
from conformance.reading.transfer import TARGET_ENDED, TransferReading, content_reads, read_transfer
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange

LONGEST_LINGERING: Final = 2.0
"""Seconds that the body may stay open after the event that ends the stream."""
_UTF_8: Final = ("utf-8", "utf8")
"""The only charset of the format, and another label that the Encoding Standard has for it."""
_MOST_ARRIVALS: Final = 100_000


@dataclass(slots=True)
class _Clock:
    """The arrival times that delivery is judged by."""

    first_byte: float | None = None
    reads: int = 0
    size: int = 0
    content: array[float] = field(default_factory=lambda: array("d"))


class StreamReader:
    """Reads an event stream of chunks: feed it decoded content as it came, then call `end`."""

    def __init__(
        self,
        expectations: Expectations,
        judge: ChunkJudge | None = None,
        error_judge: ChunkJudge | None = None,
        log: DeviationLog | None = None,
        max_line: int = MAX_LINE,
    ) -> None:
        self.log = DeviationLog() if log is None else log
        self._expectations = expectations
        self._events = EventStreamReader(self.log, max_line)
        self._chunks = ChunkReader(self.log, judge, error_judge)
        self._sequence = SequenceReader(expectations, self.log)
        self._keeper = EventKeeper()
        self._clock = _Clock()

    @property
    def stopped(self) -> bool:
        """Whether a limit was reached, so that nothing more is read."""
        return self._events.stopped

    def feed(self, data: bytes, at: float = 0.0) -> None:
        """Takes one read; `at` is when it arrived, in seconds after the request began."""
        clock, log, sequence, read = self._clock, self.log, self._sequence, self._chunks.read
        if clock.first_byte is None:
            clock.first_byte = at
        clock.reads += 1
        clock.size += len(data)
        events = self._events.feed(data, at)
        seen = sequence.content_deltas
        for event in events:
            before = log.total
            sequence.take(read(event), event)
            if log.total != before:
                self._keeper.flag(event)
            if sequence.content_deltas != seen:
                seen = sequence.content_deltas
                if len(clock.content) < _MOST_ARRIVALS:
                    clock.content.append(event.at)
        self._keeper.add(events)

    def end(
        self,
        ending: Ending | None = None,
        *,
        exchange: str | None = None,
        problem: str | None = None,
        transfer: TransferReading | None = None,
        held_up: float = 0.0,
    ) -> StreamReading:
        """Ends the stream. Without `ending`, the body counts as complete and its end as immediate.

        `held_up` are seconds in which it was not read, by no fault of the target.
        """
        kind = EndKind.COMPLETE if ending is None else ending.kind
        if problem is None and self._events.stopped:
            problem = "a line or an event is too long to be read"
        # Only at a regular end is a block that was cut off a fault of its own.
        ended_at = 0.0 if ending is None else ending.at
        lost = self._events.end(ended_at) if kind is EndKind.COMPLETE and problem is None else None
        if problem is None and ending is not None:
            self._judge_end(ending, held_up)
        last = self._events.number - 1
        position = Position(self._clock.size, None if ending is None else ended_at, last if last >= 0 else None)
        sequence = self._sequence.end(is_whole=problem is None and kind in TARGET_ENDED, position=position)
        reading = StreamReading(
            exchange=exchange,
            expectations=self._expectations,
            problem=problem,
            transfer=transfer,
            events=self._events.number,
            sequence=sequence,
            # The event layer is ahead of the others by up to one read.
            deviations=tuple(sorted(self.log.kept, key=_offset)),
            counts=self.log.counts,
            applicable=frozenset(),
            facts=self._events.facts,
            reached=frozenset(self._chunks.reached),
            judged_chunks=self._chunks.judged_chunks,
            arrivals=self._arrivals(ending),
            kept=self._keeper.kept(),
            lost=lost,
            ending=ending,
            size=self._clock.size,
        )
        return replace(reading, applicable=frozenset(stream_requirements(reading)))

    def _arrivals(self, ending: Ending | None) -> Arrivals:
        clock = self._clock
        return Arrivals(
            clock.first_byte,
            clock.reads,
            self._events.number,
            tuple(clock.content),
            self._sequence.content_deltas,
            None if ending is None else ending.at,
        )

    def _judge_end(self, ending: Ending, held_up: float) -> None:
        """Judges when the body ends: at all, and soon after the event that ends the stream."""
        terminal = self._sequence.terminal_at
        last = self._events.number - 1
        position = Position(self._clock.size, ending.at, last if last >= 0 else None)
        open_still = ending.kind in (EndKind.IDLE_TIMEOUT, EndKind.DEADLINE, EndKind.TOO_LARGE)
        if terminal is None:
            if ending.kind in (EndKind.IDLE_TIMEOUT, EndKind.TOO_LARGE):
                actual = (
                    f"{ending.kind.value} ({quoted(ending.detail)}), with neither the sentinel nor an error before it"
                )
                self.log.note("stream.ends", "a stream that comes to its end", actual, position)
            return
        lingering = ending.at - terminal
        allowed = LONGEST_LINGERING + held_up
        if open_still or (ending.kind is EndKind.COMPLETE and lingering > allowed):
            actual = f"{'still open' if open_still else 'ended'} {lingering:.3f} s after it"
            expected = f"the body's end within {LONGEST_LINGERING:g} s of the event that ends the stream"
            self.log.note("stream.ends", expected, actual, position)


def read_stream(
    exchange: Exchange,
    expectations: Expectations | None = None,
    *,
    judge: ChunkJudge | None = None,
    error_judge: ChunkJudge | None = None,
) -> StreamReading:
    """Reads the answer to a request for a stream.

    Args:
        exchange: what was seen on the wire.
        expectations: what must be true by the request; made from its body where left out.
        judge: the schema of a chunk, if the contract has one.
        error_judge: the schema of the contract's error object, if it has one.
    """
    expected = expectations_of(exchange.request.body) if expectations is None else expectations
    reader = StreamReader(expected, judge, error_judge)
    answer = exchange.answer
    if answer is None:
        return reader.end(exchange.ending, exchange=exchange.id, problem=f"no answer: {exchange.ending.kind.value}")
    transfer = read_transfer(answer, reader.log, exchange)
    if answer.status != 200:
        reader.log.note(
            "stream.status", "the status 200", f"the status {answer.status}", Position(at=answer.headers_at)
        )
        problem = f"the status is {answer.status}, so the answer is not a stream"
        return reader.end(exchange.ending, exchange=exchange.id, problem=problem, transfer=transfer)
    _judge_media_type(transfer, answer, reader.log)
    decoder = ContentDecoder(transfer.codings, reader.log)
    for read in content_reads(answer, exchange, decoder, reader.log):
        reader.feed(read.data, read.at)
    why = exchange.ending.detail if exchange.ending.by_run_limit else decoder.problem
    held_up = exchange.held_up
    return reader.end(exchange.ending, exchange=exchange.id, problem=why, transfer=transfer, held_up=held_up)


def _offset(one: Deviation) -> float:
    return inf if one.offset is None else one.offset


def _judge_media_type(transfer: TransferReading, answer: Answer, log: DeviationLog) -> None:
    header = answer.header("Content-Type")
    charset = transfer.parameters.get("charset", "utf-8").lower()
    if transfer.media_type != EVENT_STREAM or charset not in _UTF_8:
        expected = f"Content-Type: {EVENT_STREAM}, in UTF-8 if it has a charset"
        actual = "no Content-Type" if header is None else f"Content-Type: {quoted(header)}"
        log.note("stream.media-type", expected, actual, Position(at=answer.headers_at))
