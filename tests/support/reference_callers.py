"""Clients of the reference deployments: valid requests, and answers that are checked on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from conformance.reference import EmbeddedReference

PATHS = {
    "openai": "/chat/completions",
    "kodexa": "/api/organizations/{org}/ai/chat/completions",
    "loop-health": "/v1/chat/completions",
}


@dataclass(frozen=True)
class Caller:
    """One deployment and a client that is allowed in."""

    profile: str
    reference: EmbeddedReference
    http: httpx.Client = field(repr=False)

    @property
    def url(self) -> str:
        organization = self.reference.target.parameters.get("orgId", "")
        return self.reference.base_url + PATHS[self.profile].replace("{org}", organization)

    @property
    def key_header(self) -> dict[str, str]:
        return self.header_for(self.reference.api_key)

    def header_for(self, key: str) -> dict[str, str]:
        return {"x-api-key": key} if self.profile == "kodexa" else {"Authorization": f"Bearer {key}"}

    def body(self, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
        needed = {"brand_id": "b", "requested_by": "r"} if self.profile == "loop-health" else {}
        model = {} if self.profile == "loop-health" else {"model": self.reference.model}
        return {**model, "messages": [{"role": "user", "content": text}], **needed, **fields}

    def post(self, body: Any, **options: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json", **self.key_header, **options.pop("headers", {})}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.post(options.pop("url", self.url), content=content, headers=headers, **options)

    def complete(self, text: str = "Say hello.", **fields: Any) -> dict[str, Any]:
        answer = self.post(self.body(text, **fields))
        assert answer.status_code == 200, answer.text
        completion: dict[str, Any] = answer.json()
        return completion

    def stream(self, text: str = "Say hello.", **fields: Any) -> list[Any]:
        """The data of each event, parsed but for the sentinel."""
        answer = self.post(self.body(text, stream=True, **fields))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        return events_of(answer.content)

    def error_of(self, answer: httpx.Response) -> str:
        """The slug of an error, once its envelope is known to be this platform's."""
        return error_reason(self.profile, answer)


def events_of(body: bytes) -> list[Any]:
    *blocks, rest = body.decode().split("\n\n")
    assert rest == ""
    assert all(block.startswith("data: ") and "\n" not in block for block in blocks)
    data = [block.removeprefix("data: ") for block in blocks]
    return [item if item == "[DONE]" else json.loads(item) for item in data]


def error_reason(profile: str, answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-request-id"].startswith("req_")
    value = answer.json()
    if profile == "loop-health":
        assert set(value) == {"error", "message"}
        assert isinstance(value["message"], str)
        return str(value["error"])
    assert set(value["error"]) == {"message", "type", "param", "code"}
    assert isinstance(value["error"]["message"], str)
    assert isinstance(value["error"]["type"], str)
    return str(value["error"]["code"])
