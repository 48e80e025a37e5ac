"""curl: what it says of the HTTP of each answer."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from witness_deployments import ANSWER, Deployment

pytestmark = [pytest.mark.curl, pytest.mark.network]


@dataclass(frozen=True)
class Said:
    status: int
    media_type: str
    headers: str
    body: str


def curl(deployment: Deployment, tmp_path: Path, body: object, *more: str, key: str | None = None) -> Said:
    """Send a body with curl; it fails on an answer whose framing it cannot follow."""
    content = body if isinstance(body, str) else json.dumps(body)
    fields = deployment.key if key is None else deployment.header_for(key)
    lines = [f'header = "{name}: {value}"' for name, value in fields.items()]
    headers, got = tmp_path / "headers", tmp_path / "body"
    command = ["curl", "--disable", "--silent", "--show-error", "--no-buffer", "--max-time", "30", "--config", "-"]
    command += ["--header", "Content-Type: application/json", "--data-raw", content]
    command += ["--dump-header", str(headers), "--output", str(got), "--write-out", "%{http_code} %{content_type}"]
    ended = subprocess.run(
        [*command, *more, deployment.url],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    status, _, media_type = ended.stdout.partition(" ")
    return Said(int(status), media_type, headers.read_text(), got.read_text() if got.exists() else "")


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
def test_a_completion_and_a_stream(deployment: Deployment, tmp_path: Path, version: str) -> None:
    whole = curl(deployment, tmp_path, deployment.body(), version)
    assert (whole.status, whole.media_type) == (200, "application/json")
    assert json.loads(whole.body)["choices"][0]["message"]["content"].startswith(ANSWER)

    streamed = curl(deployment, tmp_path, deployment.body(stream=True), version)
    assert (streamed.status, streamed.media_type.partition(";")[0]) == (200, "text/event-stream")
    assert streamed.body.endswith("data: [DONE]\n\n")


def test_a_body_that_is_announced_chunked_or_in_parts(deployment: Deployment, tmp_path: Path) -> None:
    for more in ("Expect: 100-continue", "Transfer-Encoding: chunked"):
        assert curl(deployment, tmp_path, deployment.body(), "--header", more).status == 200


def test_an_error_tells_its_status_and_its_media_type(deployment: Deployment, tmp_path: Path) -> None:
    for body in ('{"messages": [', deployment.body(temperature=3), deployment.body(temperature=3, stream=True)):
        said = curl(deployment, tmp_path, body)
        assert (said.status, said.media_type) == (400, "application/json")
        assert "error" in json.loads(said.body)


def test_a_wrong_key_is_challenged(deployment: Deployment, tmp_path: Path) -> None:
    said = curl(deployment, tmp_path, deployment.body(), key="wrong")
    assert said.status == 401
    assert "www-authenticate:" in said.headers.lower()


def test_a_wrong_method_is_told_the_right_one(deployment: Deployment, tmp_path: Path) -> None:
    said = curl(deployment, tmp_path, deployment.body(), "--request", "PUT")
    assert said.status == 405
    assert "allow: post" in said.headers.lower()
