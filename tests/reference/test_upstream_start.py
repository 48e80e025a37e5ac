"""What `serve --upstream` says of its upstream before it serves, and when it does not serve at all."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from command_line import CLI, call, environment
from deployments import closed_port, empty_object, http_deployment
from fake_upstream import FakeUpstream, Script, UpstreamRequest, completion
from model_servers import MANNERS, model_server
from upstream_gateway import KEY, LEAK, answering, gateway

from conformance.reference.errors import DeploymentError
from conformance.reference.providers.upstream import Upstream
from conformance.reference.providers.upstream_start import Start, ask_first
from conformance.targets import demo

pytestmark = pytest.mark.network

VARIABLE = "THE_KEY"


def started(script: Script, key: str | None = KEY, patience: float = 5.0) -> Start:
    with FakeUpstream(script) as upstream:
        return asyncio.run(ask_first(Upstream(upstream.url, api_key=key), "our-model", VARIABLE, patience))


def given_up(script: Script, key: str | None = KEY) -> str:
    with pytest.raises(DeploymentError) as raised:
        started(script, key)
    said = str(raised.value)
    assert "\n" not in said
    assert said.endswith(".")
    assert KEY not in said
    return said


@pytest.mark.parametrize(
    ("manner", "said"),
    [
        ("takes everything", None),
        ("lists no models", "lists no models and is asked for 'our-model'; --upstream-model"),
        ("takes max_completion_tokens only", "max_completion_tokens instead of max_tokens"),
        ("takes no limit", "neither max_tokens nor max_completion_tokens"),
        ("answers only with streams", None),
    ],
)
def test_what_is_unusual_about_an_upstream_is_said(manner: str, said: str | None) -> None:
    notices = started(model_server(MANNERS[manner])).notices
    assert len(notices) == (0 if said is None else 1)
    assert said is None or said in notices[0]


def test_what_the_first_question_taught_is_kept() -> None:
    start = started(model_server(MANNERS["takes max_completion_tokens only"]))
    assert start.known.model == "theirs"
    assert start.known.form.limit_field == "max_completion_tokens"


def test_an_upstream_that_cannot_be_reached_is_a_mistake_of_the_setup() -> None:
    with closed_port() as url:
        shown, address = f"{url}/v1", f"{url.replace('//', '//user:secret@')}/v1"
        with pytest.raises(DeploymentError) as raised:
            asyncio.run(ask_first(Upstream(address), "our-model", VARIABLE))
    assert str(raised.value).startswith(f"Nothing answers at {shown} (connection refused); ")


@pytest.mark.parametrize(
    ("status", "body", "key", "said"),
    [
        (401, LEAK, KEY, f"refuses the key in {VARIABLE}"),
        (403, {}, None, f"wants a key; there is none in {VARIABLE}"),
        (404, {"detail": "Not Found"}, KEY, "often ends with /v1, and --upstream-model"),
        (405, {}, KEY, "--upstream is its URL before /chat/completions"),
        (501, {}, KEY, "--upstream is its URL before /chat/completions"),
        (307, {}, KEY, "--upstream is its URL before /chat/completions"),
        (400, {"error": {"message": "No such model.", "param": "model"}}, KEY, "--upstream-model names one"),
    ],
)
def test_an_upstream_that_lets_nobody_in_is_a_mistake_of_the_setup(
    status: int, body: Any, key: str | None, said: str
) -> None:
    message = given_up(answering(body, status), key)
    assert said in message
    assert str(status) in message


def test_the_key_is_hidden_whatever_it_looks_like() -> None:
    script = answering({"error": "opensesame is not a key"}, 401)
    with FakeUpstream(script) as upstream, pytest.raises(DeploymentError) as raised:
        asyncio.run(ask_first(Upstream(upstream.url, api_key="opensesame"), "our-model", VARIABLE))
    assert "opensesame" not in str(raised.value)


def test_a_server_without_tls_is_named_as_such() -> None:
    with http_deployment(empty_object) as url, pytest.raises(DeploymentError, match=r"Nothing answers at .* \(TLS: "):
        asyncio.run(ask_first(Upstream(url.replace("http:", "https:")), "our-model", VARIABLE))


async def page(request: UpstreamRequest) -> None:
    request.head(media_type="text/html")
    request.write(b"<html>Welcome</html>")


async def silent(request: UpstreamRequest) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("script", [page, answering({})])
def test_what_is_not_a_model_server_is_a_mistake_of_the_setup(script: Script) -> None:
    assert "is not an OpenAI-compatible server" in given_up(script)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (answering(LEAK, 503), "503"),
        (answering(LEAK, 500), "500"),
        (answering({"error": {"message": "I am not in the mood."}}, 400), "not in the mood"),
        (silent, "within 0.2 s"),
    ],
)
def test_what_may_pass_is_said_and_served_all_the_same(script: Script, said: str) -> None:
    (notice,) = started(script, patience=0.2 if script is silent else 5.0).notices
    assert said in notice
    assert notice.startswith("The upstream ")
    assert notice.endswith("The gateway serves; until this passes, its clients get errors.")
    assert KEY not in notice


def serve(profile: str, url: str, use: Callable[[str], None]) -> tuple[int, str]:
    """Run `serve` before an upstream, use its base URL, and stop it: the exit status and what it said on stderr."""
    command = (*CLI, "serve", profile, "--port", "0", "--upstream", url)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            use(line.split("--base-url ")[1].strip())
        finally:
            process.send_signal(signal.SIGINT)
        return process.wait(10), process.communicate()[1]


@pytest.mark.process
def test_serve_says_what_is_unusual_and_serves() -> None:
    def use(base_url: str) -> None:
        body = {"model": demo.MODEL, "messages": [{"role": "user", "content": "Hello."}], "max_tokens": 3}
        headers = {"Authorization": f"Bearer {demo.API_KEY}"}
        answer = httpx.post(f"{base_url}/chat/completions", json=body, headers=headers, trust_env=False)
        assert answer.json()["choices"][0]["finish_reason"] == "length"

    with FakeUpstream(model_server(MANNERS["takes max_completion_tokens only"])) as upstream:
        status, said = serve("openai", upstream.url, use)
    assert status == 0
    assert said == "The upstream takes max_completion_tokens instead of max_tokens.\n"


@pytest.mark.process
def test_serve_does_not_serve_where_nothing_answers(tmp_path: Path) -> None:
    with closed_port() as url:
        ended = call((*CLI, "serve", "kodexa", "--port", "0", "--upstream", url), tmp_path)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == (
        f"chat-conformance: Nothing answers at {url} (connection refused); "
        "start the upstream first, or correct --upstream.\n"
    )


@pytest.mark.parametrize("profile", ["openai", "kodexa", "loop-health"])
def test_an_upstream_that_goes_away_and_comes_back(profile: str) -> None:
    is_there = iter((True, False, True))

    async def script(request: UpstreamRequest) -> None:
        if next(is_there):
            request.json(completion("one two"))

    with gateway(script, profile) as gate:
        assert [gate.ask().status_code for _ in range(3)] == [200, 502 if profile == "kodexa" else 500, 200]
