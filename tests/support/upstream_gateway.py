"""A gateway before a scripted upstream, and what its callers see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import httpx
from fake_upstream import FakeUpstream, Script, UpstreamRequest
from reference_callers import PATHS, events_of
from shipped_contracts import shipped_contract

from conformance.contract import Contract
from conformance.reference import EmbeddedReference
from conformance.reference.providers.upstream import Upstream, UpstreamProvider

KEY = "sk-upstream-canary-0123456789"


@cache
def http_client() -> httpx.Client:
    """One client for all gateways, because making one takes longer than a test."""
    return httpx.Client(trust_env=False, timeout=10)


class Gateway:
    """A deployment in front of an upstream."""

    def __init__(self, profile: str, upstream: FakeUpstream, reference: EmbeddedReference) -> None:
        self.profile, self.upstream, self.reference, self.http = profile, upstream, reference, http_client()

    def request(self, text: str = "Say hello.", **fields: Any) -> httpx.Request:
        reference = self.reference
        needed = {"brand_id": "b", "requested_by": "r"} if self.profile == "loop-health" else {}
        body = {"model": reference.model, "messages": [{"role": "user", "content": text}], **needed, **fields}
        headers = {"Authorization": f"Bearer {reference.api_key}", "x-api-key": reference.api_key}
        url = reference.base_url + PATHS[self.profile].replace("{org}", reference.target.parameters.get("orgId", ""))
        return self.http.build_request("POST", url, json=body, headers=headers)

    def ask(self, text: str = "Say hello.", **fields: Any) -> httpx.Response:
        answer = self.http.send(self.request(text, **fields))
        for secret in (KEY, self.upstream.url, "127.0.0.1"):
            assert secret not in answer.text
            assert secret not in str(answer.headers)
        return answer

    def complete(self, **fields: Any) -> dict[str, Any]:
        answer = self.ask(**fields)
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    def stream(self, **fields: Any) -> list[Any]:
        answer = self.ask(stream=True, **fields)
        assert answer.status_code == 200, answer.text
        return events_of(answer.content)


@contextmanager
def gateway(
    script: Script, profile: str = "kodexa", contract: Contract | None = None, **options: Any
) -> Iterator[Gateway]:
    settings = {
        "model": "theirs",
        "api_key": KEY,
        "idle_timeout": 0.15,
        "whole_timeout": 3.0,
        "linger": 0.05,
        **options,
    }
    with FakeUpstream(script) as upstream:
        provider = UpstreamProvider(Upstream(upstream.url, **settings))
        own = contract or shipped_contract(profile)
        with EmbeddedReference(profile, provider=provider, contract=own) as reference:
            yield Gateway(profile, upstream, reference)


def patient_gateway(script: Script, profile: str = "openai", **options: Any) -> AbstractContextManager[Gateway]:
    """A gateway that waits as long as a machine at work may need."""
    return gateway(script, profile, **{"idle_timeout": 5.0, **options})


def lenient_contract() -> Contract:
    """The contract of the openai profile, with messages of any form: what a gateway makes of them is its own affair."""
    contract = shipped_contract("openai")
    schema: Any = contract.operation.request_schema
    properties = {**schema["properties"], "messages": {"type": "array", "minItems": 1}}
    operation = replace(contract.operation, request_schema={**schema, "properties": properties})
    return replace(contract, operation=operation)


def answering(value: Any, status: int = 200, **fields: str) -> Script:
    async def script(request: UpstreamRequest) -> None:
        request.json(value, status, **fields)

    return script


def streaming(*events: Any, after: bytes = b"") -> Script:
    async def script(request: UpstreamRequest) -> None:
        request.head(media_type="text/event-stream")
        request.events(*events)
        request.write(after)

    return script


def choice(value: dict[str, Any]) -> tuple[str, str]:
    only = value["choices"][0]
    return only["message"]["content"], only["finish_reason"]


def streamed(events: list[Any]) -> tuple[str, str]:
    """Text and reason of a stream, once it is known to be well-formed."""
    *chunks, last = events
    assert last == "[DONE]"
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert len({(part["id"], part["created"], part["model"], part["object"]) for part in chunks}) == 1
    reasons = [part["choices"][0]["finish_reason"] for part in chunks if part["choices"]]
    assert reasons[:-1] == [None] * (len(reasons) - 1)
    texts = [part["choices"][0]["delta"].get("content", "") for part in chunks if part["choices"]]
    return "".join(texts), reasons[-1]


def function(name: str, **properties: str) -> dict[str, Any]:
    """A tool whose parameters have these types."""
    schema = {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


def calls(value: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and arguments of each call of a completion, once all are well-formed."""
    (only,) = value["choices"]
    made = only["message"].get("tool_calls", [])
    assert only["finish_reason"] == ("tool_calls" if made else "stop"), only
    assert "tool_calls" not in only["message"] or made
    assert all(set(call) == {"id", "type", "function"} and call["type"] == "function" for call in made)
    assert len({call["id"] for call in made} - {""}) == len(made)
    return [(call["function"]["name"], call["function"]["arguments"]) for call in made]


def streamed_calls(events: list[Any]) -> list[tuple[str, str]]:
    """Name and arguments of each call of a stream: each opened once, in order, and none mixed with another."""
    *chunks, last = events
    assert last == "[DONE]"
    deltas = [call for part in chunks for one in part["choices"] for call in one["delta"].get("tool_calls", ())]
    made: list[tuple[str, str]] = []
    ids = set()
    for delta in deltas:
        if delta["index"] == len(made):
            assert set(delta) == {"index", "id", "type", "function"}, delta
            assert delta["type"] == "function"
            ids.add(delta["id"])
            made.append((delta["function"]["name"], delta["function"]["arguments"]))
        else:
            assert set(delta) == {"index", "function"}, delta
            assert set(delta["function"]) == {"arguments"}, delta
            assert delta["index"] == len(made) - 1
            made[-1] = (made[-1][0], made[-1][1] + delta["function"]["arguments"])
    assert len(ids - {""}) == len(made)
    assert [one["finish_reason"] for part in chunks for one in part["choices"]][-1] == (
        "tool_calls" if made else "stop"
    )
    return made


USAGE = {"prompt_tokens": 5, "completion_tokens": 3, "total_tokens": 8}
ABSURD = {"prompt_tokens": 0, "completion_tokens": 10**9, "total_tokens": 7}
LEAK = {"error": {"message": f"Key {KEY} is not valid for http://127.0.0.1/v1"}}
