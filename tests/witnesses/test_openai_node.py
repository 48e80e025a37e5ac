"""The official Node client of the OpenAI API; `witness.mjs` holds the conversations, this what they come to."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from witness_deployments import ANSWER, Deployment

pytestmark = [pytest.mark.network, pytest.mark.node]

HERE = Path(__file__).parent / "node"
Seen = dict[str, Any]


def conversations(deployment: Deployment) -> Seen:
    header = "x-api-key" if deployment.profile == "kodexa" else "bearer"
    command = ["node", str(HERE / "witness.mjs"), deployment.sdk_base_url, deployment.reference.model, header]
    environment = {"PATH": os.environ["PATH"], "WITNESS_KEY": deployment.reference.api_key}
    ended = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    seen: Seen = json.loads(ended.stdout)
    return seen


@pytest.fixture(scope="module")
def kept() -> dict[str, Seen]:
    return {}


@pytest.fixture
def seen(compatible: Deployment, kept: dict[str, Seen]) -> Seen:
    if compatible.profile not in kept:
        kept[compatible.profile] = conversations(compatible)
    return kept[compatible.profile]


def texts(chunks: list[Seen]) -> dict[int, str]:
    joined: dict[int, str] = defaultdict(str)
    for chunk in chunks:
        for choice in chunk["choices"]:
            joined[choice["index"]] += choice["delta"].get("content") or ""
    return dict(joined)


def test_a_completion_and_its_stream_say_the_same(seen: Seen) -> None:
    whole = seen["whole"]["choices"][0]["message"]
    assert whole["role"] == "assistant"
    assert whole["content"].startswith(ANSWER)
    assert texts(seen["chunks"]) == {0: whole["content"]}
    assert {chunk["object"] for chunk in seen["chunks"]} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in seen["chunks"]}) == 1


def test_a_limit_and_a_stop_sequence(seen: Seen) -> None:
    assert seen["cut"]["choices"][0]["finish_reason"] == "length"
    assert seen["cut"]["usage"]["completion_tokens"] == 1
    assert seen["stopped"]["choices"][0]["message"]["content"] == "You said: Hello "
    assert seen["stopped"]["choices"][0]["finish_reason"] == "stop"


def test_two_choices_whole_and_as_a_stream(seen: Seen) -> None:
    assert [choice["index"] for choice in seen["two"]["choices"]] == [0, 1]
    assert texts(seen["two_chunks"]) == {0: "You said: Hello ", 1: "You said: Hello "}


def test_a_stream_that_is_given_up(seen: Seen) -> None:
    assert seen["given_up"] == "chat.completion.chunk"


def test_errors_have_their_classes(seen: Seen) -> None:
    errors = seen["errors"]
    assert {name: (error["class"], error["status"]) for name, error in errors.items()} == {
        "invalid": ("BadRequestError", 400),
        "invalid_stream": ("BadRequestError", 400),
        "no_messages": ("BadRequestError", 400),
        "unknown_model": ("NotFoundError", 404),
        "wrong_key": ("AuthenticationError", 401),
    }
    assert errors["invalid"]["param"] == "temperature"
    assert errors["wrong_key"]["code"] == "invalid_api_key"


def test_usage_and_log_probabilities_of_a_stream(deployments: dict[str, Deployment], kept: dict[str, Seen]) -> None:
    seen = kept.get("openai") or conversations(deployments["openai"])
    *before, last = seen["counted"]
    assert [chunk.get("usage") for chunk in before] == [None] * len(before)
    assert last["choices"] == []
    assert seen["assembled"]["usage"] == last["usage"]
    assert seen["assembled"]["choices"][0]["message"]["content"].startswith(ANSWER)
    listed = seen["logprobs"]["choices"][0]["logprobs"]["content"]
    assert [len(entry["top_logprobs"]) for entry in listed] == [2, 2, 2]
