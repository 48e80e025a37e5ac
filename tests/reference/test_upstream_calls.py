"""Tool calls of an upstream, whole and streamed: however it tells them, a client gets them as the contract has it."""

from __future__ import annotations

from typing import Any

import pytest
from fake_upstream import Script, chunk, completion
from reference_callers import error_reason
from upstream_gateway import (
    Gateway,
    answering,
    calls,
    function,
    lenient_contract,
    patient_gateway,
    streamed_calls,
    streaming,
)

pytestmark = pytest.mark.network

TOOLS = [function("weather", city="string"), function("weather_at", city="string"), function("now")]
CITY = '{"city": "日本🇩🇪 \\"x\\" }"}'


def delta(*entries: Any, **members: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": list(entries), **members}}]}


def piece(index: int | str | None = 0, name: str | None = None, text: Any = None, **members: Any) -> dict[str, Any]:
    """A piece of a call; what is None is left out."""
    held = {key: value for key, value in (("name", name), ("arguments", text)) if value is not None}
    return {**({} if index is None else {"index": index}), "function": held, **members}


def end(reason: str = "tool_calls") -> dict[str, Any]:
    return chunk(None, reason)


def message(reason: str | None = "tool_calls", **members: Any) -> Script:
    return answering({"choices": [{"message": {"role": "assistant", **members}, "finish_reason": reason}]})


def either_way(gate: Gateway, **fields: Any) -> list[list[tuple[str, str]]]:
    """The calls of a stream, and of a completion."""
    return [streamed_calls(gate.stream(tools=TOOLS, **fields)), calls(gate.complete(tools=TOOLS, **fields))]


ONE = [("weather", '{"city": "Rome"}')]
TWO = [("weather", '{"city": "Rome"}'), ("weather", '{"city": "Bonn"}')]
OTHER = [("weather", '{"city": "Rome"}'), ("now", '{"a": {}}')]
ROME, BONN = '{"city": "Rome"}', '{"city": "Bonn"}'
STREAMS: dict[str, tuple[list[tuple[str, str]], list[Any]]] = {
    "as it should be": (
        TWO,
        [
            delta(piece(0, "weather", "", id="a", type="function")),
            *[delta(piece(0, text=part)) for part in ('{"ci', 'ty": ', '"Rome"}')],
            delta(piece(1, "weather", "", id="b", type="function")),
            delta(piece(1, text=BONN)),
            end(),
        ],
    ),
    "without an index, told by ids": (
        TWO,
        [
            delta(piece(None, "weather", "", id="a")),
            delta(piece(None, text=ROME)),
            delta(piece(None, "weather", "", id="b")),
            delta(piece(None, text=BONN)),
            end(),
        ],
    ),
    "with index 0 always, told by ids": (
        TWO,
        [
            delta(piece(0, "weather", "", id="a")),
            delta(piece(0, text=ROME)),
            delta(piece(0, "weather", "", id="b")),
            delta(piece(0, text=BONN)),
            end(),
        ],
    ),
    "with index 0 always and no ids, told by names": (
        OTHER,
        [
            delta(piece(0, "weather", "")),
            delta(piece(0, text=ROME)),
            delta(piece(0, "now", "")),
            delta(piece(0, text='{"a": {}}')),
            end(),
        ],
    ),
    "of one function, with index 0 always and no ids": (
        TWO,
        [delta(piece(0, "weather", ROME)), delta(piece(0, "weather", "")), delta(piece(0, text=BONN)), end()],
    ),
    "both in one delta, without index and ids": (
        TWO,
        [delta(piece(None, "weather", ROME), piece(None, "weather", BONN)), end()],
    ),
    "both in one delta, with index 0 and one id": (
        TWO,
        [delta(piece(0, "weather", ROME, id="a"), piece(0, "weather", BONN, id="a")), end()],
    ),
    "twice in one delta, without arguments": ([("now", "{}")] * 2, [delta(piece(0, "now"), piece(0, "now")), end()]),
    "with a name, and an id of its own, for each delta": (
        ONE,
        [delta(piece(0, "weather", part, id=part)) for part in (ROME[:5], ROME[5:])] + [end()],
    ),
    "with an id of its own for each delta": (
        ONE,
        [
            delta(piece(0, "weather", "", id="a")),
            delta(piece(0, text=ROME[:5], id="b")),
            delta(piece(0, text=ROME[5:], id="c")),
            end(),
        ],
    ),
    "with id and name in each delta": (
        ONE,
        [delta(piece(0, "weather", part, id="a", type="function")) for part in (ROME[:5], ROME[5:])] + [end()],
    ),
    "with the name in each delta, and no id": (
        ONE,
        [delta(piece(0, "weather", part)) for part in (ROME[:5], ROME[5:])] + [end()],
    ),
    "with the name in pieces": (
        [("weather_at", ROME)],
        [*[delta(piece(0, part, id="a")) for part in ("wea", "ther", "_at")], delta(piece(0, text=ROME)), end()],
    ),
    "with a name that grows": (
        [("now", "{}")],
        [*[delta(piece(0, part)) for part in ("no", "now", "now")], delta(piece(0, text="{}")), end()],
    ),
    "with the arguments before the name": (ONE, [delta(piece(0, text=ROME)), delta(piece(0, "weather")), end()]),
    "with the id before the name": (
        TWO,
        [
            delta({"index": 0, "id": "a"}),
            delta(piece(0, "weather", ROME)),
            delta({"index": 0, "id": "b"}),
            delta(piece(0, "weather", BONN)),
            end(),
        ],
    ),
    "with an index that counts deltas": (
        ONE,
        [
            delta(piece(number, *opening))
            for number, opening in enumerate((("weather", ""), (None, ROME[:4]), (None, ROME[4:])))
        ]
        + [end()],
    ),
    "with indexes from 1, in words": (
        TWO,
        [delta(piece("1", "weather", ROME), piece("2", "weather", BONN)), end()],
    ),
    "mixed": (
        TWO,
        [
            delta(piece(0, "weather", "", id="a"), piece(1, "weather", "", id="b")),
            delta(piece(1, text=BONN[:6]), piece(0, text=ROME[:6])),
            delta(piece(0, text=ROME[6:])),
            delta(piece(1, text=BONN[6:])),
            end(),
        ],
    ),
    "with one id for all": (
        OTHER,
        [delta(piece(0, "weather", ROME, id="call_0")), delta(piece(1, "now", '{"a": {}}', id="call_0")), end()],
    ),
    "with arguments as an object": (ONE, [delta(piece(0, "weather", {"city": "Rome"})), end()]),
    "without arguments": ([("now", "{}")], [delta(piece(0, "now", id="a")), end()]),
    "with null for what is not there": (
        ONE,
        [
            delta(content=None),
            {"choices": [{"delta": {"tool_calls": None, "content": None}}]},
            {
                "choices": [
                    {
                        "delta": {
                            "tool_calls": [{"index": 0, "id": "a", "function": {"name": "weather", "arguments": None}}]
                        }
                    }
                ]
            },
            {
                "choices": [
                    {
                        "delta": {
                            "tool_calls": [
                                {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": ROME}}
                            ]
                        }
                    }
                ]
            },
            delta(),
            end(),
        ],
    ),
    "with the function's members around it": (ONE, [delta({"name": "weather", "arguments": ROME}), end()]),
    "ended with stop": (ONE, [delta(piece(0, "weather", ROME)), end("stop")]),
    "ended with function_call, as one call of old": (
        ONE,
        [
            {"choices": [{"delta": {"function_call": {"name": "weather", "arguments": ""}}}]},
            *[{"choices": [{"delta": {"function_call": {"arguments": part}}}]} for part in (ROME[:3], ROME[3:])],
            end("function_call"),
        ],
    ),
    "whole, as a message": (ONE, [{"choices": [{"message": {"tool_calls": [piece(None, "weather", ROME)]}}]}, end()]),
    "cut within characters": (
        [("weather", CITY)],
        [
            delta(piece(0, "weather", "")),
            *[
                delta(piece(0, text=part))
                for part in ('{"city": "日本\ud83c', "\udde9", "\ud83c\uddea \\", '"x\\" }"', "}")
            ],
            end(),
        ],
    ),
    "in deltas, and once more as a message": (
        ONE,
        [
            delta(piece(0, "weather", ROME)),
            {"choices": [{"delta": {}, "message": {"tool_calls": [piece(0, "weather", ROME)]}}]},
            end(),
        ],
    ),
    "ended within a character": ([("weather", '"\ufffd')], [delta(piece(0, "weather", '"\ud83c')), end()]),
    "none, but a reason that says so": ([], [chunk("hi"), end()]),
    "none, in an empty list": ([], [delta(content="hi"), end("stop")]),
}


@pytest.mark.parametrize("name", STREAMS)
def test_calls_are_put_in_order(name: str) -> None:
    expected, events = STREAMS[name]
    with patient_gateway(streaming(*events, "[DONE]")) as gate:
        assert either_way(gate) == [expected, expected]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ([piece(None, "weather", ROME, id="a", type="function"), piece(None, "weather", BONN, id="b")], TWO),
        ([piece(0, "weather", ROME), piece(0, "weather", BONN)], TWO),
        ([piece(None, "weather", {"city": "日本🇩🇪"}, id=7)], [("weather", '{"city": "日本🇩🇪"}')]),
        ([piece(None, "now", id=""), piece(None, "now", ""), piece(None, "now", {})], [("now", "{}")] * 3),
        ([{"function": {"name": "now", "arguments": None}, "type": "function"}], [("now", "{}")]),
        (piece(None, "weather", ROME), ONE),
        (None, []),
        ([], []),
    ],
)
@pytest.mark.parametrize("reason", ["tool_calls", "stop", None])
def test_calls_of_a_whole_answer_are_put_in_order(made: Any, expected: Any, reason: str | None) -> None:
    with patient_gateway(message(reason, content=None if expected else "hi", tool_calls=made)) as gate:
        assert either_way(gate) == [expected, expected]


