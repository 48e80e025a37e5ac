from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_upstream import FakeUpstream, Script, UpstreamRequest, chunk, completion
from reference_callers import error_reason
from upstream_gateway import KEY, LEAK, USAGE, Gateway, answering, choice, gateway, streamed, streaming

from conformance.reference import EmbeddedReference
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

pytestmark = pytest.mark.network


def test_a_completion_is_our_own_with_the_text_of_the_upstream() -> None:
    with gateway(answering(completion("one two three", usage=USAGE, id="theirs", model="theirs"))) as gate:
        value = gate.complete(max_tokens=9, stop=["x"], temperature=0.5)
        assert choice(value) == ("one two three", "stop")
        assert value["usage"] == USAGE
        assert value["model"] == gate.reference.model
        assert value["id"].startswith("chatcmpl-")
        request = gate.upstream.requests[0]
        assert request.path == "/v1/chat/completions"
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert "x-api-key" not in request.headers
        assert request.body == {
            "model": "theirs",
            "messages": [{"role": "user", "content": "Say hello."}],
            "max_tokens": 9,
            "stop": ["x"],
            "temperature": 0.5,
        }


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("eos", "stop"), ("end_turn", "stop"), ("", "stop"), (None, "stop"), ("max_tokens", "length"), (7, "stop")],
)
def test_a_strange_finish_reason_is_mapped(theirs: Any, ours: str) -> None:
    with gateway(answering(completion("hi", theirs))) as gate:
        assert choice(gate.complete())[1] == ours


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"completion_tokens": 900},
        {"completion_tokens": -1},
        {"completion_tokens": "3"},
        {"completion_tokens": 0},
    ],
)
def test_usage_that_cannot_be_true_is_counted_anew(usage: Any) -> None:
    with gateway(answering(completion("one two three", usage=usage))) as gate:
        ours = gate.complete(max_tokens=10)["usage"]
        assert ours["completion_tokens"] == 3
        assert ours["prompt_tokens"] > 0
        assert ours["total_tokens"] == ours["prompt_tokens"] + 3


