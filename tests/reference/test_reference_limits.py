from __future__ import annotations

import asyncio
import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from reference_callers import error_reason
from shipped_contracts import shipped_contract

from conformance.reference import DeploymentError, Settings, Tenant, create_app
from conformance.reference.providers.echo import EchoProvider
from conformance.reference.stages import Stages

if TYPE_CHECKING:
    from reference_callers import Caller

pytestmark = pytest.mark.network

TENANT = Tenant("one", "key-of-the-only-tenant", {"orgId": "6f1e3c52-9f0a-4c07-8a55-0d5b8f6a2b11"})
SETTINGS = Settings("openai", (TENANT,), models=("m",))


def post(app: Any, content: Any, **headers: str) -> httpx.Response:
    """One request to an application without a server."""
    fields = {"Authorization": f"Bearer {TENANT.api_key}", "Content-Type": "application/json", **headers}

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://reference") as http:
            return await http.post("/v1/chat/completions", content=content, headers=fields)

    return asyncio.run(send())


def body_of(text: str, **fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()


def test_a_body_over_the_limit_is_read_and_refused() -> None:
    app = create_app(shipped_contract("openai"), replace(SETTINGS, max_body=1000), EchoProvider())
    just_right = body_of("x" * (1000 - len(body_of(""))))
    assert post(app, just_right).status_code == 200
    answer = post(app, just_right + b" ")
    assert answer.status_code == 413
    assert error_reason("openai", answer) == "request_too_large"
    assert "connection" not in answer.headers


def test_a_body_without_end_is_left_unread() -> None:
    app = create_app(shipped_contract("openai"), replace(SETTINGS, max_body=1000, max_drain=5000), EchoProvider())
    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 1000
            yield b" " * 1000

    answer = post(app, endless())
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert read <= 8000


def test_a_body_that_does_not_arrive_in_time_is_refused() -> None:
    app = create_app(shipped_contract("openai"), replace(SETTINGS, body_timeout=0.02), EchoProvider())

    async def stalled() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    answer = post(app, stalled())
    assert answer.status_code == 408
    assert error_reason("openai", answer) == "request_timeout"


def test_nesting_is_allowed_up_to_its_limit_and_brackets_in_strings_are_none() -> None:
    app = create_app(shipped_contract("openai"), replace(SETTINGS, max_depth=10), EchoProvider())
    assert post(app, body_of('[[[[[[[[[[[[{{{{{\\"[[[[')).status_code == 200
    assert post(app, body_of("x", extra=json.loads("[" * 9 + "]" * 9))).status_code == 200
    assert post(app, body_of("x", extra=json.loads("[" * 10 + "]" * 10))).status_code == 400


def test_a_prompt_longer_than_the_context_window_is_refused() -> None:
    app = create_app(shipped_contract("openai"), replace(SETTINGS, context_window=60), EchoProvider())
    answer = post(app, body_of("word " * 60))
    assert answer.status_code == 400
    assert error_reason("openai", answer) == "context_length_exceeded"
    cut = post(app, body_of("word " * 45)).json()
    assert cut["choices"][0]["finish_reason"] == "length"
    assert cut["usage"]["total_tokens"] == 60


def test_a_bug_of_ours_is_a_json_500_without_details() -> None:
    def broken(rules: Any, body: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    app = create_app(shipped_contract("openai"), SETTINGS, EchoProvider(), replace(Stages(), check_body=broken))
    answer = post(app, body_of("x"))
    assert answer.status_code == 500
    assert error_reason("openai", answer) == "internal_error"
    assert "secret" not in answer.text


def test_a_stage_can_be_replaced_to_make_a_fault() -> None:
    stages = replace(Stages(), check_body=lambda rules, body: None, encode_event=lambda event: b"data: x\r\n\r\n")
    app = create_app(shipped_contract("openai"), SETTINGS, EchoProvider(), stages)
    assert post(app, body_of("x", temperature=99)).status_code == 200
    assert set(post(app, body_of("x", stream=True)).content.split(b"\r\n\r\n")) == {b"data: x", b""}
    for messages in ("x", [], [None], [{"role": "user"}], None):
        assert post(app, json.dumps({"model": "m", "messages": messages}).encode()).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"tenants": ()},
        {"tenants": (replace(TENANT, api_key=""),)},
        {"tenants": (TENANT, replace(TENANT, name="two"))},
        {"models": ()},
        {"max_depth": 0},
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DeploymentError):
        replace(SETTINGS, **change)


def test_a_deployment_needs_settings_that_fit() -> None:
    openai = shipped_contract("openai")
    with pytest.raises(DeploymentError, match="are for 'kodexa'"):
        create_app(openai, replace(SETTINGS, profile="kodexa"), EchoProvider())
    no_org = replace(SETTINGS, profile="kodexa", tenants=(replace(TENANT, parameters={}),))
    with pytest.raises(DeploymentError, match="organization"):
        create_app(shipped_contract("kodexa"), no_org, EchoProvider())