def test_a_call_of_old_becomes_a_tool_call() -> None:
    with patient_gateway(
        message("function_call", content="", function_call={"name": "weather", "arguments": ROME}), "openai"
    ) as gate:
        assert either_way(gate) == [ONE, ONE]


def test_the_ids_of_an_upstream_are_kept_where_they_can_be() -> None:
    made = [piece(None, "now", "{}", id=identity) for identity in ("call_1", "call_1", "", "x" * 1000)]
    with patient_gateway(message(tool_calls=made)) as gate:
        ids = [call["id"] for call in gate.complete(tools=TOOLS)["choices"][0]["message"]["tool_calls"]]
        assert ids[0] == "call_1"
        assert len(set(ids)) == 4
        assert all(identity.startswith("call_") for identity in ids)


def test_text_before_a_call_stays_before_it() -> None:
    with patient_gateway(
        streaming(chunk("Let me look"), delta(piece(0, "weather", ROME)), end(), "[DONE]"), "openai"
    ) as gate:
        *chunks, _ = gate.stream(tools=TOOLS, stop=["ook now"])
        assert "".join(part["choices"][0]["delta"].get("content", "") for part in chunks) == "Let me look"
        held = [next(iter(part["choices"][0]["delta"]), "") for part in chunks[1:]]
        assert held == sorted(held, key=("content", "tool_calls", "").index)
        value = gate.complete(tools=TOOLS)["choices"][0]
        assert value["message"]["content"] == "Let me look"
        assert calls(gate.complete(tools=TOOLS)) == ONE


