"""What an upstream refuses is put in another form, remembered, or refused by the contract's own error."""

from __future__ import annotations

from typing import Any

import pytest
from fake_upstream import Script, UpstreamRequest, completion
from model_servers import Manner, model_server
from reference_callers import error_reason
from upstream_gateway import KEY, LEAK, answering, choice, gateway

pytestmark = pytest.mark.network

PROFILES = ("openai", "kodexa", "loop-health")


def refusing(message: str, status: int = 400, **fields: Any) -> Script:
    return answering({"error": {"message": message, "type": "invalid_request_error", **fields}}, status)


@pytest.mark.parametrize("words", ["openai", "fastapi", "bare"])
def test_the_token_limit_goes_by_the_name_that_the_upstream_takes(words: str) -> None:
    with gateway(model_server(Manner(limits=("max_completion_tokens",), words=words))) as gate:
        value = gate.complete(max_tokens=5)
        assert choice(value)[1] == "length"
        first = len(gate.upstream.requests)
        gate.complete(max_tokens=6)
        assert gate.upstream.requests[-1].body["max_completion_tokens"] == 6
        assert len(gate.upstream.requests) == first + 1, "what was learnt is remembered"


def test_a_limit_that_is_too_small_for_the_upstream_is_raised_and_the_text_cut() -> None:
    with gateway(model_server(Manner(least_limit=16))) as gate:
        value = gate.complete(max_tokens=2)
        assert choice(value)[1] == "length"
        assert value["usage"]["completion_tokens"] == 2
        assert gate.upstream.requests[-1].body["max_tokens"] == 16
        gate.complete(max_tokens=20)
        assert gate.upstream.requests[-1].body["max_tokens"] == 20


def test_a_limit_that_is_too_large_for_the_upstream_is_lowered_for_this_request() -> None:
    async def script(request: UpstreamRequest) -> None:
        if request.body["max_tokens"] > 100:
            request.json({"error": {"message": "max_tokens must be at most 100", "param": "max_tokens"}}, 400)
        else:
            request.json(completion("one two"))

    with gateway(script) as gate:
        gate.complete(max_tokens=5000)
        assert [request.body["max_tokens"] for request in gate.upstream.requests] == [5000, 100]


@pytest.mark.parametrize("field", ["stop", "stream_options", "user", "seed"])
def test_a_field_that_the_upstream_can_go_without_is_left_out_from_then_on(field: str) -> None:
    with gateway(model_server(Manner(refuses=frozenset({field}))), "openai") as gate:
        for _ in range(2):
            *_, last = gate.stream(stop=["zebra"], user="u", seed=1)
            assert last == "[DONE]"
        sent = [request.body for request in gate.upstream.requests]
        assert [field in body for body in sent] == [True, False, False]
        assert all(("stop" in body) == (field != "stop") for body in sent[1:])


def test_a_stop_sequence_works_although_the_upstream_refuses_it() -> None:
    with gateway(model_server(Manner(refuses=frozenset({"stop"})))) as gate:
        text, reason = choice(gate.complete(text="one two three", stop=["two"]))
        assert text.endswith("one ")
        assert reason == "stop"


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("field", ["top_p", "temperature"])
def test_a_zero_that_the_upstream_refuses_becomes_almost_zero(field: str, status: int) -> None:
    with gateway(model_server(Manner(refuses_zero=frozenset({field}), status=status))) as gate:
        gate.complete(**{field: 0})
        assert 0 < gate.upstream.requests[-1].body[field] <= 0.01
        gate.complete(**{field: 0.5})
        assert gate.upstream.requests[-1].body[field] == 0.5


def test_a_default_that_the_upstream_refuses_is_left_out() -> None:
    with gateway(model_server(Manner(refuses=frozenset({"temperature"})))) as gate:
        gate.complete(temperature=1)
        assert "temperature" not in gate.upstream.requests[-1].body


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_mapped_is_refused_by_name(profile: str, status: int, stream: bool) -> None:
    with gateway(model_server(Manner(refuses=frozenset({"temperature"}), status=status)), profile) as gate:
        answer = gate.ask(temperature=0.7, stream=stream)
        assert answer.status_code == 400
        assert error_reason(profile, answer) == "unsupported_parameter"
        assert "does not support" in answer.text
        assert "'temperature'" in answer.text
        assert len(gate.upstream.requests) == 1


@pytest.mark.parametrize("profile", PROFILES)
def test_an_unexplained_refusal_is_passed_on_with_the_upstreams_words(profile: str) -> None:
    words = "The moon is\nnot \x1b[31mright."
    with gateway(refusing(words), profile) as gate:
        answer = gate.ask(temperature=0.5)
        assert answer.status_code == 400
        assert error_reason(profile, answer) == "provider_refused"
        assert "The moon is not" in answer.text
        assert "'temperature'" in answer.text
        assert "\x1b" not in answer.json().get("message", answer.json()["error"])
        assert len(gate.upstream.requests) <= 8


def test_the_words_of_an_upstream_tell_no_secret() -> None:
    told = f"{KEY} sk-proj-abcdefgh12345678 http://10.0.0.7:8000/v1 10.0.0.7:8000 /srv/models/llama/weights.bin end"
    with gateway(refusing(told)) as gate:
        said = gate.ask().json()["error"]["message"]
        for secret in (KEY, "abcdefgh", "10.0.0.7", "weights"):
            assert secret not in said
        assert said.endswith("end")
    with gateway(answering(LEAK, 400)) as gate:
        assert gate.ask().status_code == 400


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_the_gateways_own_key_is_not_the_clients(profile: str, status: int) -> None:
    with gateway(answering(LEAK, status), profile) as gate:
        for stream in (False, True):
            answer = gate.ask(stream=stream)
            assert answer.status_code == (502 if profile == "kodexa" else 500)
            assert "www-authenticate" not in answer.headers
            assert error_reason(profile, answer) == "provider_error"


def test_an_upstream_that_only_fails_is_not_asked_often() -> None:
    with gateway(refusing("Internal error", 500)) as gate:
        assert gate.ask(stream=True, temperature=0.5, stop=["x"]).status_code == 502
        assert len(gate.upstream.requests) <= 3


def test_a_limit_that_only_the_context_window_refuses_is_left_out() -> None:
    async def script(request: UpstreamRequest) -> None:
        if "max_tokens" in request.body:
            request.json({"error": {"message": "max_tokens is too large: the context length is 512"}}, 400)
        else:
            request.json(completion("one two three"))

    with gateway(script) as gate:
        assert choice(gate.complete(max_tokens=2)) == ("one two", "length")


def test_streaming_that_is_refused_is_made_from_whole_answers_from_then_on() -> None:
    with gateway(model_server(Manner(streams="refused"))) as gate:
        for _ in range(2):
            assert gate.stream()[-1] == "[DONE]"
        assert [bool(request.body.get("stream")) for request in gate.upstream.requests] == [True, False, False]


def test_an_upstream_that_only_streams_gives_whole_answers_as_well() -> None:
    with gateway(model_server(Manner(streams="only"))) as gate:
        for _ in range(2):
            assert choice(gate.complete(max_tokens=3))[1] == "length"
        assert [bool(request.body.get("stream")) for request in gate.upstream.requests] == [False, True, True]
