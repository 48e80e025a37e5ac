from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fake_upstream import FakeUpstream, Script, UpstreamRequest, chunk, completion
from reference_callers import error_reason
from upstream_gateway import ABSURD, KEY, LEAK, USAGE, Gateway, answering, choice, gateway, streamed, streaming

from conformance.reference import EmbeddedReference
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

pytestmark = pytest.mark.network


def test_a_completion_is_our_own_with_the_text_of_the_upstream() -> None:
    with gateway(answering(completion("one two three", usage=ABSURD, id="theirs", model="theirs"))) as gate:
        value = gate.complete(max_tokens=9, stop=["x"], temperature=0.5)
        assert choice(value) == ("one two three", "stop")
        assert value["usage"] == {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
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


@pytest.mark.parametrize("usage", [None, {}, USAGE, ABSURD, {"completion_tokens": -1}, {"completion_tokens": "3"}])
def test_tokens_are_counted_here_in_answers_and_streams_alike(usage: Any) -> None:
    async def script(request: UpstreamRequest) -> None:
        if request.body.get("stream"):
            request.head(media_type="text/event-stream")
            request.events(
                chunk("one two"), chunk(" three"), chunk(None, "stop"), {"choices": [], "usage": usage}, "[DONE]"
            )
        else:
            request.json(completion("one two three", usage=usage))

    with gateway(script) as gate:
        whole = gate.complete(max_tokens=10)["usage"]
        assert whole == {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        assert gate.stream(max_tokens=10, stream_options={"include_usage": True})[-2]["usage"] == whole


def test_a_token_limit_that_the_upstream_ignores_is_enforced() -> None:
    long = completion("one two three four five", usage={"prompt_tokens": 4, "completion_tokens": 5, "total_tokens": 9})
    with gateway(answering(long)) as gate:
        value = gate.complete(max_tokens=2)
        assert choice(value) == ("one two", "length")
        assert value["usage"]["completion_tokens"] == 2
    with gateway(streaming(chunk("one tw"), chunk("o three"), chunk(None, "stop"), "[DONE]")) as gate:
        assert streamed(gate.stream(max_tokens=2)) == ("one two", "length")


@pytest.mark.parametrize(
    ("text", "reason", "counted", "limit"),
    [
        ("a few", "stop", 4, 4),
        ("a few", "length", None, 4),
        ("one two three", "stop", None, 3),
        ("one two three", "length", None, 3),
    ],
)
def test_a_limit_that_the_upstream_reached_is_reported_as_length(
    text: str, reason: str, counted: int | None, limit: int
) -> None:
    usage = None if counted is None else {"prompt_tokens": 4, "completion_tokens": counted}
    with gateway(answering(completion(text, reason, usage=usage))) as gate:
        value = gate.complete(max_tokens=limit)
        assert choice(value)[1] == "length"
        assert value["usage"]["completion_tokens"] == limit
    with gateway(streaming(chunk(text), chunk(None, reason), {"choices": [], "usage": usage}, "[DONE]")) as gate:
        assert streamed(gate.stream(max_tokens=limit)) == (text, "length")


@pytest.mark.parametrize("counted", [2, 10, 900])
def test_a_text_that_cannot_have_reached_the_limit_ended_by_itself(counted: int) -> None:
    usage = {"prompt_tokens": 4, "completion_tokens": counted}
    with gateway(answering(completion("one two", usage=usage))) as gate:
        value = gate.complete(max_tokens=10)
        assert choice(value)[1] == "stop"
        assert value["usage"]["completion_tokens"] == 2


def test_a_limit_that_hidden_reasoning_used_up_counts_as_used() -> None:
    message = {"role": "assistant", "content": None, "reasoning_content": "Let me think about this."}
    with gateway(answering({"choices": [{"message": message, "finish_reason": "length"}]})) as gate:
        value = gate.complete(max_tokens=12)
        assert choice(value) == ("", "length")
        assert value["usage"]["completion_tokens"] == 12


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
    "its own 402": answering(LEAK, 402),
    "a refusal of its own model": answering({"error": {"message": "no such model", "param": "model"}}, 400),
    "a whole answer without text and without an end": answering(completion("", None)),
    "an end that is a failure": answering(completion("one two", "error")),
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
        {"role": "user", "content": "d"},
        {"role": "user", "content": "e"},
    ]
    with gateway(picky, "openai") as gate:
        value = gate.complete(messages=messages, seed=2**62, user="u")
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


@pytest.mark.parametrize("listing", [{"data": []}, [], "none", {"data": [{"id": 7}]}])
def test_an_upstream_without_a_list_of_models_is_asked_for_the_clients_model(listing: Any) -> None:
    async def script(request: UpstreamRequest) -> None:
        request.json(listing if request.path == "/v1/models" else completion(request.body["model"]))

    with gateway(script, model=None) as gate:
        assert choice(gate.complete())[0] == gate.reference.model
        assert choice(gate.complete())[0] == gate.reference.model
        assert [request.path for request in gate.upstream.requests].count("/v1/models") == 1


def test_a_list_of_models_that_fails_for_a_while_is_asked_for_again() -> None:
    listings = iter((503, 200))

    async def script(request: UpstreamRequest) -> None:
        if request.path == "/v1/models":
            request.json({"data": [{"id": "listed"}]}, next(listings))
        else:
            request.json(completion(request.body["model"]))

    with gateway(script, model=None) as gate:
        gate.complete()
        assert choice(gate.complete())[0] == "listed"


def test_a_model_that_is_not_ours_never_reaches_the_upstream() -> None:
    with gateway(answering(completion("x"))) as gate:
        assert gate.ask(model="theirs").status_code == 404
        assert gate.ask(temperature=3).status_code == 400
        assert gate.upstream.requests == []


@pytest.mark.parametrize("fields", [{"logprobs": True}, {"logprobs": True, "top_logprobs": 2}])
def test_log_probabilities_are_refused_rather_than_made_up(fields: dict[str, Any]) -> None:
    with gateway(answering(completion("x")), "openai") as gate:
        answer = gate.ask(**fields)
        assert answer.status_code == 400
        assert error_reason("openai", answer) == "unsupported_parameter"
        assert answer.json()["error"]["param"] == next(iter(fields))
        assert gate.ask(logprobs=False).status_code == 200


def test_several_choices_are_requested_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def script(request: UpstreamRequest) -> None:
        await together.wait()  # nobody is answered before all requests have arrived
        request.json(completion("x y", usage=USAGE))

    with gateway(script, whole_timeout=3) as gate:
        value = gate.complete(n=3)
        assert len(value["choices"]) == 3
        assert value["usage"] == {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15}
        assert all("n" not in request.body for request in gate.upstream.requests)
