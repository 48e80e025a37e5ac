"""httpx-sse, a reader of event streams that is not ours."""

from __future__ import annotations

import json

import httpx
import pytest
from httpx_sse import SSEError, connect_sse
from witness_deployments import ANSWER, Deployment

pytestmark = pytest.mark.network


def events(deployment: Deployment, **fields: object) -> list[str]:
    body = deployment.body(stream=True, **fields)
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        connect_sse(client, "POST", deployment.url, json=body, headers=deployment.key) as source,
    ):
        assert source.response.status_code == 200
        read = list(source.iter_sse())
    assert {(event.event, event.id, event.retry) for event in read} == {("message", "", None)}
    return [event.data for event in read]


def test_the_events_are_chunks_and_then_the_sentinel(deployment: Deployment) -> None:
    *chunks, last = events(deployment)
    read = [json.loads(chunk) for chunk in chunks]
    text = "".join(choice["delta"].get("content") or "" for chunk in read for choice in chunk["choices"])
    assert last == "[DONE]"
    assert text.startswith(ANSWER)
    assert [choice["finish_reason"] for chunk in read for choice in chunk["choices"]][-1] == "stop"


def test_a_stream_that_the_limit_cuts(deployment: Deployment) -> None:
    *chunks, last = events(deployment, max_tokens=2)
    finishes = [choice["finish_reason"] for chunk in chunks for choice in json.loads(chunk)["choices"]]
    assert (finishes[-1], last) == ("length", "[DONE]")


def test_an_invalid_request_for_a_stream_is_no_event_stream(deployment: Deployment) -> None:
    body = deployment.body(stream=True, temperature=3)
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        connect_sse(client, "POST", deployment.url, json=body, headers=deployment.key) as source,
    ):
        assert source.response.status_code == 400
        with pytest.raises(SSEError):
            list(source.iter_sse())