def test_a_token_limit_that_the_upstream_ignores_is_enforced() -> None:
    long = completion("one two three four five", usage={"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9})
    with gateway(answering(long)) as gate:
        value = gate.complete(max_tokens=2)
        assert choice(value) == ("one two", "length")
        assert value["usage"]["completion_tokens"] == 2
    with gateway(streaming(chunk("one tw"), chunk("o three"), chunk(None, "stop"), "[DONE]")) as gate:
        assert streamed(gate.stream(max_tokens=2)) == ("one two", "length")


def test_a_limit_that_the_upstream_reached_is_reported_as_length() -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8}
    with gateway(answering(completion("a few", usage=usage))) as gate:
        assert choice(gate.complete(max_tokens=4))[1] == "length"


def test_a_stop_sequence_that_the_upstream_ignores_is_enforced() -> None:
    with gateway(answering(completion("one two three", "length"))) as gate:
        assert choice(gate.complete(stop=["two"])) == ("one ", "stop")
    with gateway(streaming(chunk("one t"), chunk("w"), chunk("o three"), chunk(None, "stop"), "[DONE]")) as gate:
        assert streamed(gate.stream(stop=["two"])) == ("one ", "stop")


def test_content_that_is_not_a_string_becomes_one() -> None:
    for content, text in ((None, ""), ([{"type": "text", "text": "hi"}], "hi"), ("\ud800x", "\ufffdx")):
        with gateway(answering(completion(content))) as gate:
            assert choice(gate.complete())[0] == text


def html(status: int) -> Script:
    async def script(request: UpstreamRequest) -> None:
        request.head(status, "text/html")
        request.write(b"<html>Internal error at " + request.headers["host"].encode() + b"</html>")

    return script


async def cut(request: UpstreamRequest) -> None:
    request.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"choices": [')


async def silent(request: UpstreamRequest) -> None:
    await asyncio.Event().wait()


async def nothing(request: UpstreamRequest) -> None:
    """Closes the connection at once."""


async def endless(request: UpstreamRequest) -> None:
    request.head()
    for _ in range(64):
        request.write(b" " * 65536)
        await request.writer.drain()
    await asyncio.Event().wait()


BROKEN: dict[str, Script] = {
    "an HTML error": html(500),
    "an HTML page with 200": html(200),
    "its own 401, with the key": answering(LEAK, 401),
    "its own 403": answering(LEAK, 403),
    "its own 404": answering(LEAK, 404),
    "a refusal": answering(LEAK, 400),
    "an error with 200": answering(LEAK),
    "an empty object": answering({}),
    "no choices": answering({"choices": []}),
    "a list": answering([1, 2]),
    "a redirect": answering({}, 307, Location="http://127.0.0.1:1/v1/chat/completions"),
    "a cut body": cut,
    "silence": silent,
    "no answer": nothing,
    "an endless body": endless,
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_breaks_upstream_is_our_provider_error(name: str) -> None:
    with gateway(BROKEN[name], max_bytes=1_000_000) as gate:
        for stream in (False, True):
            answer = gate.ask(stream=stream)
            assert answer.status_code == 502
            assert error_reason("kodexa", answer) == "provider_error"


def test_each_profile_reports_a_provider_error_in_its_own_form() -> None:
    for profile, status in (("openai", 500), ("loop-health", 500)):
        with gateway(html(503), profile) as gate:
            answer = gate.ask()
            assert answer.status_code == (status if profile == "loop-health" else 429)
            assert error_reason(profile, answer)
        with gateway(html(500), profile) as gate:
            assert gate.ask().status_code == status


def test_an_unreachable_upstream_is_a_provider_error() -> None:
    with FakeUpstream(nothing) as upstream:
        url = upstream.url
    provider = UpstreamProvider(Upstream(url, model="theirs", api_key=KEY))
    with EmbeddedReference("kodexa", provider=provider) as reference:
        assert Gateway("kodexa", upstream, reference).ask().status_code == 502


def test_a_busy_upstream_is_reported_to_the_client_as_busy() -> None:
    with gateway(answering(LEAK, 429, Retry_After="7")) as gate:
        answer = gate.ask()
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "7"
        assert error_reason("kodexa", answer) == "rate_limit_exceeded"
    with gateway(answering(LEAK, 429, Retry_After="Sun, 22 Nov 2026 00:00:00 GMT")) as gate:
        assert "retry-after" not in gate.ask().headers


def test_a_prompt_too_long_for_the_upstream_is_the_clients_mistake() -> None:
    error = {
        "error": {"message": "the request exceeds the available context size", "type": "exceed_context_size_error"}
    }
    with gateway(answering(error, 400)) as gate:
        answer = gate.ask(stream=True)
        assert answer.status_code == 400
        assert error_reason("kodexa", answer) == "context_length_exceeded"


def test_a_conversation_that_the_upstream_refuses_is_simplified() -> None:
    async def picky(request: UpstreamRequest) -> None:
        roles = [message["role"] for message in request.body["messages"]]
        if roles != ["user", "assistant", "user"]:
            request.json({"error": "Conversation roles must alternate"}, 500)
        else:
            request.json(completion(" | ".join(message["content"] for message in request.body["messages"])))

    messages = [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "tool", "content": "d", "tool_call_id": "t"},
        {"role": "user", "content": "e"},
    ]
    with gateway(picky, "openai") as gate:
        value = gate.complete(messages=messages, seed=2**70, user="u")
        assert choice(value)[0] == "a\n\nb | c | d\n\ne"
        first = gate.upstream.requests[0].body
        assert [message["role"] for message in first["messages"]] == ["system", "user", "assistant", "user", "user"]
        assert 0 <= first["seed"] < 2**31


def test_the_first_model_of_the_upstream_is_the_default() -> None:
    async def script(request: UpstreamRequest) -> None:
        if request.path == "/v1/models":
            request.json({"data": [{"id": "listed"}]})
        else:
            request.json(completion(request.body["model"]))

    with gateway(script, model=None) as gate:
        assert choice(gate.complete())[0] == "listed"
        assert choice(gate.complete())[0] == "listed"
        assert [request.path for request in gate.upstream.requests].count("/v1/models") == 1
    with gateway(answering({"data": []}), model=None) as gate:
        assert gate.ask().status_code == 502


def test_a_model_that_is_not_ours_never_reaches_the_upstream() -> None:
    with gateway(answering(completion("x"))) as gate:
        assert gate.ask(model="theirs").status_code == 404
        assert gate.ask(temperature=3).status_code == 400
        assert gate.upstream.requests == []


def test_log_probabilities_are_refused_rather_than_made_up() -> None:
    with gateway(answering(completion("x")), "openai") as gate:
        answer = gate.ask(logprobs=True)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "logprobs"


def test_several_choices_are_requested_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def script(request: UpstreamRequest) -> None:
        await together.wait()  # nobody is answered before all requests have arrived
        request.json(completion("x", usage=USAGE))

    with gateway(script, idle_timeout=3) as gate:
        value = gate.complete(n=3)
        assert len(value["choices"]) == 3
        assert value["usage"] == {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
        assert all("n" not in request.body for request in gate.upstream.requests)
