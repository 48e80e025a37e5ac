"""What tells a target apart is in the record, and a target that changes while it is judged is said so."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path

import pytest
from command_line import judge
from deployments import Answer, http_deployment

from conformance.suite.fingerprint import _changed

pytestmark = pytest.mark.network


def served(fingerprint: str, server_version: str) -> Answer:
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": "m",
        "system_fingerprint": fingerprint,
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop", "logprobs": None}
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return 200, {"Content-Type": "application/json", "X-App-Version": server_version}, json.dumps(body).encode()


def test_a_target_that_is_replaced_while_it_is_judged_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = count(1)
    with http_deployment(lambda _, __: served("fp_old" if next(numbers) <= 100 else "fp_new", "7")) as url:
        run = judge(tmp_path, base_url=url)
    found = run.document["fingerprint"]
    assert found["start"]["system_fingerprint"] == "fp_old"
    assert found["end"]["system_fingerprint"] == "fp_new"
    assert found["start"]["x-app-version"] == found["end"]["x-app-version"] == "7"
    assert found["start"]["http"] == "HTTP/1.1"
    sentence = (
        "The target changed while it was judged: its system_fingerprint was 'fp_old' at the start and 'fp_new' at"
        " the end."
    )
    assert found["changes"] == [sentence]
    assert sentence in run.document["reasons"]
    assert sentence in capsys.readouterr().out


def test_a_target_that_stays_the_same_changes_nothing(tmp_path: Path) -> None:
    found = judge(tmp_path, only=("completion.*",)).document["fingerprint"]
    assert found["changes"] == []
    assert found["start"]["model"] == found["end"]["model"]


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ("aaaabbbb", True),
        ("aaaaababbabbbb", True),
        ("aaaabbbbcccc", True),
        ("aaaaaaa", False),
        ("aaabbbb", False),  # too few to tell
        ("aabbbbbbbbb", False),
        ("ababababab", False),  # two instances that take turns
        ("aaaabbbbaaaa", False),
        ("aaaabababababababbbb", False),
        ("aaaabcdefg", False),  # a trait that is new in each answer
        ("a", False),
    ],
)
def test_only_what_changed_for_good_is_a_change(values: str, changed: bool) -> None:
    assert _changed(list(values)) is changed
