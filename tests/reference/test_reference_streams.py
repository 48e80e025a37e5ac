from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from reference_callers import error_reason, events_of

from conformance.contract import load_contract
from conformance.reference import EmbeddedReference
from conformance.reference.errors import ProviderError
from conformance.reference.provider import Ended

if TYPE_CHECKING:
    from reference_callers import Caller

    from conformance.reference.provider import CompletionRequest

pytestmark = pytest.mark.network


def text_of(chunks: list[Any], choice: int = 0) -> str:
    parts = [part for chunk in chunks for part in chunk["choices"] if part["index"] == choice]
    return "".join(part["delta"].get("content", "") for part in parts)


def test_a_stream_opens_with_the_role_and_ends_with_one_finish_and_done(caller: Caller) -> None:
    *chunks, last = caller.stream("Hello there.")
    assert last == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1]["choices"][0]["delta"] == {}
    assert not any("usage" in chunk for chunk in chunks)


def test_each_chunk_matches_the_contract_and_all_agree(caller: Caller) -> None:
    chunks = caller.stream("Hello there.")[:-1]
    response = load_contract(caller.profile).operation.response(200)
    assert response is not None
    assert response.item_schema is not None
    for chunk in chunks:
        Draft202012Validator(response.item_schema).validate(chunk)
    heads = {(chunk["id"], chunk["object"], chunk["created"], chunk["model"]) for chunk in chunks}
    assert len(heads) == 1
    assert heads.pop()[1] == "chat.completion.chunk"


def test_a_stream_has_the_text_of_the_completion(caller: Caller) -> None:
    for text in ("Hello.", "naïve 日本語 👩🏽‍🚀🇩🇪", 'data: [DONE]\n\nevent: x\r\n"quoted"', "\u2028 \x00"):
        whole = caller.complete(text)["choices"][0]["message"]["content"]
        chunks = caller.stream(text)[:-1]
        assert text_of(chunks) == whole
        assert len(chunks) >= 14


def test_non_ascii_text_is_written_as_itself(caller: Caller) -> None:
    answer = caller.post(caller.body("日本語", stream=True))
    assert "日本語".encode() in answer.content
    assert answer.headers["cache-control"] == "no-cache"


def test_usage_comes_last_and_only_on_request(caller: Caller) -> None:
    *chunks, last, done = caller.stream("Hello.", stream_options={"include_usage": True})
    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["usage"] == caller.complete("Hello.")["usage"]
    assert all(chunk["usage"] is None for chunk in chunks)
    for options in ({"include_usage": False}, {}):
        assert not any("usage" in chunk for chunk in caller.stream("Hello.", stream_options=options)[:-1])


def test_choices_interleave_and_each_finishes_once(openai: Caller) -> None:
    chunks = openai.stream("Hello.", n=3)[:-1]
    order = [chunk["choices"][0]["index"] for chunk in chunks]
    assert set(order) == {0, 1, 2}
    assert order != sorted(order)
    for choice in range(3):
        own = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["index"] == choice]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        assert [part["finish_reason"] for part in own if part["finish_reason"]] == ["stop"]
        assert own[-1]["finish_reason"] == "stop"
        assert text_of(chunks, choice) == text_of(chunks, 0)


def test_limits_hold_in_a_stream(openai: Caller) -> None:
    cut = openai.stream("one two three four", max_tokens=1)[:-1]
    assert text_of(cut) == "You"
    assert cut[-1]["choices"][0]["finish_reason"] == "length"
    stopped = openai.stream("alpha beta gamma delta", stop=["ta ga"])[:-1]
    assert text_of(stopped) == "You said: alpha be"
    assert stopped[-1]["choices"][0]["finish_reason"] == "stop"


def test_every_token_has_its_logprobs(openai: Caller) -> None:
    chunks = openai.stream("Hello.", logprobs=True, top_logprobs=1)[:-1]
    contents = [chunk["choices"][0] for chunk in chunks if chunk["choices"][0]["delta"].get("content")]
    assert contents
    for part in contents:
        assert [entry["token"] for entry in part["logprobs"]["content"]] == [part["delta"]["content"]]


