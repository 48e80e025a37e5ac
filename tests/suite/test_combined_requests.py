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
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
}


def _message(tmp_path: Path, breaks: Callable[[dict[str, Any]], bool]) -> Any:
    def answer(_: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        asked = json.loads(body)
        if breaks(asked):
            return BROKEN
        return 200, {"Content-Type": "application/json"}, json.dumps(COMPLETION).encode()

    with http_deployment(answer) as url:
        judged = judge(tmp_path, base_url=url, only=("request.no-server-error",))
    assert judged.outcomes["request.no-server-error"] == "failed"
    row = next(one for one in judged.document["requirements"] if one["id"] == "request.no-server-error")
    return next(one["actual"] for one in row["findings"] if one["exchange"].startswith("request/usual-fields#"))


def test_a_combination_that_breaks_alone_is_said_to_be_one(tmp_path: Path) -> None:
    said = _message(tmp_path, lambda asked: {"seed", "user"} <= asked.keys())
    assert "parts is served alone" in said
    assert "`user`" in said
    assert "`seed`" in said


def test_a_field_that_breaks_by_itself_is_named(tmp_path: Path) -> None:
    said = _message(tmp_path, lambda asked: "prompt_cache_key" in asked)
    assert said.startswith("a request with `prompt_cache_key` at a harmless value alone brings status 500, too (")
