from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from reference_callers import Caller

pytestmark = pytest.mark.network

USER = [{"role": "user", "content": "Say hello."}]

# Of each profile: a change to a valid body, and the parameter that the error must name.
INVALID: dict[str, list[tuple[dict[str, Any], str]]] = {
    "openai": [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [None]}, "messages[0]"),
        ({"messages": [*USER, {"role": "user"}]}, "messages[1].content"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "User", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "text": "x"}]}]}, "messages[0].content[0].type"),
        ({"model": 1}, "model"),
        ({"model": None}, "model"),
        ({"temperature": 2.00005}, "temperature"),
        ({"temperature": -0.00005}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 1.5}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"stream": "false"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"presence_penalty": 2.1}, "presence_penalty"),
        ({"frequency_penalty": -2.1}, "frequency_penalty"),
        ({"seed": 1.5}, "seed"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"user": 5}, "user"),
        ({"stream": False, "stream_options": {}}, "stream_options"),
        ({"logprobs": None, "top_logprobs": 2}, "top_logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "custom", "custom": {"name": 1}}]}, "tools[0].custom.name"),
        ({"tools": [{"type": "unheard-of"}]}, "tools[0]"),
        ({"tool_choice": "never"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"logit_bias": {"5": 101}}, "logit_bias.5"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"messages": [*USER, {"role": "tool", "content": "x"}]}, "messages[1].tool_call_id"),
        ({"messages": [*USER, {"role": "assistant"}]}, "messages[1]"),
        ({"messages": [{"role": "system", "content": [{"type": "file", "file": {}}]}]}, "messages[0].content[0].type"),
    ],
    "kodexa": [
        ({"messages": []}, "messages"),
        ({"temperature": 2.00005}, "temperature"),
        ({"temperature": None}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"n": 0}, "n"),
        ({"n": 100000}, "n"),
        ({"stop": "x"}, "stop"),
        ({"stream": 1}, "stream"),
        ({"max_tokens": 1.5}, "max_tokens"),
    ],
}
LOOP_INVALID: list[dict[str, Any]] = [
    {"messages": []},
    {"messages": [{"role": "tool", "content": "x"}]},
    {"model": "gpt-5"},
    {"model": "GPT-4o"},
    {"temperature": 2.1},
    {"max_tokens": 0},
    {"stream": "true"},
    {"brand_id": ""},
    {"requested_by": 7},
    {"brand_id": None},
]

NOT_JSON: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "cut": b'{"messages": [',
    "trailing comma": b'{"a": 1,}',
    "two documents": b"{} {}",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "NaN": b'{"temperature": NaN}',
    "Infinity": b'{"temperature": -Infinity}',
    "a number beyond a double": b'{"temperature": 1e999}',
    "an endless integer": b'{"n": ' + b"9" * 5000 + b"}",
    "a duplicate name": b'{"model": "a", "model": "b"}',
    "a nested duplicate name": b'{"x": [{"y": 1, "\\u0079": 2}]}',
    "invalid UTF-8": b'{"x": "\xff"}',
    "an encoded surrogate": b'{"x": "\xed\xa0\x80"}',
    "a lone surrogate": b'{"x": "\\ud800"}',
    "a lone surrogate as a name": b'{"\\udc00": 1}',
    "a raw control character": b'{"x": "a\x00b"}',
    "deep arrays": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"x":' * 200 + b"1" + b"}" * 200,
    "UTF-16": '{"x": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_what_is_not_one_json_object_is_refused(caller: Caller, name: str) -> None:
    answer = caller.post(NOT_JSON[name])
    assert answer.status_code == 400
    assert caller.error_of(answer) == "invalid_json"


@pytest.mark.parametrize("profile", INVALID)
def test_an_invalid_field_is_refused_by_name_with_and_without_streaming(
    callers: dict[str, Caller], profile: str
) -> None:
    caller = callers[profile]
    for change, param in INVALID[profile]:
        streams: list[dict[str, Any]] = [{}]
        if "stream" not in change and "stream_options" not in change:
            streams.append({"stream": True})
        for stream in streams:
            answer = caller.post(caller.body(**stream, **change))
            assert answer.status_code == 400, change
            assert caller.error_of(answer), change
            assert answer.json()["error"]["param"] == param, change


