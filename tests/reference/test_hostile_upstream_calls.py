"""Tool calls of a hostile upstream: within bounds, never a crash, and never its key."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from fake_upstream import UpstreamRequest, chunk
from hypothesis import given
from hypothesis import strategies as st
from reference_callers import error_reason
from upstream_gateway import KEY, function, patient_gateway, streamed_calls, streaming

from conformance.reference.errors import ProviderError
from conformance.reference.providers.json_progress import JsonProgress
from conformance.reference.providers.upstream_calls import MOST_CALLS, CallReader

pytestmark = pytest.mark.network

TOOLS = [function("now"), function("weather", city="string")]


def call(text: Any = "{}", index: Any = 0, name: Any = "now", **members: Any) -> dict[str, Any]:
    return {"index": index, "function": {"name": name, "arguments": text}, **members}


NONSENSE: dict[str, Any] = {
    "very many calls": [call(index=number) for number in range(20_000)],
    "more calls than are read": [call(index=number) for number in range(MOST_CALLS + 1)],
    "a number": 7,
    "a text": "now()",
    "numbers": [1, 2],
    "calls within calls": [[call()]],
    "a function that is a text": [{"function": "now"}],
    "a custom tool that is a list": [{"custom": []}],
    "a name that is an object": [call(name={})],
    "a name that is true": [call(name=True)],
    "a name without an end": [call(name="n" * 300)],
    "no name": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}],
    "arguments that are a number": [call(7)],
    "arguments that are false": [call(False)],
    "arguments that JSON does not know": [call({"a": float("nan")})],
    "an id that is a list": [call(id=[])],
    "an id that is not finite": [call(id=float("inf"))],
    "too many arguments": [call("x" * 600_000), call("x" * 600_000, 1)],
    "too many arguments as an object": [call({"a": "x" * 600_000}), call({"a": "x" * 600_000}, 1)],
}


@pytest.mark.parametrize("name", NONSENSE)
def test_calls_that_are_nonsense_or_too_many_are_our_provider_error(name: str) -> None:
    async def script(request: UpstreamRequest) -> None:
        if request.body.get("stream"):
            request.head(media_type="text/event-stream")
            request.events(
                {"choices": [{"delta": {"tool_calls": NONSENSE[name]}}]}, chunk(None, "tool_calls"), "[DONE]"
            )
        else:
            request.json({"choices": [{"message": {"tool_calls": NONSENSE[name]}, "finish_reason": "tool_calls"}]})

    with patient_gateway(script, max_bytes=1_000_000) as gate:
        whole = gate.ask(tools=TOOLS)
        assert (whole.status_code, error_reason("openai", whole)) == (500, "provider_error")
        answer = gate.ask(tools=TOOLS, stream=True)
        assert answer.status_code == 500 or '"error"' in answer.text.splitlines()[-2]


@pytest.mark.parametrize("index", [10**30, -1, 1.5, True, None, "x", [], {}, "0" * 5000])
def test_whatever_stands_for_an_index_is_no_index_of_ours(index: Any) -> None:
    events = [{"choices": [{"delta": {"tool_calls": [call("{}", index)]}}]}, chunk(None, "stop"), "[DONE]"]
    with patient_gateway(streaming(*events)) as gate:
        assert streamed_calls(gate.stream(tools=TOOLS)) == [("now", "{}")]


def test_a_call_without_an_end_stops_at_the_limit() -> None:
    events = [{"choices": [{"delta": {"tool_calls": [call("word " * 20)]}}]}] * 200
    with patient_gateway(streaming(*events)) as gate:
        *chunks, last = gate.stream(tools=TOOLS, max_tokens=50)
        assert last == "[DONE]"
        assert chunks[-1]["choices"][0]["finish_reason"] == "length"


def test_what_waits_for_the_end_of_another_call_is_bounded() -> None:
    entries = [call("{"), *[call("x" * 400_000, 1, "weather")] * 3]
    events = [{"choices": [{"delta": {"tool_calls": [entry]}}]} for entry in entries]
    with patient_gateway(streaming(*events, chunk(None, "tool_calls"), "[DONE]"), max_bytes=1_000_000) as gate:
        assert set(gate.stream(tools=TOOLS)[-1]) == {"error"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "now", "a", "{}", '{"', "}", "\ud800"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["index", "id", "type", "function", "custom", "name", "arguments", "input"]), inner
        )
    ),
    max_leaves=8,
)
ENTRIES: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {},
    optional={
        "index": st.sampled_from([0, 1, None]),
        "id": st.sampled_from(["a", "b", "", None]),
        "function": st.fixed_dictionaries(
            {},
            optional={
                "name": st.sampled_from(["now", "no", "w", "weather", None]),
                "arguments": st.sampled_from(["{", "}", "{}", '{"a": "', '\\"', '"}', "", None, {}]),
            },
        ),
    },
)


@given(st.lists(st.lists(ENTRIES, max_size=3) | VALUES, max_size=8), st.booleans(), st.booleans())
def test_whatever_comes_as_calls_is_put_in_order_or_is_a_provider_error(
    deltas: list[Any], whole: bool, cut: bool
) -> None:
    reader = CallReader({"now", "weather"})
    try:
        pieces = [piece for delta in deltas for piece in reader.take({"tool_calls": delta}, whole=whole)]
        pieces += reader.end(cut=cut)
    except ProviderError:
        return
    indexes = [piece.index for piece in pieces]
    assert indexes == sorted(indexes)
    opened = [piece for piece in pieces if piece.name is not None]
    assert [piece.index for piece in opened] == list(range(len(opened)))
    assert len({piece.id for piece in opened}) == len(opened)
    assert all(piece.id and piece.name and piece.text.encode() == b"" for piece in opened)
    assert all(indexes.index(piece.index) == pieces.index(piece) for piece in opened)
    assert reader.called is bool(opened)


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    ),
    st.integers(1, 7),
)
def test_a_json_object_is_whole_at_its_last_character(value: Any, size: int) -> None:
    text = json.dumps({"a": value}, ensure_ascii=False)
    progress = JsonProgress()
    for at in range(0, len(text), size):
        assert not progress.whole
        progress.feed(text[at : at + size])
    assert progress.whole


SHOWN = {
    "plain": KEY,
    "in capitals": KEY.upper(),
    "backwards": KEY[::-1],
    "in base64": base64.b64encode(KEY.encode()).decode(),
    "in hexadecimal": KEY.encode().hex(),
}


@pytest.mark.parametrize("form", SHOWN)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_key_in_a_call_is_masked(form: str, size: int) -> None:
    shown = SHOWN[form]
    text = json.dumps({"city": f"Rome {shown} Bonn"})
    parts = [text[at : at + size] for at in range(0, len(text), size)]
    opening = call("", name=f"now_{shown}", id=f"call_{shown}")
    named = [call("", name=f"now_{shown}"[at : at + 9]) for at in range(0, len(shown) + 4, 9)]
    second = call('{"a": 1}', 1, "weather", id="b")
    for first in ([opening], named):
        deltas = [*first, *[{"index": 0, "function": {"arguments": part}} for part in parts], second]
        events = [{"choices": [{"delta": {"tool_calls": [one]}}]} for one in deltas]
        with patient_gateway(streaming(*events, chunk(None, "tool_calls"), "[DONE]")) as gate:
            (name, masked), other = streamed_calls(gate.stream(tools=TOOLS))
            assert other == ("weather", '{"a": 1}')
            whole = gate.complete(tools=TOOLS)["choices"][0]["message"]["tool_calls"][0]
        for told in (name, masked, json.dumps(whole), whole["id"]):
            assert shown not in told
        assert json.loads(masked)["city"].startswith("Rome *")
        assert json.loads(masked)["city"].endswith(" Bonn")
        assert whole["function"] == {"name": name, "arguments": masked}
        assert set(whole["id"]) != {"*"}


def test_a_key_among_thoughts_and_refusals_is_masked() -> None:
    half = len(KEY) // 2
    deltas = [{"refusal": f"no {KEY[:half]}"}, {"refusal": f"{KEY[half:]} no"}, {"reasoning": KEY}]
    events = [{"choices": [{"delta": delta}]} for delta in deltas]
    with patient_gateway(streaming(*events, chunk(None, "stop"), "[DONE]")) as gate:
        assert gate.complete()["choices"][0]["message"]["refusal"] == f"no {'*' * len(KEY)} no"
        gate.stream()