def test_an_invalid_request_for_a_stream_is_a_plain_error(caller: Caller) -> None:
    answer = caller.post(caller.body(stream=True, temperature=3))
    assert answer.status_code == 400
    assert caller.error_of(answer) == "invalid_value"


class Failing:
    """A provider that gives some tokens and then fails."""

    scores_tokens = False

    def __init__(self, after: int) -> None:
        self.after = after

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        for number in range(self.after):
            yield f"token{number} "
        raise ProviderError("The provider failed.")

    def score(self, token: str, alternatives: int) -> None:
        return None

    async def close(self) -> None:
        pass


def ask(reference: EmbeddedReference, **fields: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": "x"}], "brand_id": "b", "requested_by": "r", **fields}
    headers = {"Authorization": f"Bearer {reference.api_key}", "x-api-key": reference.api_key}
    organization = reference.target.parameters.get("orgId")
    path = f"/api/organizations/{organization}/ai" if organization else "/v1"
    base = reference.base_url.removesuffix("/v1")
    return httpx.post(f"{base}{path}/chat/completions", json={"model": reference.model, **body}, headers=headers)


def test_a_provider_that_fails_at_once_gives_a_plain_error() -> None:
    for profile, status in (("openai", 500), ("kodexa", 502), ("loop-health", 500)):
        with EmbeddedReference(profile, provider=Failing(after=0)) as reference:
            for stream in (False, True):
                answer = ask(reference, stream=stream)
                assert answer.status_code == status
                assert error_reason(profile, answer) == "provider_error"


def test_a_provider_that_fails_in_the_middle_ends_the_stream_without_done() -> None:
    with EmbeddedReference("loop-health", provider=Failing(after=2)) as reference:
        events = events_of(ask(reference, stream=True).content)
        assert events[-1] == {"error": "provider_error", "message": "The provider failed."}
        assert [event["choices"][0]["finish_reason"] for event in events[:-1]] == [None] * 3
        assert ask(reference).status_code == 500


class Endless:
    """A provider that generates until it is stopped, and records when that was."""

    scores_tokens = False

    def __init__(self) -> None:
        self.running = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()

    async def generate(self, request: CompletionRequest, choice: int) -> AsyncGenerator[str | Ended, None]:
        self.running += 1
        self.begun.set()
        try:
            while True:
                if request.stream:
                    yield "more "
                await asyncio.sleep(0)
        finally:
            self.running -= 1
            self.ended.set()

    def score(self, token: str, alternatives: int) -> None:
        return None

    async def close(self) -> None:
        pass


def test_generation_stops_when_the_client_hangs_up() -> None:
    async def scenario(stream: bool) -> None:
        provider = Endless()
        with EmbeddedReference("openai", provider=provider) as reference:
            host, port = reference.base_url.removeprefix("http://").removesuffix("/v1").split(":")
            _, writer = await asyncio.open_connection(host, int(port))
            body = {"model": reference.model, "messages": [{"role": "user", "content": "x"}], "stream": stream, "n": 2}
            content = json.dumps(body).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {reference.api_key}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
            writer.write(head.encode() + content)
            await writer.drain()
            loop = asyncio.get_running_loop()
            assert await loop.run_in_executor(None, until, lambda: provider.running == 2)
            writer.close()
            assert await loop.run_in_executor(None, until, lambda: provider.running == 0)

    asyncio.run(scenario(stream=True))
    asyncio.run(scenario(stream=False))


def until(holds: Any) -> bool:
    """Whether a condition in another thread comes true within five seconds."""
    waiting = threading.Event()
    return any(holds() or waiting.wait(0.005) for _ in range(1000))


def test_an_open_stream_does_not_keep_the_deployment_from_stopping() -> None:
    reference = EmbeddedReference("openai", provider=Endless())
    with httpx.Client() as http:
        with reference:
            body = {"model": reference.model, "messages": [{"role": "user", "content": "x"}], "stream": True}
            headers = {"Authorization": f"Bearer {reference.api_key}"}
            request = http.build_request("POST", f"{reference.base_url}/chat/completions", json=body, headers=headers)
            answer = http.send(request, stream=True)
            assert answer.status_code == 200
        answer.close()
    assert not reference.running