def test_a_call_is_passed_on_as_it_comes() -> None:
    parts = [ROME[:4], ROME[4:9], ROME[9:]]
    events = [delta(piece(0, "now", "", id="a")), *[delta(piece(0, text=part)) for part in parts], end(), "[DONE]"]
    with patient_gateway(streaming(*events), "openai", api_key=None) as gate:
        *chunks, _ = gate.stream(tools=TOOLS)
        told = [call for part in chunks for call in part["choices"][0]["delta"].get("tool_calls", ())]
        assert [call["function"]["arguments"] for call in told] == ["", *parts]


@pytest.mark.parametrize("fields", [{"tools": TOOLS, "tool_choice": "none"}, {}])
def test_of_calls_that_nobody_asked_for_nothing_is_passed_on(fields: Any) -> None:
    for script in (
        message(content="hi", tool_calls=[piece(None, "now", "{}"), 7]),
        streaming(chunk("hi"), delta(piece(0, "now", "{}")), delta(5), end(), "[DONE]"),
    ):
        with patient_gateway(script) as gate:
            assert streamed_calls(gate.stream(**fields)) == []
            value = gate.complete(**fields)
            assert calls(value) == []
            assert value["choices"][0]["message"]["content"] == "hi"


def test_where_one_call_at_a_time_was_asked_for_the_first_is_passed_on() -> None:
    with patient_gateway(
        streaming(delta(piece(0, "weather", ROME), piece(1, "now", "{}")), end(), "[DONE]"), "openai"
    ) as gate:
        assert either_way(gate, parallel_tool_calls=False) == [ONE, ONE]


