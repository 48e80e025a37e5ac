"""A setup that cannot be judged is one sentence after a handful of requests, and never called nonconformant."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import judge
from deployments import Answer, http_deployment

from conformance.targets import Limits

pytestmark = pytest.mark.network

IMPATIENT = Limits(first_byte_timeout=0.3, deadline=0.3, idle_timeout=0.3, retry_after_limit=0.0)
MOST_REQUESTS = 5


def error(status: int, message: str, **more: Any) -> Answer:
    """An error in the envelope of the OpenAI API."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None, **more}})
    return status, {"Content-Type": "application/json"}, body.encode()


def page(status: int, title: str) -> Answer:
    """A page for people."""
    return status, {"Content-Type": "text/html"}, f"<!doctype html><title>{title}</title>".encode()


def always(answer: Answer) -> Callable[[dict[str, str], bytes], Answer]:
    """A deployment that gives every request the same answer."""
    return lambda _head, _body: answer


SETUPS = {
    "key": (error(401, "Incorrect API key provided."), ["401", "Incorrect API key provided.", "CONFORMANCE_API_KEY"]),
    "forbidden": (error(403, "Not for you."), ["403", "Not for you.", "CONFORMANCE_API_KEY"]),
    "firewall": (page(403, "You have been blocked"), ["403", "You have been blocked", "page", "--header"]),
    "model": (
        error(404, "The model `gpt-9` does not exist.", code="model_not_found"),
        ["404", "gpt-9", "CONFORMANCE_MODEL"],
    ),
    "model-403": (error(403, "No access to model x.", code="model_not_found"), ["403", "CONFORMANCE_MODEL"]),
    "model-400": (error(400, "Invalid model name passed in model=m."), ["400", "CONFORMANCE_MODEL"]),
    "route": (error(404, "Not Found"), ["404", "--base-url", "/chat/completions", "/v1"]),
    "route-text": ((404, {"Content-Type": "text/plain"}, b"404 page not found"), ["404 page not found", "--base-url"]),
    "method": (error(405, "Method Not Allowed"), ["405", "--base-url"]),
    "login-page": (page(200, "Sign in"), ["200", "Sign in", "page"]),
    "redirect": (
        (302, {"Location": "https://login.example/?next=1"}, b""),
        ["302", "https://login.example/", "redirect"],
    ),
    "rate-limit": (error(429, "Quota exceeded."), ["429", "Quota exceeded.", "--rate"]),
    "no-backend": (error(503, "No healthy upstream."), ["503", "No healthy upstream."]),
}


@pytest.mark.parametrize("name", SETUPS)
def test_a_setup_that_cannot_be_judged_is_one_sentence(name: str, tmp_path: Path) -> None:
    answer, words = SETUPS[name]
    with http_deployment(always(answer)) as url:
        judged = judge(tmp_path, base_url=url, limits=IMPATIENT)
    assert judged.status == 3
    assert judged.document["verdict"] == "inconclusive"
    (reason,) = judged.document["reasons"]
    assert [word for word in words if word not in reason] == []
    assert judged.document["preflight"]["problem"] == reason
    assert 1 <= judged.document["exchanges"]["count"] <= MOST_REQUESTS
    assert set(judged.outcomes.values()) == {"untested"}


def test_no_answer_in_time_is_no_verdict(tmp_path: Path) -> None:
    never = threading.Event()

    def hanging(_head: dict[str, str], _body: bytes) -> Answer:
        never.wait(3)
        return error(500, "Too late.")

    with http_deployment(hanging) as url:
        judged = judge(tmp_path, base_url=url, limits=IMPATIENT)
    assert judged.status == 3
    assert "--timeout" in judged.document["reasons"][0]
    assert judged.document["exchanges"]["count"] <= MOST_REQUESTS


def test_https_to_a_server_without_it_names_the_scheme(tmp_path: Path) -> None:
    with http_deployment(always(error(404, "no"))) as url:
        judged = judge(tmp_path, base_url=url.replace("http:", "https:"), limits=IMPATIENT)
    assert judged.status == 3
    assert "http://" in judged.document["reasons"][0]


def test_a_deployment_that_ends_at_the_first_request_is_not_told_as_a_wrong_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def end_at_first_byte() -> None:
            while True:
                connection, _ = listening.accept()
                with connection:
                    if connection.recv(1):
                        listening.close()
                        return

        threading.Thread(target=end_at_first_byte, daemon=True).start()
        judged = judge(tmp_path, base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", limits=IMPATIENT)
    assert judged.status == 3
    assert "crashed" in judged.document["reasons"][0]


@pytest.mark.parametrize("answer", [error(500, "Boom."), page(502, "Bad Gateway"), error(504, "Upstream timed out.")])
def test_errors_of_the_server_are_the_one_finding_and_block_all_else(answer: Answer, tmp_path: Path) -> None:
    with http_deployment(always(answer)) as url:
        judged = judge(tmp_path, base_url=url, limits=IMPATIENT)
    assert judged.status == 1
    assert judged.document["exchanges"]["count"] == 3
    assert judged.musts("failed") == ["completion.served"]
    rest = [row for row in judged.document["requirements"] if row["id"] != "completion.served"]
    assert {(row["outcome"], row["blocked_by"]) for row in rest} == {("blocked", "completion.served")}


def test_a_refusal_that_no_setting_explains_is_the_deployments_own_fault(tmp_path: Path) -> None:
    with http_deployment(always(error(400, "Something went wrong."))) as url:
        judged = judge(tmp_path, base_url=url, limits=IMPATIENT)
    assert judged.status == 1
    assert "completion.served" in judged.musts("failed")
    assert "completion.choices.required" not in judged.musts("failed")


def test_without_the_preflight_everything_is_judged(tmp_path: Path) -> None:
    with http_deployment(always(SETUPS["key"][0])) as url:
        judged = judge(tmp_path, base_url=url, limits=IMPATIENT, preflight=False)
    assert judged.status == 1
    assert judged.document["exchanges"]["count"] > 100
    blocked = [row for row in judged.document["requirements"] if row["outcome"] == "blocked"]
    assert len(blocked) > 100
    causes = {row["blocked_by"] for row in blocked}
    assert causes <= {row["id"] for row in judged.document["requirements"] if row["outcome"] in {"failed", "warning"}}


def test_what_was_sent_is_in_the_evidence_and_judged_alike_again(tmp_path: Path) -> None:
    with http_deployment(always(SETUPS["model"][0])) as url:
        live = judge(tmp_path / "live", base_url=url)
    replayed = judge(tmp_path / "again", replay=tmp_path / "live")
    assert replayed.status == live.status == 3
    assert replayed.document["reasons"] == live.document["reasons"]
    assert replayed.outcomes == live.outcomes


def test_a_first_failure_that_passes_is_told_and_blocks_nothing(tmp_path: Path) -> None:
    seen: list[bytes] = []

    def at_first(_head: dict[str, str], body: bytes) -> Answer:
        seen.append(body)
        if len(seen) == 1:
            return error(500, "Cold start.")
        completion = {
            "id": f"c-{len(seen)}",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hi.", "refusal": None},
                    "finish_reason": "stop",
                }
            ],
        }
        return 200, {"Content-Type": "application/json"}, json.dumps(completion).encode()

    with http_deployment(at_first) as url:
        judged = judge(tmp_path, base_url=url, only=("completion.served", "completion.object.const"))
    assert judged.outcomes["completion.served"] == "failed"
    assert judged.row("completion.served")["findings"][0]["exchange"] == "preflight/try-1#1"
    assert judged.outcomes["completion.object.const"] == "passed"
