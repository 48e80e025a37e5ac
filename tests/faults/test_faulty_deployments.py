"""Faults at each layer of a deployment, as a client on a socket sees them: each acts where it should, and only then."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from shipped_contracts import shipped_contract

from conformance.reference import EmbeddedReference
from conformance.reference.faults import composed
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.answer_edits import edited
from conformance.reference.faults.conditions import condition
from conformance.reference.faults.registry import hooks_with
from conformance.reference.hooks import Hooks
from conformance.reference.request_context import DeploymentState, RequestContext

pytestmark = pytest.mark.network


@contextmanager
def serving(*actions: FaultAction, hooks: Hooks | None = None) -> Iterator[tuple[httpx.Client, EmbeddedReference]]:
    with EmbeddedReference(
        "openai", hooks=hooks or hooks_with(actions), contract=shipped_contract("openai")
    ) as reference:
        headers = {"Authorization": f"Bearer {reference.api_key}"}
        with httpx.Client(base_url=reference.base_url, headers=headers, timeout=5) as client:
            yield client, reference


def ask(client: httpx.Client, **fields: Any) -> httpx.Response:
    body = {"model": "reference-1", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 5, **fields}
    models = client.get("/models").json()["data"]
    return client.post("/chat/completions", json={**body, "model": models[0]["id"]})


def raw_answer(reference: EmbeddedReference, **fields: Any) -> bytes:
    """The bytes of an answer until the peer closes, or falls silent for a moment."""
    parts = urlsplit(reference.base_url)
    usual = {"model": reference.model, "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 5}
    body = json.dumps({**usual, **fields}).encode()
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {reference.api_key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
        except TimeoutError:
            return received + b"<silence>"
        except ConnectionResetError:
            return received + b"<reset>"
        return received


def test_a_fault_of_chunks_changes_the_stream_and_leaves_whole_answers_alone() -> None:
    with serving(FaultAction("events.drop", {"of": "done"})) as (client, _):
        assert "[DONE]" not in ask(client, stream=True).text
        assert ask(client).json()["choices"][0]["finish_reason"] == "length"


def test_a_fault_of_the_completion_leaves_streams_alone() -> None:
    with serving(FaultAction("completion.drop", {"at": "/usage"})) as (client, _):
        assert "usage" not in ask(client).json()
        assert '"usage":{' in ask(client, stream=True, stream_options={"include_usage": True}).text


def test_a_condition_decides_request_by_request() -> None:
    with serving(FaultAction("completion.set", {"at": "/id", "to": "x"}, "n > 1")) as (client, _):
        assert ask(client, n=2).json()["id"] == "x"
        assert ask(client).json()["id"] != "x"


def test_a_condition_on_the_status_selects_the_answers_that_change() -> None:
    with serving(FaultAction("status.set", {"to": 422}, "status = 400")) as (client, _):
        assert ask(client, n=0).status_code == 422
        assert ask(client).status_code == 200


def test_two_lengths_reach_the_wire_below_the_http_library() -> None:
    with serving(FaultAction("wire.head-line", {"line": "content-length: 7"})) as (_, reference):
        head = raw_answer(reference).partition(b"\r\n\r\n")[0].lower()
        assert head.count(b"content-length:") == 2


def test_a_stream_can_be_cut_with_a_close_a_reset_or_silence() -> None:
    for how, ending in (("close", b"\n\n\r\n"), ("reset", b"<reset>"), ("hang", b"<silence>")):
        with serving(FaultAction("wire.cut", {"after": 2, "how": how})) as (_, reference):
            received = raw_answer(reference, stream=True)
            assert received.endswith(ending), how
            assert b"[DONE]" not in received


def test_a_body_that_ends_with_the_connection_has_neither_length_nor_chunks() -> None:
    with serving(FaultAction("wire.until-close")) as (_, reference):
        head, _, body = raw_answer(reference, stream=True).partition(b"\r\n\r\n")
        assert b"transfer-encoding" not in head.lower()
        assert body.startswith(b"data: ")
        assert body.endswith(b"data: [DONE]\n\n")


def test_the_sizes_of_chunks_can_be_wrong() -> None:
    with serving(FaultAction("wire.chunks", {"add": 1})) as (client, _), pytest.raises(httpx.RemoteProtocolError):
        ask(client, stream=True)


def test_faults_compose_and_each_keeps_its_own_condition() -> None:
    hooks = composed(shipped_contract("openai"), ["stream-end.done-missing@n > 1", "chunk-head.id-empty"])
    with serving(hooks=hooks) as (client, _):
        one, two = ask(client, stream=True).text, ask(client, stream=True, n=2).text
        assert "[DONE]" in one
        assert "[DONE]" not in two
        assert '"id":""' in one
        assert '"id":""' in two


def test_a_deployment_whose_faults_change_stages_only_is_not_wrapped() -> None:
    assert not Hooks().beyond_stages
    assert not hooks_with([FaultAction("events.drop", {"of": "done"})]).beyond_stages
    assert hooks_with([FaultAction("status.set", {"to": 201})]).beyond_stages


def test_the_cache_fault_repeats_an_answer() -> None:
    with serving(FaultAction("cache.by", {"key": "body"})) as (client, _):
        assert ask(client).json()["id"] == ask(client).json()["id"]
        assert ask(client).json()["id"] != ask(client, max_tokens=4).json()["id"]


# --- conditions ---


def request(body: bytes = b"{}", **facts: Any) -> RequestContext:
    made = RequestContext(
        state=DeploymentState(),
        method="POST",
        path="/v1/x",
        query="",
        headers={},
        on_connection=1,
        number=1,
        concurrent=0,
        errors_before=0,
    )
    made.raw += body
    made.complete()
    for name, value in facts.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("text", "body", "holds"),
    [
        ("stream", b'{"stream": true}', True),
        ("stream", b'{"stream": "true"}', False),
        ("plain", b"[not json", True),
        ("not stream and n > 1", b'{"n": 2}', True),
        ("n > 1", b'{"n": true}', False),
        ("n >= 2 and usage", b'{"n": 2, "stream_options": {"include_usage": true}}', True),
        ("says stop", b'{"stop": null}', True),
        ("not says stop", b'{"stop": null}', False),
        ("non-ascii", '{"messages": [{"content": "ü"}]}'.encode(), True),
        ("prompted `hello`", b'{"messages": [{"content": [{"text": "say hello"}]}]}', True),
        ("long-prompt", b'{"messages": [null, 7, {"content": 7}]}', False),
        ("tokens = 1", b'{"max_tokens": 1}', True),
        ("keyless", b"{}", True),
        ("method = PUT", b"{}", False),
    ],
)
def test_a_condition_looks_at_the_request(text: str, body: bytes, holds: bool) -> None:
    assert condition(text)(request(body)) is holds


def test_one_in_so_many_does_not_depend_on_the_order_of_requests() -> None:
    chosen = condition("one-in = 3")
    bodies = [b'{"n": %d}' % number for number in range(30)]
    forwards = {body: chosen(request(body)) for body in bodies}
    backwards = {body: chosen(request(body)) for body in reversed(bodies)}
    assert forwards == backwards
    assert 0 < sum(forwards.values()) < 30
    assert {chosen(request(b"{}", occurrence=number)) for number in (1, 2, 3)} == {True, False}


def test_a_pointer_may_lead_to_every_item_and_adds_nothing_where_it_leads_nowhere() -> None:
    value = {"choices": [{"index": 0}, {"index": 1}], "usage": {"a": 1, "b": 2}}
    assert edited(value, "/choices/*/index", lambda index: index + 1)["choices"] == [{"index": 1}, {"index": 2}]
    assert edited(value, "/usage/*", str)["usage"] == {"a": "1", "b": "2"}
    assert edited(value, "/nowhere/index", lambda _: 1) == value
    assert edited(value, "", lambda _: 7) == 7
    assert value["usage"] == {"a": 1, "b": 2}
