"""Streams that look wrong and are allowed: none of them gives a deviation."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_samples import (
    DONE,
    EVENT_STREAM,
    FINISH,
    FIRST,
    HELLO,
    Item,
    broken,
    chunk,
    encoded,
    exchange,
    read,
    stream,
    usage_chunk,
    without,
)

from conformance.reading import Expectations, StreamReader, read_stream
from conformance.wire.exchange import Ending, EndKind, Read

GOOD = (*HELLO, FINISH, DONE)
USAGE = {"stream_options": {"include_usage": True}}
BYTES = stream(*GOOD)

ANNOTATED: dict[str, Any] = {
    "index": 0,
    "finish_reason": None,
    "content_filter_results": {},
    "content_filter_offsets": {},
}
AZURE_FIRST = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [{}]}

FRAMING = {
    "no space after the colon": BYTES.replace(b"data: ", b"data:"),
    "one byte order mark": b"\xef\xbb\xbf" + BYTES,
    "CR": BYTES.replace(b"\n", b"\r"),
    "CRLF": BYTES.replace(b"\n", b"\r\n"),
    "mixed line ends": BYTES.replace(b"\n\n", b"\r\r\n", 2),
    "comments": BYTES.replace(b"data: ", b": ping\n\n:\n\n: x-cost=0.1\ndata: "),
    "comments glued to the sentinel": BYTES.replace(b"data: [DONE]", b": x-cost=0.1\n: x-model=m\ndata: [DONE]"),
    "a comment at the end": BYTES + b": bye",
    "id, event and retry": b"retry: 3000\n\n" + BYTES.replace(b"data: ", b"event: message\nid: 5\ndata: "),
    "a comment block after an event with an id": stream(b"id: 1\n", FIRST, b": ping\n\n", *GOOD[1:]),
    "a block without data": b"event: ping\n\n" + BYTES,
    "an event in several data lines": BYTES.replace(b'"choices":', b'\ndata: "choices":'),
    "the sentinel without a space, and CR alone": BYTES.replace(b"data: [", b"data:[").replace(b"\n", b"\r"),
    "blank lines": b"\n\n" + BYTES.replace(b"\n\n", b"\n\n\n\n"),
    "escaped characters": BYTES.replace(b"Hel", b"H\\u00e9\\ud83d\\ude00"),
    "raw characters": BYTES.replace(b"Hel", "Hé😀你".encode()),
    "white space around the document": BYTES.replace(b"data: {", b"data:   {").replace(b"}\n", b"} \t\n"),
}

CHUNKS: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "the role in every delta": (
        (FIRST, chunk("a", role="assistant"), chunk("", role="assistant", finish="stop"), DONE),
        {},
    ),
    "the role null later": ((FIRST, chunk("a", role=None), FINISH, DONE), {}),
    "the role alone at first": ((chunk(role="assistant"), chunk("a"), FINISH, DONE), {}),
    "content beside the first role": ((chunk("a", role="assistant"), FINISH, DONE), {}),
    "one chunk with everything": ((chunk("a", role="assistant", finish="length"), DONE), {}),
    "a finish with content": ((*HELLO, chunk("!", finish="stop"), DONE), {}),
    "no finish_reason in the middle": (
        (FIRST, chunk(choices=[{"index": 0, "delta": {"content": "a"}}]), FINISH, DONE),
        {},
    ),
    "a null content": ((FIRST, chunk(choices=[{"index": 0, "delta": {"content": None}}]), FINISH, DONE), {}),
    "usage": ((*HELLO, FINISH, usage_chunk(), DONE), USAGE),
    "usage null elsewhere": (
        (*({**item, "usage": None} for item in (*HELLO, FINISH)), usage_chunk(), DONE),
        USAGE,
    ),
    "usage of two choices": (
        (
            FIRST,
            chunk("", role="assistant", index=1),
            chunk("a"),
            chunk("b", index=1),
            chunk(finish="stop", index=1),
            FINISH,
            usage_chunk(),
            DONE,
        ),
        {**USAGE, "n": 2},
    ),
    "usage null everywhere, unasked": ((*({**item, "usage": None} for item in (*HELLO, FINISH)), DONE), {}),
    "usage in every chunk, unasked": (
        (*({**item, "usage": usage_chunk()["usage"]} for item in (*HELLO, FINISH)), DONE),
        {},
    ),
    "usage on the finish chunk": ((*HELLO, {**FINISH, "usage": usage_chunk()["usage"]}, DONE), USAGE),
    "the same without a request for it": ((*HELLO, {**FINISH, "usage": usage_chunk()["usage"]}, DONE), {}),
    "usage of floats": ((*HELLO, FINISH, usage_chunk(3.0, 2.0, 5.0), DONE), USAGE),
    "created as a float": ((FIRST, chunk("a", created=1.7e9), FINISH, DONE), {}),
    "the filter's first chunk": ((AZURE_FIRST, *GOOD), {}),
    "filter results without a delta": (
        (*HELLO, chunk(choices=[ANNOTATED]), FINISH, chunk(choices=[ANNOTATED]), DONE),
        {},
    ),
    "filter results without an id": ((*HELLO, {**AZURE_FIRST, "choices": [ANNOTATED]}, FINISH, DONE), {}),
    "members of the vendor's own": (
        tuple(
            item if isinstance(item, str) else {**item, "system_fingerprint": None, "obfuscation": "x", "x_y": [1]}
            for item in GOOD
        ),
        {},
    ),
    "an empty error in every chunk": (
        tuple(item if isinstance(item, str) else {**item, "error": {}} for item in GOOD),
        {},
    ),
    "reasoning before content": (
        (FIRST, chunk(choices=[{"index": 0, "delta": {"reasoning_content": "hm"}, "finish_reason": None}]), *GOOD[1:]),
        {},
    ),
    "deltas of white space": ((FIRST, chunk(" "), chunk("\n\n"), chunk(" "), chunk(" "), FINISH, DONE), {}),
    "deltas with empty text": ((FIRST, *(chunk("") for _ in range(6)), chunk("a"), FINISH, DONE), {}),
    "one big delta": ((FIRST, chunk("Hello there. " * 100), FINISH, DONE), {}),
    "no text at all": ((FIRST, chunk(finish="length"), DONE), {"max_tokens": 1}),
    "two choices, interleaved": (
        (
            FIRST,
            chunk("", role="assistant", index=1),
            chunk("a", index=1),
            chunk("b"),
            FINISH,
            chunk("c", index=1),
            chunk(finish="length", index=1),
            DONE,
        ),
        {"n": 2},
    ),
    "two choices in one chunk": (
        (
            chunk(choices=[{**FIRST["choices"][0], "index": index} for index in (0, 1)]),
            chunk(choices=[{**FINISH["choices"][0], "index": index} for index in (1, 0)]),
            DONE,
        ),
        {"n": 2},
    ),
    "an error and a close": ((*HELLO, {"error": {"message": "m", "type": "t", "param": None, "code": None}}), {}),
    "an error event": ((*HELLO, b'event: error\ndata: {"error":{"message":"m"}}\n\n'), {}),
    "an error at once": (({"error": {"message": "m"}},), {}),
    "a text that repeats itself": ((FIRST, *(chunk("ha ") for _ in range(6)), FINISH, DONE), {}),
    "a delta that repeats one before it": ((FIRST, chunk("Hello"), chunk("Hello"), FINISH, DONE), {}),
    "the sentinel in the text": ((FIRST, chunk("data: [DONE]\n\n"), chunk("[DONE]"), FINISH, DONE), {}),
    "an HTTP message in the text": ((FIRST, chunk("\nHTTP/1.1 200 OK\r\n\r\n"), FINISH, DONE), {}),
    "a replacement character of the prompt": (
        (FIRST, chunk("\ufffd!"), FINISH, DONE),
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "\ufffd"}]}]},
    ),
    "a character cut by the token limit": ((FIRST, chunk("a\ufffd"), chunk(finish="length"), DONE), {}),
    "an index as a float": ((FIRST, chunk("a", index=0.0), FINISH, DONE), {}),
}


@pytest.mark.parametrize("body", FRAMING.values(), ids=FRAMING.keys())
@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_framing_that_is_allowed(body: bytes, step: int) -> None:
    reads = [Read(1.0, body[start : start + step]) for start in range(0, len(body), step)]
    reading = read_stream(exchange(reads))
    assert reading.deviations == ()
    assert reading.is_complete


@pytest.mark.parametrize(("items", "request_body"), CHUNKS.values(), ids=CHUNKS.keys())
def test_chunks_that_are_allowed(items: tuple[Any, ...], request_body: dict[str, Any]) -> None:
    assert read(*items, request=request_body).deviations == ()


@pytest.mark.parametrize(
    "headers",
    [
        (("content-type", "text/event-stream; charset=utf-8"), ("Content-Length", str(len(BYTES)))),
        (("Content-Type", "Text/Event-Stream;Charset=UTF-8"), ("connection", "close")),
        (("Content-Type", "text/event-stream; charset=utf8"),),
        (("Content-Type", 'text/event-stream; charset="utf-8"'), ("Content-Encoding", "identity")),
        EVENT_STREAM,
    ],
)
def test_headers_that_are_allowed(headers: tuple[tuple[str, str], ...]) -> None:
    assert read(*GOOD, headers=headers).deviations == ()


def test_a_stream_that_the_client_left_is_blamed_for_nothing_that_did_not_come() -> None:
    for kind in (EndKind.HUNG_UP, EndKind.DEADLINE):
        reading = read(*HELLO, encoded(FINISH)[:30], kind=kind)
        assert reading.deviations == ()
        assert not reading.is_complete
        assert not reading.applicable & {"stream.done-once", "stream.finish-once", "stream.not-empty", "stream.ends"}


def test_without_an_answer_no_requirement_applies() -> None:
    reading = read_stream(replace(exchange(b""), answer=None, ending=Ending(EndKind.UNREACHABLE, 0.1)))
    assert reading.applicable == frozenset()
    assert reading.problem == "no answer: unreachable"


def test_what_a_stream_says_is_put_together() -> None:
    reading = read(FIRST, chunk("Hel"), chunk("lo", finish="stop"), usage_chunk(), DONE, request=USAGE)
    choice = reading.choices[0]
    assert (choice.content, choice.role, choice.finish_reason) == ("Hello", "assistant", "stop")
    assert (choice.deltas, choice.content_deltas, choice.length) == (3, 2, 5)
    assert (reading.id, reading.model, reading.created) == ("c-1", "m", 1_700_000_000)
    assert (reading.events, reading.chunks, reading.sentinels) == (5, 4, 1)
    assert reading.usage == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert reading.is_complete


def test_only_requirements_that_a_stream_could_break_apply_to_it() -> None:
    plain, with_usage = read(*GOOD), read(*HELLO, FINISH, usage_chunk(), DONE, request={**USAGE, "stop": "x"})
    assert {"stream.done-once", "stream.terminated", "stream.json", "stream.usage-absent-unasked"} <= plain.applicable
    assert not plain.applicable & {
        "stream.usage-sum",
        "stream.stop",
        "stream.error-terminal",
        "stream.usage-when-asked",
    }
    assert {"stream.usage-sum", "stream.usage-when-asked", "stream.stop"} <= with_usage.applicable
    failed = read(*HELLO, {"error": {"message": "m"}})
    assert {"stream.error-terminal", "stream.done-absent-after-error"} <= failed.applicable
    assert not failed.applicable & {"stream.done-once", "stream.finish-once"}


ITEMS = st.lists(
    st.sampled_from([*GOOD, usage_chunk(), "null", "{}", {"error": {"message": "m"}}, AZURE_FIRST, b"x\n", b"data:"])
    | st.binary(max_size=6)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(
                    ("choices", "delta", "index", "finish_reason", "content", "usage", "error"), inner
                ),
            )
        ),
        max_leaves=12,
    ).map(json.dumps),
    max_size=12,
)


@given(ITEMS, st.lists(st.integers(0, 2000), max_size=6), st.sampled_from(EndKind))
def test_any_stream_is_read_without_an_exception_and_alike_however_it_is_cut(
    items: list[Any], cuts: list[int], kind: EndKind
) -> None:
    body = stream(*items)
    places = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})
    reads = [Read(1.0, body[start:end]) for start, end in itertools.pairwise(places)]
    request = {"n": 2, **USAGE, "max_tokens": 1, "stop": ["l"]}
    whole, cut = (read_stream(exchange(each, request=request, kind=kind)) for each in (body, reads))
    assert cut.deviations == whole.deviations
    assert cut.sequence == whole.sequence
    assert broken(whole) <= whole.applicable
    assert whole.timeline()[-1].text.startswith("end of body")


class SmallJudge:
    """A schema that asks for `choices`, to be an array."""

    def conforms(self, instance: Any, /) -> bool:
        return not self.deviations(instance)

    def deviations(self, instance: Any, /) -> list[Any]:
        if not isinstance(instance, dict):
            return [SmallDeviation("/type", None, "", "an object", "another type")]
        if "choices" not in instance:
            return [SmallDeviation("/required", "choices", "", "the property choices", "none")]
        return []

    def reached(self, instance: Any, /) -> frozenset[str]:
        return frozenset({"/type", "/required#choices"} if isinstance(instance, dict) else {"/type"})


class SmallDeviation:
    def __init__(self, pointer: str, name: str | None, instance_path: str, expected: str, actual: str) -> None:
        self.pointer, self.name, self.instance_path = pointer, name, instance_path
        self.expected, self.actual = expected, actual


def test_the_judges_deviations_have_the_broken_keyword() -> None:
    request = {"stream": True}
    body = stream(*HELLO, without(FIRST, "choices"), "[]", FINISH, DONE)
    reading = read_stream(exchange(body, request=request), judge=SmallJudge())
    assert [(one.requirement, one.pointer, one.event) for one in reading.deviations] == [
        ("stream.chunk", "/required#choices", 3),
        ("stream.event-kind", None, 4),
        ("stream.chunk", "/type", 4),
    ]
    assert reading.reached == {"/type", "/required#choices"}
    assert reading.judged_chunks == 6


def test_an_error_is_judged_by_the_contracts_error_object() -> None:
    body = stream(*HELLO, {"error": {"message": "m"}})
    reading = read_stream(exchange(body), error_judge=SmallJudge())
    assert broken(reading) == {"stream.error-recognisable"}


def test_what_is_kept_of_a_long_stream_is_bounded() -> None:
    reader = StreamReader(Expectations())
    piece = stream(*(chunk("word ", id=f"d-{number}") for number in range(100)))
    reader.feed(stream(FIRST))
    for turn in range(300):
        reader.feed(piece, turn / 100)
    reader.feed(stream(FINISH, DONE), 3.0)
    reading = reader.end()
    assert reading.events == 30_003
    assert len(reading.kept) <= 200
    assert reading.counts["stream.id-constant"] == 30_000
    assert len(reading.deviations) <= 40
    assert reading.choices[0].length == 150_000


def test_a_failing_stream_reads_like_a_wire_trace() -> None:
    reads = [Read(0.1, stream(*HELLO)), Read(0.2, stream(chunk(finish="eos")) + b"oops\n\n"), Read(0.3, stream(DONE))]
    reading = read_stream(exchange(reads, kind=EndKind.IDLE_TIMEOUT, ended=15.3))
    rows = reading.timeline()
    assert [row.at_ms for row in rows] == [100, 100, 100, 200, 200, 300, 15_300]
    assert [bool(row.note) for row in rows] == [False, False, False, True, True, False, True]
    assert rows[3].note.startswith("stream.finish-reason: expected null, or one of")
    assert rows[4].offset == len(stream(*HELLO, chunk(finish="eos")))
    assert "stream.field-names" in rows[4].note
    ended, _, figures = rows[-1].text.partition("; ")
    assert ended == "end of body: idle-timeout"
    assert figures == (
        "2 events with text from 0.100 s to 0.100 s, 100% of them in one read (first byte 0.100 s, gaps 0.000 s and at"
        " most 0.000 s, 1.7 events a read, 15.200 s from first text to end)"
    )
    assert rows[-1].note.startswith("stream.ends: expected the body's end within 2 s")


def test_a_wire_trace_is_as_long_as_requested_and_says_what_is_left_out() -> None:
    items: list[Item] = [*(chunk("a") for _ in range(90)), chunk("b", id="c-2"), FINISH, DONE]
    rows = read(*items).timeline(10)
    assert len([row for row in rows if "not shown" not in row.text]) == 11
    assert any("events not shown" in row.text for row in rows)
    assert any("stream.id-constant" in row.note for row in rows)