@pytest.mark.parametrize("change", LOOP_INVALID, ids=json.dumps)
def test_loop_health_refuses_invalid_input_with_its_flat_error(loop_health: Caller, change: dict[str, Any]) -> None:
    answer = loop_health.post(loop_health.body(**change))
    assert answer.status_code == 400
    assert loop_health.error_of(answer) in {"invalid_value", "invalid_type"}


@pytest.mark.parametrize("missing", ["messages", "model", "brand_id", "requested_by"])
def test_a_missing_field_is_named(caller: Caller, missing: str) -> None:
    body = caller.body()
    required = missing in body
    body.pop(missing, None)
    answer = caller.post(body)
    assert answer.status_code == (400 if required else 200)
    if required:
        assert caller.error_of(answer) == "missing_required_parameter"
        assert missing in answer.text


def test_an_error_does_not_repeat_what_was_sent(caller: Caller) -> None:
    for change in ({"temperature": "canary-1234"}, {"messages": "canary-1234"}, {"max_tokens": {"canary-1234": 1}}):
        assert "canary" not in caller.post(caller.body(**change)).text


def test_values_at_their_bounds_are_served(openai: Caller) -> None:
    for change in (
        {"temperature": 0},
        {"temperature": 2},
        {"temperature": 2.0},
        {"top_p": 0},
        {"top_p": 1},
        {"n": 1.0},
        {"max_tokens": 3.0},
        {"max_tokens": 10**30},
        {"presence_penalty": -2, "frequency_penalty": 2},
        {"seed": -5, "user": "u"},
        {"stop": ["a", "b", "c", "d"]},
        {"stop": ""},
        {"logprobs": True, "top_logprobs": 20},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        {"messages": [{"role": role, "content": "x"} for role in ("developer", "system", "user", "assistant")]},
        {"unknown_field": {"nested": [1, 2, 3]}},
    ):
        assert openai.post(openai.body(**change)).status_code == 200, change


def test_null_stands_for_a_field_left_out(openai: Caller) -> None:
    names = ["temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens", "stream", "stream_options"]
    names += ["presence_penalty", "frequency_penalty", "seed", "logprobs"]
    nulls: dict[str, Any] = dict.fromkeys(names)
    assert openai.post(openai.body(**nulls)).status_code == 200


def test_an_unknown_model_is_not_found(openai: Caller, kodexa: Caller) -> None:
    for caller in (openai, kodexa):
        answer = caller.post(caller.body(model="no-such-model"))
        assert answer.status_code == 404
        assert caller.error_of(answer) == "model_not_found"


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "", "application/x-www-form-urlencoded", "application/json-seq", "application/json; charset=utf-16"],
)
def test_a_body_that_is_not_declared_as_json_is_refused(caller: Caller, media_type: str) -> None:
    answer = caller.post(caller.body(), headers={"Content-Type": media_type})
    assert answer.status_code == 415
    assert caller.error_of(answer) == "unsupported_media_type"


def test_the_media_type_is_free_in_case_and_charset(caller: Caller) -> None:
    answer = caller.post(caller.body(), headers={"Content-Type": 'Application/JSON; charset="UTF-8"'})
    assert answer.status_code == 200


def test_an_encoded_body_is_refused(caller: Caller) -> None:
    assert caller.post(caller.body(), headers={"Content-Encoding": "gzip"}).status_code == 415


def test_access_is_checked_before_the_media_type_and_that_before_the_body(caller: Caller) -> None:
    wrong_all = {"Content-Type": "text/plain", **caller.header_for("nonsense")}
    assert caller.post(b"{", headers=wrong_all).status_code == 401
    assert caller.post(b"{", headers={"Content-Type": "text/plain"}).status_code == 415
