"""Event streams are read as WHATWG HTML 9.2.6 says, however the bytes are cut, and what clients hide is reported."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from slow_event_stream import slow_events

from conformance.reading.deviation import Deviation
from conformance.reading.event_stream import Event, EventFacts, EventStreamReader

VECTORS = {
    # name: (body, [(type, data, id)])
    "one event": (b"data: a\n\n", [("message", "a", "")]),
    "no space after the colon": (b"data:a\n\n", [("message", "a", "")]),
    "exactly one space is taken": (b"data:  a \n\n", [("message", " a ", "")]),
    "a tab is not a space": (b"data:\ta\n\n", [("message", "\ta", "")]),
    "a space before the field name makes another field": (b" data: a\ndata: b\n\n", [("message", "b", "")]),
    "a space before the colon makes another field": (b"data : a\ndata: b\n\n", [("message", "b", "")]),
    "names are case-sensitive": (b"Data: a\nDATA: b\ndata: c\n\n", [("message", "c", "")]),
    "only the first colon divides": (b"data: a:b: c\n\n", [("message", "a:b: c", "")]),
    "carriage returns": (b"data: a\r\rdata: b\r\r", [("message", "a", ""), ("message", "b", "")]),
    "both in pairs": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("message", "a", ""), ("message", "b", "")]),
    "all three mixed": (
        b"data: a\ndata: b\r\ndata: c\r\r\ndata: d\n\r",
        [("message", "a\nb\nc", ""), ("message", "d", "")],
    ),
    "LF CR is two line ends": (b"data: a\n\rdata: b\n\n", [("message", "a", ""), ("message", "b", "")]),
    "other separators are data": (
        "data: a\u2028b\u0085c\x0bd\x0ce\n\n".encode(),
        [("message", "a\u2028b\u0085c\x0bd\x0ce", "")],
    ),
    "several data lines join": (b"data: a\ndata:\ndata: b\n\n", [("message", "a\n\nb", "")]),
    "a field without a colon": (b"data\n\n", [("message", "", "")]),
    "two fields without a colon": (b"data\ndata\n\n", [("message", "\n", "")]),
    "empty data is dispatched": (b"data:\n\ndata: \n\n", [("message", "", ""), ("message", "", "")]),
    "a block without data is not": (b"event: a\nid: 1\n\n", []),
    "its type does not outlive it": (b"event: a\n\ndata: b\n\n", [("message", "b", "")]),
    "its id does": (b"id: 7\n\ndata: b\n\n", [("message", "b", "7")]),
    "blank lines alone": (b"\n\n\n\r\n\r", []),
    "blank lines before and between": (
        b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n",
        [("message", "a", ""), ("message", "b", "")],
    ),
    "comments": (b": hello\ndata: a\n:\n:data: x\ndata: b\n\n", [("message", "a\nb", "")]),
    "a comment block": (b": ping\n\n:\n\ndata: a\n\n", [("message", "a", "")]),
    "comments glued to an event": (b": x=1\n: y=2\ndata: [DONE]\n\n", [("message", "[DONE]", "")]),
    "a type": (b"event: delta\ndata: a\n\ndata: b\n\n", [("delta", "a", ""), ("message", "b", "")]),
    "an empty type is the default": (b"event: x\nevent:\ndata: a\n\n", [("message", "a", "")]),
    "the last type wins": (b"event: x\ndata: a\nevent: y\n\n", [("y", "a", "")]),
    "an id stays": (b"id: 1\ndata: a\n\ndata: b\n\n", [("message", "a", "1"), ("message", "b", "1")]),
    "an empty id takes it back": (
        b"id: 1\ndata: a\n\nid\ndata: b\n\n",
        [("message", "a", "1"), ("message", "b", "")],
    ),
    "an id with NUL is ignored": (b"id: 1\nid: 2\x003\ndata: a\n\n", [("message", "a", "1")]),
    "an id may be any text": ("id: … \ndata: a\n\n".encode(), [("message", "a", "… ")]),
    "NUL in data stays": (b"data: a\x00b\n\n", [("message", "a\x00b", "")]),
    "one byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("message", "a", "")]),
    "only one": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("message", "b", "")]),
    "and only at the start": (b"\n\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("message", "b", "")]),
    "half a byte order mark": (b"\xef\xbbdata: a\n\ndata: b\n\n", [("message", "b", "")]),
    "non-ASCII": ("data: 你好 👩‍👩‍👧 שלום\n\n".encode(), [("message", "你好 👩‍👩‍👧 שלום", "")]),
    "invalid UTF-8 becomes U+FFFD": (b"data: a\xff\xe4\xbd\n\n", [("message", "a\ufffd\ufffd", "")]),
    "an invalid lead byte takes no line end": (
        b"data: a\xe4\n\ndata: b\n\n",
        [("message", "a\ufffd", ""), ("message", "b", "")],
    ),
    "an unknown field is ignored": (b"foo: bar\ndata: a\nfoo\n\n", [("message", "a", "")]),
    "the unterminated last event is discarded": (b"data: a\n\ndata: b\n", [("message", "a", "")]),
    "also in the middle of a line": (b"data: a\n\ndata: b", [("message", "a", "")]),
    "also when one CR stands at the end": (b"data: a\n\ndata: b\r", [("message", "a", "")]),
    "a CR LF at the end is one line end": (b"data: a\n\ndata: b\r\n", [("message", "a", "")]),
    "no bytes at all": (b"", []),
}

FRAGMENTS = st.sampled_from(
    [
        b"data",
        b"data:",
        b"data: ",
        b"id: ",
        b"event:",
        b"retry: 5",
        b":",
        b" ",
        b"data: x\n\n",
        b"foo: x",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\r\n\r\n",
        b"a",
        b'{"a":1}',
        b"[DONE]",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\xe4\xbd\xa0",
        b"\xe4",
        b"\xff",
    ]
)
BODIES = st.lists(FRAGMENTS | st.binary(max_size=4), max_size=30).map(b"".join)


def read(*reads: bytes, max_line: int = 1000) -> tuple[list[Event], list[Deviation], EventFacts, Event | None]:
    reader = EventStreamReader(max_line=max_line)
    events = [event for data in reads for event in reader.feed(data)]
    lost = reader.end()
    return events, reader.log.kept, reader.facts, lost


def triples(events: list[Event]) -> list[tuple[str, str, str]]:
    return [(event.type, event.data, event.id) for event in events]


def deviations(*reads: bytes, max_line: int = 1000) -> list[tuple[str, int | None, int | None]]:
    return [(one.requirement, one.offset, one.event) for one in read(*reads, max_line=max_line)[1]]


@pytest.mark.parametrize(("body", "expected"), VECTORS.values(), ids=VECTORS.keys())
def test_vector_gives_the_standards_events_however_it_is_cut(body: bytes, expected: list[tuple[str, str, str]]) -> None:
    whole = read(body)
    assert triples(whole[0]) == expected == slow_events(body)
    assert read(*(bytes([byte]) for byte in body)) == whole
    for cut in range(len(body) + 1):
        assert read(body[:cut], body[cut:]) == whole


@given(BODIES)
@example(b"data: a\n\n\ndata: b\n\n\n\ndata: c\n\n")
def test_events_are_those_of_the_slow_reference(body: bytes) -> None:
    assert triples(read(body)[0]) == slow_events(body)


@given(BODIES, st.lists(st.integers(0, 120), max_size=8), st.sampled_from([3, 8, 20, 1000]))
def test_cuts_change_neither_events_nor_deviations_nor_facts(body: bytes, cuts: list[int], max_line: int) -> None:
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    pieces = [body[start:end] for start, end in itertools.pairwise(places)]
    whole, cut = read(body, max_line=max_line), read(*pieces, max_line=max_line)
    assert (cut[0], cut[3]) == (whole[0], whole[3])
    assert cut[1] == whole[1]
    if not any(one.requirement == "stream.line-length" for one in whole[1]):
        assert cut[2] == whole[2]


@given(BODIES)
def test_an_event_says_which_bytes_it_is(body: bytes) -> None:
    end = 0
    for number, event in enumerate(read(body)[0]):
        assert event.number == number
        assert end <= event.offset < event.end < len(body)
        end = event.end
        assert body[event.end : event.end + 1] in (b"\n", b"\r")
        again = read(body[event.offset : event.end] + b"\r")[0]
        assert [one.data for one in again] == [event.data]


def test_an_event_arrives_with_the_byte_that_completes_it() -> None:
    reader = EventStreamReader()
    assert reader.feed(b"data: a\n\ndata: b", 1.0)[0].at == 1.0
    assert reader.feed(b"\n", 2.0) == []
    assert [event.at for event in reader.feed(b"\ndata: c\n\n", 3.0)] == [3.0, 3.0]


def test_an_event_has_its_retry_and_its_number_of_data_lines() -> None:
    (first, second), found, _, _ = read(b"retry: 0150\ndata: a\ndata: b\n\ndata: c\n\n")
    assert (first.retry, first.lines, second.retry, second.lines) == (150, 2, None, 1)
    assert found == []


@pytest.mark.parametrize(
    ("body", "offset", "event"),
    [
        (b"data: a\xff\n\n", 7, 0),
        (b"data: x\n\ndata: a\xe4\xbd\n\n", 16, 1),
        (b"data: x\ndata: \xed\xa0\x80\n\n", 14, 0),
        (b": \x80\ndata: a\n\n", 2, None),
        (b"id: 1\xc0\ndata: a\n\n", 5, None),
    ],
)
def test_invalid_utf_8_is_reported_with_its_offset(body: bytes, offset: int, event: int | None) -> None:
    assert ("stream.utf8", offset, event) in deviations(body)


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b'data: a\n\n{"choices":[]}\n\n', 9),
        (b"[DONE]\n\n", 0),
        (b"error: {}\n\ndata: [DONE]\n\n", 0),
        (b"data: a\n\n[DONE]", 9),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", 3),
        (b"retry: soon\ndata: a\n\n", 0),
        (b"retry:\ndata: a\n\n", 0),
        (b"retry: " + b"9" * 5000 + b"\ndata: a\n\n", 0),
        (b"id: \0\ndata: a\n\n", 0),
        (b"<html>\n<body>\n</html>\n\n", 0),
    ],
)
def test_a_line_whose_text_clients_lose_is_reported_once_for_its_block(body: bytes, offset: int) -> None:
    assert deviations(body, max_line=9000) == [("stream.field-names", offset, None)]


@pytest.mark.parametrize(
    "line", [b"trace-id: 4bf92f35", b"server: a1", b"dataset: x", b"ID-2:", b"traceparent:00-4bf9"]
)
def test_a_field_that_the_format_leaves_free_is_no_deviation(line: bytes) -> None:
    assert deviations(line + b"\ndata: a\n\n") == []


@pytest.mark.parametrize(
    ("body", "offset", "event", "lost"),
    [
        (b"data: a\n\ndata: [DONE]\n", 9, 1, "[DONE]"),
        (b"data: a\n\ndata: [DONE]", 9, 1, "[DONE]"),
        (b"data: a\n\ndata: x\r\n", 9, 1, "x"),
        (b"id: 1\ndata: a\ndata: b", 0, 0, "a\nb"),
        (b'data: a\n\ndata: "\xe4\xbd', 9, 1, '"'),
        (b"data: a\n\nda", 9, None, None),
    ],
)
def test_data_of_an_unterminated_block_is_reported_as_lost(
    body: bytes, offset: int, event: int | None, lost: str | None
) -> None:
    assert deviations(body) == [("stream.terminated", offset, event)]
    tail = read(body)[3]
    assert (tail.data if tail else None) == lost


@pytest.mark.parametrize(
    "body",
    [
        b"data: a\n\n: bye",
        b"data: a\n\n: bye\n",
        b"data: a\n\nid: 9\n",
        b"data: a\n\nretry: 9",
        b":\n\n: ping\n\ndata: a\n\n",
        b"\xef\xbb\xbfdata:a\r\n\r\n",
        b"event: a\n\n",
        b"data:\n\n",
    ],
)
def test_what_the_standard_allows_is_not_a_deviation(body: bytes) -> None:
    assert deviations(body) == []


def test_facts_say_which_liberties_of_the_format_were_used() -> None:
    body = b"\xef\xbb\xbfdata: a\r\n\r\n: x\nevent: y\n\ndata: b\r\rdata: c\n\n"
    assert read(body)[2] == EventFacts(lf=5, crlf=2, cr=2, comments=1, dataless=1, bom=True)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_line_beyond_the_limit_ends_reading_and_what_came_before_stays(step: int) -> None:
    body = b"data: a\n\ndata: " + b"x" * 200 + b"\n\ndata: b\n\n"
    pieces = [body[start : start + step] for start in range(0, len(body), step)]
    events, found, _, lost = read(*pieces, max_line=100)
    assert triples(events) == [("message", "a", "")]
    assert lost is None
    assert [(one.requirement, one.offset) for one in found] == [("stream.line-length", 9)]


def test_data_of_one_event_is_limited_too() -> None:
    events, found, _, _ = read(b"data: 12345678\n" * 20 + b"\n", max_line=100)
    assert events == []
    assert [one.requirement for one in found] == ["stream.line-length"]


def test_a_long_line_in_small_reads_is_kept_once_and_read() -> None:
    pieces = [b"data: ", *([b"x" * 1000] * 3000), b"\n\n"]
    (event,), found, _, _ = read(*pieces, max_line=4_000_000)
    assert len(event.data) == 3_000_000
    assert found == []


def test_a_read_larger_than_the_window_gives_the_same_events() -> None:
    body = b'data: {"n":1}\n\n' * 100_000
    events, found, _, _ = read(body)
    assert len(events) == 100_000
    assert events[-1].end == len(body) - 1
    assert found == []


def test_a_flood_of_deviations_is_counted_and_not_kept() -> None:
    reader = EventStreamReader()
    reader.feed(b"x\n\n" * 10_000)
    assert reader.log.counts == {"stream.field-names": 10_000}
    assert len(reader.log.kept) == 20


def test_a_message_quotes_the_targets_text_with_escapes() -> None:
    (found,) = read(b"\x1b[31m<script>\n\n")[1]
    assert "'\\x1b[31m<script>'" in found.actual
    assert found.actual.isascii()
