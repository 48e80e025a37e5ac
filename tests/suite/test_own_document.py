"""A user's own OpenAPI document, with rows of their own, judged against a deployment of their own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import CLI, Judged, call, judge
from deployments import Answer, http_deployment

pytestmark = [pytest.mark.network, pytest.mark.process]

JSON = {"Content-Type": "application/json"}
VERSIONS = ("3.0.3", "3.1.1", "3.2.0")
TEAMS = ("red", "blue")
ROWS = """
- id: error.team-unknown
  statement: A team that nobody founded is refused with 422 and the list of teams.
  level: MUST
  case:
    request: {body: {team: nobody}}
    expect:
      status: 422
      media_type: application/json
      schema: {type: object, required: [teams]}

- id: error.allow-header
  level: SHOULD

- id: robustness.at-once
  excluded: Our gateway serves one request after another.
"""


def document(version: str) -> dict[str, Any]:
    above_nought = {"minimum": 0, "exclusiveMinimum": True} if version.startswith("3.0") else {"exclusiveMinimum": 0}
    message = {
        "type": "object",
        "required": ["role", "content"],
        "properties": {"role": {"type": "string", "enum": ["user", "assistant"]}, "content": {"type": "string"}},
    }
    request = {
        "type": "object",
        "required": ["team", "messages"],
        "properties": {
            "team": {"type": "string", "minLength": 2, "maxLength": 12, "example": "red"},
            "priority": {"type": "integer", **above_nought},
            "messages": {"type": "array", "minItems": 1, "items": message},
            "max_tokens": {"type": "integer", "minimum": 1},
            "temperature": {"type": "number", "minimum": 0, "maximum": 2},
        },
    }
    completion = {
        "type": "object",
        "required": ["id", "choices", "served_for"],
        "properties": {
            "id": {"type": "string"},
            "choices": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["message"]}},
            "served_for": {"type": "string", "minLength": 2},
        },
    }
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    return {
        "openapi": version,
        "info": {"title": "The gateway of our house", "version": "7"},
        "paths": {
            "/llm/v2/talk": {
                "post": {
                    "requestBody": {"required": True, "content": {"application/json": {"schema": request}}},
                    "responses": {
                        "200": {"description": "Served.", "content": {"application/json": {"schema": completion}}},
                        "4XX": {"description": "Refused.", "content": {"application/json": {"schema": error}}},
                    },
                }
            }
        },
        "components": {"securitySchemes": {"house": {"type": "apiKey", "in": "header", "name": "X-House-Key"}}},
        "security": [{"house": []}],
        "x-conformance": {
            "operation": "POST /llm/v2/talk",
            "profile": "our-house",
            "requirements": "rows.yaml",
            "request": {"team": "red", "messages": [{"role": "user", "content": "Say hello."}]},
        },
    }


def gateway(*, too_long_is_fine: bool = False, strangers_are_fine: bool = False) -> Callable[..., Answer]:
    """The deployment of that document; what is `fine` although it must be refused makes it a bad one."""
    numbers = itertools.count(1)

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        refusal = refused(headers, body)
        if refusal is not None:
            return refusal
        request = json.loads(body)
        team = request["team"]
        if len(team) > 12 and not too_long_is_fine:
            return said(400, error="The team is too long.")
        if team not in TEAMS and len(team) <= 12 and "nobody" in team and not strangers_are_fine:
            return said(422, error="There is no such team.", teams=TEAMS)
        choice = {"index": 0, "message": {"role": "assistant", "content": "Hello!"}, "finish_reason": "stop"}
        return said(
            200,
            id=f"talk-{next(numbers)}-{time.time_ns()}",
            object="chat.completion",
            created=int(time.time()),
            model="house",
            choices=[choice],
            usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            served_for=team,
        )

    return answer


def said(status: int, **fields: Any) -> Answer:
    return status, JSON, json.dumps(fields).encode()


def refused(headers: dict[str, str], body: bytes) -> Answer | None:
    """How a request is refused for its route, its key or its form."""
    if headers[":path"] != "/llm/v2/talk":
        return said(404, error="There is nothing here.")
    if headers[":method"] != "POST":
        return said(405, error="Only POST.")
    if {name.lower(): value for name, value in headers.items()}.get("x-house-key") != "key-of-the-house":
        status, fields, content = said(401, error="The key is missing or wrong.")
        return status, {**fields, "WWW-Authenticate": "ApiKey"}, content
    try:
        request = json.loads(body.decode("utf-8"), parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError, RecursionError):
        return said(400, error="This is not JSON.")
    return None if is_valid(request) else said(400, error="The request is not valid.")


def is_valid(request: Any) -> bool:
    if not isinstance(request, dict) or not {"team", "messages"} <= request.keys():
        return False
    numbers = [request[name] for name in ("priority", "max_tokens") if name in request]
    messages, temperature = request["messages"], request.get("temperature", 1)
    return (
        type(temperature) in {int, float}
        and 0 <= temperature <= 2
        and isinstance(request["team"], str)
        and len(request["team"]) >= 2
        and all(type(number) in {int, float} and number % 1 == 0 and number >= 1 for number in numbers)
        and isinstance(messages, list)
        and bool(messages)
        and all(isinstance(one, dict) and is_message(one) for one in messages)
    )


def is_message(message: dict[str, Any]) -> bool:
    return message.get("role") in ("user", "assistant") and isinstance(message.get("content"), str)


@pytest.fixture(params=VERSIONS)
def profile(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of the document, in one version of OpenAPI; its key is in the environment."""
    monkeypatch.setenv("CONFORMANCE_API_KEY", "key-of-the-house")
    (tmp_path / "rows.yaml").write_text(ROWS, encoding="utf-8")
    path = tmp_path / "house.openapi.yaml"
    path.write_text(json.dumps(document(request.param)), encoding="utf-8")
    return str(path)


