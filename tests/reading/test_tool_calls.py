"""Calls of a stream are put together as they were sent, however their arguments and bytes were cut."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from conformance.reading import Expectations, StreamReader, StreamReading
from conformance.reading.tool_calls import INPUT_KEPT, MOST_CALLS, ToolCall, as_members, calls_of

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
CALLS = st.lists(st.tuples(st.text("abc0-_", min_size=1, max_size=12), TEXT), min_size=1, max_size=4)


def chunk(*entries: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    delta = {"tool_calls": list(entries)} if entries else {}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def opening(index: int, name: str, **members: Any) -> dict[str, Any]:
    return {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name}, **members}


def piece(index: int, text: str) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": text}}


def read(chunks: Iterable[dict[str, Any]], cuts: Iterable[int] = ()) -> StreamReading:
    events = [json.dumps(one, ensure_ascii=False) for one in [*chunks, chunk(finish="tool_calls")]]
    body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"]).encode()
    reader = StreamReader(Expectations())
    at = 0
    for cut in [*sorted(cut % len(body) for cut in cuts), len(body)]:
        reader.feed(body[at:cut])
        at = cut
    return reader.end()


def broken(reading: StreamReading) -> list[str]:
    return [one.requirement for one in reading.deviations if one.requirement.startswith("tools.")]


@given(calls=CALLS, cuts=st.lists(st.integers(0, 10_000), max_size=12), data=st.data())
def test_calls_are_put_together_as_they_were_sent(
    calls: list[tuple[str, str]], cuts: list[int], data: st.DataObject
) -> None:
    pieces: list[list[dict[str, Any]]] = []
    for index, (name, text) in enumerate(calls):
        places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
        parts = [text[begin:end] for begin, end in zip([0, *places], [*places, len(text)], strict=True)]
        pieces.append([opening(index, name), *(piece(index, part) for part in parts)])
    chunks = [chunk(one) for call in pieces for one in call]
    reading = read(chunks, cuts)
    assert broken(reading) == []
    found = reading.choices[0].calls
    assert [(call.id, call.kind, call.name, call.input) for call in found] == [
        (f"call_{index}", "function", name, text) for index, (name, text) in enumerate(calls)
    ]
    assert calls_of({"tool_calls": as_members(found)}) == found


@given(calls=st.lists(TEXT, min_size=2, max_size=3))
def test_pieces_of_several_calls_may_come_in_turn(calls: list[str]) -> None:
    longest = max(map(len, calls))
    turns = [(index, text[at : at + 1]) for at in range(longest) for index, text in enumerate(calls)]
    chunks = [chunk(opening(index, "f")) for index in range(len(calls))]
    reading = read([*chunks, *(chunk(piece(index, text)) for index, text in turns)])
    assert [call.input or "" for call in reading.choices[0].calls] == calls
    assert broken(reading) == []


def test_what_is_wrong_with_the_deltas_of_a_call_is_told() -> None:
    def told(*entries: dict[str, Any]) -> set[str]:
        return set(broken(read(chunk(entry) for entry in entries)))

    good = opening(0, "f")
    assert told({**good, "index": 1}, piece(1, "{}")) == {"tools.stream-index"}
    assert told(good, {"function": {"arguments": "{}"}}) == {"tools.stream-index"}
    assert told({**good, "index": "0"}) == {"tools.stream-index"}
    assert told({"index": 0, "function": {"name": "f"}}, piece(0, "{}")) == {"tools.stream-opening"}
    assert told({**good, "function": {"name": "f", "arguments": "{}"}}) == set()
    assert told(good, {**piece(0, "{}"), "id": "call_0"}) == {"tools.stream-later-deltas"}
    assert told(good, {**opening(0, "g"), "id": "call_1"}) == {"tools.stream-later-deltas", "tools.stream-several"}
    assert told(good, {"index": 0, "id": None, "function": {"name": None, "arguments": "{}"}}) == set()
    assert told(good, {"index": 0, "id": "", "function": {"name": "", "arguments": "{}"}}) == set()


def test_an_endless_list_of_calls_and_endless_arguments_are_bounded() -> None:
    many = read([chunk(*(opening(index, "f") for index in range(3 * MOST_CALLS)))]).choices[0]
    assert len(many.calls) == MOST_CALLS
    (call,) = read([chunk(opening(0, "f")), *(chunk(piece(0, "x" * 100_000)) for _ in range(5))]).choices[0].calls
    assert call.length == 500_000
    assert call.input is not None
    assert len(call.input) == INPUT_KEPT
    assert not call.is_whole


def test_calls_of_a_whole_message_are_read_whatever_they_are() -> None:
    assert calls_of({"tool_calls": None}) == ()
    assert calls_of({"tool_calls": [7, {"type": "function"}]}) == (
        ToolCall(None, None, None, None),
        ToolCall(None, "function", None, None),
    )
    custom = {"id": "a", "type": "custom", "custom": {"name": "f", "input": "x"}}
    assert calls_of({"tool_calls": [custom]}) == (ToolCall("a", "custom", "f", "x", 1),)
