"""A failing stream reads like a wire trace: when each event came, at which byte, what it says and what is wrong."""

from __future__ import annotations

import json

from conformance.reading import read_stream
from conformance.report.exchange_view import PlainTimelineRow, wire_trace
from conformance.suite.outcome import Finding
from conformance.wire.exchange import Answer, Ending, EndKind, Exchange, Read, SentRequest


def chunk(content: str, identifier: str = "c-1") -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": None}
    made = {"id": identifier, "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(made).encode() + b"\n\n"


PARTS = [chunk(str(number), "c-2" if number == 4 else "c-1") for number in range(8)]
READS = tuple(Read(at=0.5 + number / 10, data=part) for number, part in enumerate(PARTS))
EXCHANGE = Exchange(
    id="stream/plain#1",
    probe="stream/plain",
    attempt=1,
    started="2026-01-01T00:00:00Z",
    request=SentRequest("POST", "http://host/v1/chat/completions", (), b"{}"),
    answer=Answer(200, "OK", "HTTP/1.1", (("Content-Type", "text/event-stream"),), 0.4, READS),
    ending=Ending(EndKind.COMPLETE, 1.5),
)


def trace(requirement: str) -> list[PlainTimelineRow]:
    reading = read_stream(EXCHANGE)
    (found,) = reading.broke(requirement)
    finding = Finding(requirement, EXCHANGE.id, found.expected, found.actual, found.offset, found.at, found.event)
    return list(wire_trace(EXCHANGE, finding, lambda exchange: read_stream(exchange).timeline()))


def test_the_trace_shows_the_events_around_the_fault() -> None:
    rows = trace("stream.id-constant")
    assert [round(row.at_ms) for row in rows] == [700, 800, 900, 1000, 1100]
    assert [row.offset for row in rows] == [sum(map(len, PARTS[:number])) for number in range(2, 7)]
    assert [bool(row.note) for row in rows] == [False, False, True, False, False]
    assert '"c-2"' in rows[2].text
    assert rows[2].note == "stream.id-constant: expected the same id in every chunk, 'c-1'; the id 'c-2'"


def test_what_is_missing_is_missed_at_the_end_of_the_body() -> None:
    rows = trace("stream.done-once")
    assert (rows[-1].text.partition("; ")[0], round(rows[-1].at_ms)) == ("end of body: complete", 1500)
    assert "stream.done-once: expected [DONE] as the last event" in rows[-1].note


def test_a_finding_without_a_place_has_no_trace() -> None:
    finding = Finding("stream.assembled", EXCHANGE.id, "a", "b")
    assert wire_trace(EXCHANGE, finding, lambda exchange: read_stream(exchange).timeline()) == ()