def failures(judged: Judged) -> dict[str, list[str]]:
    rows = judged.document["requirements"]
    return {row["id"]: row["messages"] for row in rows if row["outcome"] == "failed"}


def test_a_deployment_that_keeps_the_document_is_conformant(profile: str, tmp_path: Path) -> None:
    with http_deployment(gateway()) as url:
        judged = judge(tmp_path / "out", profile, base_url=url)
    assert failures(judged) == {}
    assert judged.musts("inconclusive") + judged.musts("untested") == []
    assert judged.status == 0
    assert judged.document["profile"]["name"] == "our-house"
    assert judged.outcomes["error.team-unknown"] == "passed"
    assert judged.outcomes["request.team.max-length"] == "passed"
    assert judged.outcomes["request.priority.exclusive-minimum"] == "passed"
    assert judged.outcomes["completion.served_for.min-length"] == "passed"


def test_a_lowered_row_warns_and_an_excluded_one_is_not_judged(profile: str, tmp_path: Path) -> None:
    with http_deployment(gateway()) as url:
        judged = judge(tmp_path / "out", profile, base_url=url, only=("error.allow-header", "robustness.*"))
    row = judged.row("error.allow-header")
    assert (row["level"], row["outcome"]) == ("SHOULD", "warning")
    assert "robustness.at-once" not in judged.outcomes


def test_a_deployment_that_breaks_a_keyword_and_a_declared_case_is_nonconformant(profile: str, tmp_path: Path) -> None:
    bad = gateway(too_long_is_fine=True, strangers_are_fine=True)
    with http_deployment(bad) as url:
        judged = judge(tmp_path / "out", profile, base_url=url)
    assert judged.status == 1
    failed = failures(judged)
    assert failed.keys() == {"request.team.max-length", "error.team-unknown"}
    assert any("422" in message for message in failed["error.team-unknown"])


def test_a_document_without_a_deployment_needs_a_base_url(profile: str, tmp_path: Path) -> None:
    done = call((*CLI, "run", profile), tmp_path)
    assert done.returncode == 2
    assert "--base-url" in done.stderr