def test_a_tenant_does_not_show_its_key() -> None:
    assert TENANT.api_key not in repr(SETTINGS)


class Wire:
    """A bare connection to a deployment."""

    def __init__(self, caller: Caller) -> None:
        host, port = caller.reference.base_url.removeprefix("http://").split("/")[0].split(":")
        self.caller = caller
        self.path = caller.url.removeprefix(f"http://{host}:{port}")
        self.socket = socket.create_connection((host, int(port)), timeout=5)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def head(self, **fields: object) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", "Host: x", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in self.caller.key_header.items()]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def send(self, *parts: bytes) -> None:
        for part in parts:
            self.socket.sendall(part)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        status = int(self.file.readline().split(b" ")[1])
        fields: dict[str, str] = {}
        while (line := self.file.readline()) not in {b"\r\n", b""}:
            name, _, value = line.decode().strip().partition(": ")
            fields[name.lower()] = value
        return status, fields, self.file.read(int(fields.get("content-length", 0)))

    def closed(self) -> bool:
        return self.file.read(1) == b""


def test_a_client_that_expects_100_continue_gets_it(caller: Caller) -> None:
    content = json.dumps(caller.body()).encode()
    with Wire(caller) as wire:
        wire.send(wire.head(Content_Length=len(content), Expect="100-continue"))
        assert wire.answer()[0] == 100
        wire.send(content)
        assert wire.answer()[0] == 200


def test_a_client_that_expects_100_continue_is_refused_before_it_sends(caller: Caller) -> None:
    with Wire(caller) as wire:
        wire.send(wire.head(Content_Length=10**7, Expect="100-continue"))
        status, fields, body = wire.answer()
        assert (status, fields["connection"]) == (413, "close")
        assert json.loads(body)["error"]
        assert wire.closed()


def test_a_body_in_chunks_is_understood(caller: Caller) -> None:
    content = json.dumps(caller.body()).encode()
    with Wire(caller) as wire:
        wire.send(wire.head(Transfer_Encoding="chunked"), b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content))
        assert wire.answer()[0] == 200


def test_requests_in_a_row_are_answered_in_a_row(caller: Caller) -> None:
    content = json.dumps(caller.body()).encode()
    with Wire(caller) as wire:
        request = wire.head(Content_Length=len(content)) + content
        wire.send(request * 3)
        assert [wire.answer()[0] for _ in range(3)] == [200, 200, 200]


def test_a_connection_stays_usable_after_refusals_whose_body_was_not_read(caller: Caller) -> None:
    content = b" " * 100_000
    good = json.dumps(caller.body()).encode()
    with Wire(caller) as wire:
        bare = f"POST {wire.path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(content)}\r\n\r\n".encode()
        for _ in range(2):
            wire.send(bare, content)
            assert wire.answer()[0] == 401
        wire.send(wire.head(Content_Length=len(good)), good)
        assert wire.answer()[0] == 200


def test_a_large_upload_is_refused_without_a_reset(caller: Caller) -> None:
    content = b"[" + b" " * 6_000_000
    with Wire(caller) as wire:
        wire.send(wire.head(Content_Length=len(content)), content)
        assert wire.answer()[0] == 413
        good = json.dumps(caller.body()).encode()
        wire.send(wire.head(Content_Length=len(good)), good)
        assert wire.answer()[0] == 200


@pytest.mark.parametrize("request_line", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.1\r\nbad header\r\n\r\n"])
def test_what_is_not_http_gets_the_platforms_error_too(caller: Caller, request_line: bytes) -> None:
    with Wire(caller) as wire:
        wire.send(request_line)
        status, fields, body = wire.answer()
        assert status == 400
        assert fields["content-type"] == "application/json"
        assert "error" in json.loads(body)
        assert wire.closed()


def test_a_deployment_survives_a_cut_upload(caller: Caller) -> None:
    with Wire(caller) as wire:
        wire.send(wire.head(Content_Length=500), b"{")
    assert caller.post(caller.body()).status_code == 200


def test_concurrent_callers_get_their_own_answers(openai: Caller) -> None:
    async def ask_all() -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:

            async def ask(number: int) -> None:
                body = openai.body(f"canary-{number}-end", stream=bool(number % 2))
                text = (await http.post(openai.url, json=body, headers=openai.key_header)).text
                assert f"canary-{number}-" in text.replace('"', "")
                assert text.count("canary-") == text.count(f"canary-{number}-")

            await asyncio.gather(*(ask(number) for number in range(32)))

    asyncio.run(ask_all())