def test_what_a_model_decides_is_not_mended() -> None:
    with patient_gateway(message(tool_calls=[piece(None, "no_such_tool", '{"city": ')])) as gate:
        assert either_way(gate) == [[("no_such_tool", '{"city": ')]] * 2


@pytest.mark.parametrize(
    "script", [message(tool_calls=[piece(None, "no_such_tool", "{}")]), answering(completion("hi"))]
)
def test_an_answer_that_does_not_make_the_call_that_is_demanded_is_refused_by_name(script: Script) -> None:
    for stream in (False, True):
        with patient_gateway(script, "openai") as gate:
            answer = gate.ask(tools=TOOLS, tool_choice="required", stream=stream)
            assert (answer.status_code, error_reason("openai", answer)) == (400, "unsupported_parameter")
            assert answer.json()["error"]["param"] == "tool_choice"


def test_a_call_that_the_limit_cuts_says_so() -> None:
    made = [piece(None, "weather", '{"city": "one two three four"}')]
    with patient_gateway(message(tool_calls=made)) as gate:
        value = gate.complete(tools=TOOLS, max_tokens=3)
        assert value["choices"][0]["finish_reason"] == "length"
        assert value["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "one two'
        assert value["usage"]["completion_tokens"] == 3
    for reason in ("length", "tool_calls"):  # the arguments have three tokens of ours, and need not be so few upstream
        cut = message(reason, tool_calls=[piece(None, "weather", '{"city": "one two')])
        for limit, used in ((3, 3), (10, 10 if reason == "length" else 3)):
            with patient_gateway(cut) as gate:
                value = gate.complete(tools=TOOLS, max_tokens=limit)
                assert value["usage"]["completion_tokens"] == used
                assert value["choices"][0]["finish_reason"] == ("length" if used == limit else "tool_calls")
    with patient_gateway(message("length", tool_calls=[piece(None, "weather", "")])) as gate:
        (call,) = gate.complete(tools=TOOLS)["choices"][0]["message"]["tool_calls"]
        assert call["function"] == {"name": "weather", "arguments": ""}


def test_custom_tools_are_called_with_a_text() -> None:
    tool = {"type": "custom", "custom": {"name": "shell"}}
    parts = [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "shell", "input": "ls {"}},
        {"index": 0, "custom": {"input": " | wc"}},
    ]
    with patient_gateway(streaming(*map(delta, parts), end(), "[DONE]")) as gate:
        *chunks, _ = gate.stream(tools=[tool])
        told = [call for part in chunks for call in part["choices"][0]["delta"].get("tool_calls", ())]
        assert told[0] == {"index": 0, "id": "a", "type": "custom", "custom": {"name": "shell", "input": ""}}
        assert "".join(call["custom"]["input"] for call in told) == "ls { | wc"
        (call,) = gate.complete(tools=[tool])["choices"][0]["message"]["tool_calls"]
        assert call == {"id": "a", "type": "custom", "custom": {"name": "shell", "input": "ls { | wc"}}


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_gateway_answered_comes_back_unchanged(stream: bool) -> None:
    called = message(content=None, tool_calls=[piece(None, "weather", CITY, id="a")])
    with patient_gateway(called, contract=lenient_contract()) as gate:
        asked = {"role": "user", "content": "Say hello."}
        answer = gate.complete(tools=TOOLS)["choices"][0]["message"]
        assert answer["tool_calls"][0]["function"]["arguments"] == CITY
        result = {"role": "tool", "tool_call_id": "a", "content": "7"}
        gate.ask(tools=TOOLS, messages=[asked, answer, result], stream=stream)
        sent = gate.upstream.requests[-1].body["messages"]
        assert sent == [asked, {"role": "assistant", "content": None, "tool_calls": answer["tool_calls"]}, result]
