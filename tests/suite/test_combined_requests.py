"""What a finding says of a request that breaks the server: whether its parts do, or only all of them together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import judge
from deployments import http_deployment

pytestmark = [pytest.mark.network, pytest.mark.process]
BROKEN = (500, {"Content-Type": "application/json"}, b'{"error":{"message":"Oops."}}')
CHUNK = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
}
Answer = tuple[int, dict[str, str], bytes]
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
}


def _finding(tmp_path: Path, row_id: str, probe: str, bad: Answer, breaks: Callable[[dict[str, Any]], bool]) -> Any:
    """The finding of a requirement about a probe, or a smaller one made of it, and the run that it is of."""

    def answer(_: dict[str, str], body: bytes) -> Answer:
        asked = json.loads(body)
        if breaks(asked):
            return bad
        if asked.get("stream") is True:
            return (
                200,
                {"Content-Type": "text/event-stream"},
                b"data: %s\n\ndata: [DONE]\n\n" % json.dumps(CHUNK).encode(),
            )
        return 200, {"Content-Type": "application/json"}, json.dumps(COMPLETION).encode()

    with http_deployment(answer) as url:
        judged = judge(tmp_path, base_url=url, only=(row_id,))
    assert judged.outcomes[row_id] in {"failed", "warning"}
    row = next(one for one in judged.document["requirements"] if one["id"] == row_id)
    findings = {one["exchange"].partition("#")[0].partition("/shrunk")[0]: one for one in row["findings"]}
    return findings[probe]


def _sent(tmp_path: Path, exchange: str) -> Any:
    lines = (tmp_path / "evidence" / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    found = next(one for one in map(json.loads, lines) if one.get("id") == exchange)
    return json.loads(found["request"]["body"])


def _message(tmp_path: Path, breaks: Callable[[dict[str, Any]], bool]) -> Any:
    return _finding(tmp_path, "request.no-server-error", "request/usual-fields", BROKEN, breaks)["actual"]


def test_a_combination_that_breaks_alone_is_brought_down_to_a_pair(tmp_path: Path) -> None:
    finding = _finding(
        tmp_path,
        "request.no-server-error",
        "request/usual-fields",
        BROKEN,
        lambda asked: {"seed", "user"} <= asked.keys(),
    )
    assert "parts is served alone; `user` and `seed` together bring it" in finding["actual"]
    assert _sent(tmp_path, finding["exchange"]).keys() == {"model", "messages", "max_tokens", "seed", "user"}


def test_what_is_served_apart_and_refused_together_is_told_by_its_pair(tmp_path: Path) -> None:
    finding = _finding(
        tmp_path,
        "request.served-together",
        "request/at-the-edge/3",
        (400, BROKEN[1], b'{"error":{"message":"This is not valid."}}'),
        lambda asked: asked.get("temperature") is not None and asked.get("top_p") is not None,
    )
    assert "`temperature` and `top_p` together bring it" in finding["actual"]
    assert _sent(tmp_path, finding["exchange"]).keys() == {"model", "messages", "max_tokens", "temperature", "top_p"}


def test_a_field_that_breaks_by_itself_is_named(tmp_path: Path) -> None:
    said = _message(tmp_path, lambda asked: "prompt_cache_key" in asked)
    assert said.startswith("a request with `prompt_cache_key` at a harmless value alone brings status 500, too (")
