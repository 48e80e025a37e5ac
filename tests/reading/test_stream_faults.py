"""Faults of real deployments in framing and chunks: each breaks exactly its own requirements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from stream_samples import (
    DONE,
    FINISH,
    FIRST,
    HELLO,
    broken,
    chunk,
    encoded,
    exchange,
    read,
    stream,
    usage_chunk,
    without,
)

from conformance.reading import read_completion, read_stream
from conformance.wire.exchange import EndKind

GOOD = (*HELLO, FINISH, DONE)
TWO = {"n": 2}
USAGE = {"stream_options": {"include_usage": True}}
USED = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
SECOND = chunk("", index=1, role="assistant")


def every(**changes: Any) -> tuple[Any, ...]:
    """The good stream with these members in every chunk."""
    return tuple(item if isinstance(item, str) else {**item, **changes} for item in GOOD)


FRAMING = {
    "1-01 no sentinel": ((*HELLO, FINISH), {"stream.done-once"}),
    "1-14 an error as bare text": (
        (*HELLO, "error: engine failed"),
        {"stream.json", "stream.finish-once", "stream.done-once"},
    ),
    "1-17 an empty stream": ((), {"stream.not-empty", "stream.done-once"}),
    "1-23 half characters": ((FIRST, chunk("\ufffd\ufffd"), chunk("!"), FINISH, DONE), {"stream.content-intact"}),
    "1-24 lossy decoding": ((FIRST, chunk("a\ufffdb"), FINISH, DONE), {"stream.content-intact"}),
    "1-25 a dangling replacement": ((FIRST, chunk("macOS \ufffd"), FINISH, DONE), {"stream.content-intact"}),
    "1-33 the finish unterminated": (
        (*HELLO, encoded(FINISH)[:-1]),
        {"stream.terminated", "stream.finish-once", "stream.done-once"},
    ),
    "1-33 the sentinel unterminated": ((*HELLO, FINISH, b"data: [DONE]\n"), {"stream.terminated", "stream.done-once"}),
    "1-37 an early close": ((*HELLO,), {"stream.finish-once", "stream.done-once"}),
    "1-38 a doubled prefix": (
        tuple(b"data: " + encoded(item) for item in GOOD),
        {"stream.json", "stream.not-empty", "stream.done-once"},
    ),
    "1-39 the whole answer again": ((*HELLO, chunk("Hello"), FINISH, DONE), {"stream.content-increments"}),
    "1-39 in the finish chunk": ((*HELLO, chunk("Hello", finish="stop"), DONE), {"stream.content-increments"}),
    "1-39 in every delta": (
        (FIRST, *(chunk("I am well"[:end]) for end in (2, 4, 5, 9)), FINISH, DONE),
        {"stream.content-increments"},
    ),
    "1-40 the prefix lost": (
        (*HELLO, encoded(FINISH)[6:], b"[DONE]\n\n"),
        {"stream.field-names", "stream.finish-once", "stream.done-once"},
    ),
    "1-41 an event torn": ((*HELLO, 'data: {"id":'[6:], "}", FINISH, DONE), {"stream.json"}),
    "1-50 a chunk after the finish": (
        (*HELLO, FINISH, chunk(created=1_699_999_999), DONE),
        {"stream.nothing-after-finish", "stream.created-constant"},
    ),
    "1-52 bare JSON": (
        (b'{"text_output":"a"}{"text_output":"b"}',),
        {"stream.field-names", "stream.not-empty", "stream.done-once"},
    ),
    "1-53 a field of its own for errors": (
        (b'error: {"code":400}\n\n', DONE),
        {"stream.field-names", "stream.not-empty"},
    ),
    "invalid UTF-8": (
        (FIRST, encoded(chunk("X")).replace(b"X", b"\xe4\xbd"), FINISH, DONE),
        {"stream.utf8", "stream.content-intact"},
    ),
    "empty data": ((*HELLO, b"data:\n\n", FINISH, DONE), {"stream.no-empty-event"}),
    "the sentinel twice": ((*GOOD, DONE), {"stream.done-once"}),
    "a chunk after the sentinel": ((*GOOD, chunk("x")), {"stream.done-last"}),
    "text after the sentinel": ((*GOOD, "bye"), {"stream.json", "stream.done-last"}),
    "the sentinel with a space": ((*HELLO, FINISH, b"data: [DONE] \n\n"), {"stream.json", "stream.done-once"}),
    "only the sentinel": ((DONE,), {"stream.not-empty"}),
    "the sentinel after an error": ((*HELLO, {"error": {"message": "m"}}, DONE), {"stream.done-absent-after-error"}),
    "a chunk after an error": ((*HELLO, {"error": {"message": "m"}}, chunk("x")), {"stream.error-terminal"}),
    "an error after the sentinel": ((*GOOD, {"error": {"message": "m"}}), {"stream.done-last"}),
    "an error that says nothing": ((*HELLO, {"error": {}}), {"stream.error-recognisable"}),
    "NaN": ((FIRST, encoded(chunk("X")).replace(b'"X"', b"NaN"), FINISH, DONE), {"stream.json"}),
    "two documents in one event": ((*HELLO, "{}{}", FINISH, DONE), {"stream.json"}),
    "two documents in two data lines": ((*HELLO, b"data: {}\ndata: {}\n\n", FINISH, DONE), {"stream.json"}),
    "a name twice": (
        (FIRST, encoded(chunk("a")).replace(b'{"id"', b'{"model":"x","id"'), FINISH, DONE),
        {"stream.json-duplicate-keys"},
    ),
    "half a surrogate pair": (
        (FIRST, encoded(chunk("X")).replace(b"X", b"\\ud83d"), FINISH, DONE),
        {"stream.json-interoperable", "stream.content-intact"},
    ),
    "the sentinel in small letters": ((*HELLO, FINISH, "[done]"), {"stream.json", "stream.done-once"}),
    "the sentinel as a JSON text": ((*HELLO, FINISH, '"[DONE]"'), {"stream.event-kind", "stream.done-once"}),
    "the field's name in capitals": (
        tuple(encoded(item).replace(b"data:", b"Data:") for item in GOOD),
        {"stream.field-names", "stream.not-empty", "stream.done-once"},
    ),
    "a byte order mark in the middle": (
        (*HELLO, b"\xef\xbb\xbf", FINISH, DONE),
        {"stream.field-names", "stream.finish-once"},
    ),
    "a byte order mark twice": (
        (b"\xef\xbb\xbf\xef\xbb\xbf", *GOOD),
        {"stream.field-names", "stream.role-first"},
    ),
    "a byte order mark before the document": (
        (*HELLO, b"data: \xef\xbb\xbf" + encoded(FINISH)[6:], DONE),
        {"stream.json", "stream.finish-once"},
    ),
    "an id with NUL": ((FIRST, b"id: a\0b\n", *GOOD[1:]), {"stream.field-names"}),
    "a reconnection time that is not a number": ((b"retry: soon\n", *GOOD), {"stream.field-names"}),
    "an error event in bare text": (
        (*HELLO, b"event: error\ndata: out of memory\n\n"),
        {"stream.json", "stream.finish-once", "stream.done-once"},
    ),
    "another HTTP message inside": (
        (*GOOD, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
        {"transport.single-message", "stream.field-names"},
    ),
}


@pytest.mark.parametrize(("items", "expected"), FRAMING.values(), ids=FRAMING.keys())
def test_framing_fault(items: tuple[Any, ...], expected: set[str]) -> None:
    assert broken(read(*items)) == expected


SEQUENCE = {
    "2-01 an empty finish_reason": ((FIRST, chunk("a", finish=""), FINISH, DONE), {}, {"stream.finish-reason"}),
    "2-03 null as text": ((FIRST, chunk("a", finish="null"), FINISH, DONE), {}, {"stream.finish-reason"}),
    "2-04 a reason of its own": ((*HELLO, chunk(finish="eos"), DONE), {}, {"stream.finish-reason"}),
    "2-05 finished at once": (
        (chunk("", role="assistant", finish="stop"), chunk("a"), DONE),
        {},
        {"stream.nothing-after-finish"},
    ),
    "2-06 finished twice": ((*HELLO, chunk(finish="length"), FINISH, DONE), {}, {"stream.finish-once"}),
    "2-14 an id of its own for each chunk": (
        (FIRST, chunk("a", id="c-2"), chunk("b", id="c-3"), {**FINISH, "id": "c-4"}, DONE),
        {},
        {"stream.id-constant"},
    ),
    "2-15 no id": (every(id=""), {}, {"stream.id-constant"}),
    "2-16 the index counts tokens": (
        (FIRST, chunk("a", index=1), chunk("b", index=2), chunk(finish="stop", index=3), DONE),
        {},
        {"stream.index-range", "stream.finish-once"},
    ),
    "2-17 every index 0": (
        (FIRST, FIRST, chunk("a"), chunk("b"), FINISH, FINISH, DONE),
        TWO,
        {"stream.index-range", "stream.finish-once"},
    ),
    "2-20 null as data": ((*HELLO, "null", FINISH, DONE), {}, {"stream.event-kind"}),
    "2-21 another object": (every(object="chat.completion"), {}, {"stream.object"}),
    "2-22 members missing": (
        tuple(item if isinstance(item, str) else without(item, "object", "created", "model") for item in GOOD),
        {},
        {"stream.object", "stream.created-constant", "stream.model-constant"},
    ),
    "2-24 an empty role": ((chunk("", role=""), chunk("a"), FINISH, DONE), {}, {"stream.role"}),
    "2-27 no role": ((chunk("a"), FINISH, DONE), {}, {"stream.role-first"}),
    "2-34 no model": (every(model=None), {}, {"stream.model-constant"}),
    "2-35 the finish under a wrong index": (
        (FIRST, SECOND, chunk("a"), chunk("b", index=1), FINISH, FINISH, DONE),
        TWO,
        {"stream.finish-once"},
    ),
    "2-38 the finish again beside the usage": (
        (*HELLO, FINISH, usage_chunk(choices=FINISH["choices"]), DONE),
        USAGE,
        {"stream.finish-once"},
    ),
    "2-41 choices beside the usage": (
        (*HELLO, FINISH, usage_chunk(choices=chunk()["choices"]), DONE),
        USAGE,
        {"stream.usage-choices-empty"},
    ),
    "2-43 the usage twice": (
        (*HELLO, FINISH, usage_chunk(), usage_chunk(), DONE),
        USAGE,
        {"stream.usage-when-asked"},
    ),
    "2-46 error as a reason": ((*HELLO, chunk(finish="error"), DONE), {}, {"stream.finish-reason"}),
    "no usage": (GOOD, USAGE, {"stream.usage-when-asked"}),
    "usage unasked": ((*HELLO, FINISH, usage_chunk(), DONE), {}, {"stream.usage-absent-unasked"}),
    "usage in every chunk": (
        (*({**item, "usage": USED} for item in (*HELLO, FINISH)), usage_chunk(), DONE),
        USAGE,
        {"stream.usage-nowhere-else"},
    ),
    "usage in every chunk, the last with the finish": (
        (*({**item, "usage": USED} for item in (*HELLO, FINISH)), DONE),
        USAGE,
        {"stream.usage-nowhere-else"},
    ),
    "usage in every chunk but the last": (
        (*({**item, "usage": USED} for item in HELLO), FINISH, DONE),
        USAGE,
        {"stream.usage-nowhere-else", "stream.usage-after-finish"},
    ),
    "usage on the finish, and in a chunk of its own": (
        (*HELLO, {**FINISH, "usage": USED}, usage_chunk(), DONE),
        USAGE,
        {"stream.usage-nowhere-else"},
    ),
    "usage too early": ((*HELLO, usage_chunk(), FINISH, DONE), USAGE, {"stream.usage-after-finish"}),
    "usage that does not add up": ((*HELLO, FINISH, usage_chunk(total=6), DONE), USAGE, {"stream.usage-sum"}),
    "negative usage": ((*HELLO, FINISH, usage_chunk(-1, 2, 1), DONE), USAGE, {"stream.usage-sum"}),
    "usage that counts nothing": ((*HELLO, FINISH, usage_chunk(3, 0, 3), DONE), USAGE, {"stream.usage-sum"}),
    "more tokens than allowed": (
        (*HELLO, FINISH, usage_chunk(), DONE),
        {**USAGE, "max_tokens": 1},
        {"stream.max-tokens"},
    ),
    "a stop sequence in the text": ((*HELLO, FINISH, DONE), {"stop": "ell"}, {"stream.stop"}),
    "another role": ((chunk("a", role="user"), FINISH, DONE), {}, {"stream.role"}),
    "another role later": ((FIRST, chunk("a", role="system"), FINISH, DONE), {}, {"stream.role"}),
    "a choice too many": (
        (FIRST, SECOND, chunk("a"), FINISH, chunk(finish="stop", index=1), DONE),
        {},
        {"stream.index-range"},
    ),
    "an index that is not a number": ((FIRST, chunk("a", index="0"), FINISH, DONE), {}, {"stream.index-range"}),
    "a choice never finished": (
        (FIRST, SECOND, chunk("a"), FINISH, DONE),
        TWO,
        {"stream.finish-once"},
    ),
    "created in milliseconds": (every(created=1_700_000_000_000), {}, {"stream.created-constant"}),
    "created as text": (every(created="now"), {}, {"stream.created-constant"}),
    "another model in the middle": ((FIRST, chunk("a", model="x"), FINISH, DONE), {}, {"stream.model-constant"}),
}


@pytest.mark.parametrize(("items", "request_body", "expected"), SEQUENCE.values(), ids=SEQUENCE.keys())
def test_sequence_fault(items: tuple[Any, ...], request_body: dict[str, Any], expected: set[str]) -> None:
    assert broken(read(*items, request=request_body)) == expected


ENDINGS = {
    "1-02 open without the sentinel": ((*HELLO, FINISH), EndKind.IDLE_TIMEOUT, {"stream.ends", "stream.done-once"}),
    "1-03 open after the sentinel": (GOOD, EndKind.IDLE_TIMEOUT, {"stream.ends"}),
    "open until the deadline": (GOOD, EndKind.DEADLINE, {"stream.ends"}),
    "1-36 silent in the middle": (
        HELLO,
        EndKind.IDLE_TIMEOUT,
        {"stream.ends", "stream.finish-once", "stream.done-once"},
    ),
    "cut by the peer": (
        HELLO,
        EndKind.TRUNCATED,
        {"transport.body-complete", "stream.finish-once", "stream.done-once"},
    ),
    "reset after the sentinel": (GOOD, EndKind.RESET, {"transport.body-complete"}),
    "endless": (HELLO, EndKind.TOO_LARGE, {"stream.ends"}),
    "cut within an event": (
        (*HELLO, encoded(FINISH)[:40]),
        EndKind.TRUNCATED,
        {"transport.body-complete", "stream.finish-once", "stream.done-once"},
    ),
}


@pytest.mark.parametrize(("items", "kind", "expected"), ENDINGS.values(), ids=ENDINGS.keys())
def test_ending_fault(items: tuple[Any, ...], kind: EndKind, expected: set[str]) -> None:
    reading = read(*items, kind=kind)
    assert broken(reading) == expected


def test_a_body_that_ends_long_after_the_sentinel_lingers() -> None:
    assert broken(read(*GOOD, ended=1.5)) == set()
    reading = read(*GOOD, ended=31.25)
    (found,) = reading.deviations
    assert found.requirement == "stream.ends"
    assert "30.250 s" in found.actual
    assert (found.offset, found.at) == (len(stream(*GOOD)), 31.25)


@pytest.mark.parametrize(("held_up", "expected"), [(0.9, {"stream.ends"}), (1.5, set())])
def test_what_the_suite_itself_was_late_is_not_held_against_the_target(held_up: float, expected: set[str]) -> None:
    seen = exchange(stream(*GOOD), ended=4.25)  # 3.25 s after the sentinel
    assert broken(read_stream(replace(seen, held_up=held_up))) == expected


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Content-Type", "application/json"),),
        (("Content-Type", "text/plain"),),
        (("Content-Type", "text/event-stream; charset=iso-8859-1"),),
    ],
)
def test_1_26_a_stream_under_another_media_type_is_still_read(headers: tuple[tuple[str, str], ...]) -> None:
    reading = read(*GOOD, headers=headers)
    assert broken(reading) == {"stream.media-type"}
    assert reading.choices[0].content == "Hello"


def test_1_30_a_stale_content_encoding_is_reported_and_the_body_read_as_it_is() -> None:
    for coding in ("br", "gzip", "deflate"):
        headers = (("Content-Type", "text/event-stream"), ("Content-Encoding", coding))
        reading = read(*GOOD, headers=headers, accept="br, gzip, deflate")
        assert broken(reading) == {"transport.content-encoding"}
        assert reading.choices[0].content == "Hello"


def test_1_45_a_stream_that_was_not_requested_is_not_a_completion() -> None:
    reading = read_completion(exchange(stream(*GOOD)))
    assert [one.requirement for one in reading.deviations] == ["completion.media-type", "completion.json"]


def test_an_error_status_is_not_a_stream() -> None:
    reading = read_stream(exchange(b'{"error":{}}', status=500, headers=(("Content-Type", "application/json"),)))
    assert broken(reading) == {"stream.status"}
    assert reading.problem == "the status is 500, so the answer is not a stream"


def test_a_deviation_names_the_event_its_offset_and_time_and_what_came() -> None:
    reading = read(*HELLO, chunk(finish="eos"), DONE)
    (found,) = reading.deviations
    assert (found.event, found.offset, found.at) == (3, len(stream(*HELLO)), 1.0)
    assert found.expected == "null, or one of content_filter, function_call, length, stop, tool_calls"
    assert found.actual == "the finish_reason 'eos'"


@pytest.mark.parametrize(
    ("temperature", "expected"), [(1.5, set()), (1, {"stream.content-intact"}), (None, {"stream.content-intact"})]
)
def test_bytes_that_form_no_character_are_the_models_own_at_a_temperature_above_one(
    temperature: float | None, expected: set[str]
) -> None:
    assert broken(read(FIRST, chunk("a\ufffdb"), FINISH, DONE, request={"temperature": temperature})) == expected
