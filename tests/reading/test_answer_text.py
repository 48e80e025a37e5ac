"""What a text shows by itself: its fewest tokens, control tokens, and parts of the inside of a server."""

from __future__ import annotations

import pytest

from conformance.reading import control_token, fewest_tokens, server_internals

URL = "https://api.example.com:8443/v1/chat/completions"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 0), ("One", 1), (" " * 500, 1), ("-" * 500, 1), ("translatesAutoresizingMaskIntoConstraints", 1)],
)
def test_no_text_counts_more_tokens_than_it_may_have(text: str, tokens: int) -> None:
    assert fewest_tokens(text) == tokens


def test_a_long_text_is_more_than_one_token() -> None:
    assert fewest_tokens("one two three four five six seven eight nine ten eleven twelve thirteen fourteen") == 2


@pytest.mark.parametrize(
    "token", ["</s>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<\uff5cend\u2581of\u2581sentence\uff5c>"]
)
def test_tokens_of_chat_templates_are_known(token: str) -> None:
    assert control_token(f"Hello.{token}") == token


@pytest.mark.parametrize("text", ["<s>struck</s", "a <| b |> c", "<b>bold</b>", "if a < b and c > d", "[INSTALL]", ""])
def test_other_marks_are_not_control_tokens(text: str) -> None:
    assert control_token(text) is None


@pytest.mark.parametrize(
    "body",
    [
        b"Traceback (most recent call last):",
        b'File "/srv/x/main.py", line 12',
        b"at /app/src/routes/chat.js failed",
        b"connect ECONNREFUSED 10.0.12.7:8000",
        b"POST http://vllm:8000/v1/chat/completions",
        b"http://localhost:11434/api/chat",
        b"router.models.svc.cluster.local is busy",
        b"see http://127.0.0.1:9000",
    ],
)
def test_server_internals_are_found(body: bytes) -> None:
    assert server_internals(body, URL) is not None


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"See https://platform.openai.com/docs/guides/error-codes","code":"errors.internal"}}',
        b"https://errors.pydantic.dev/2.9/v/missing",
        b"version 10.2.3 of the model",
        b"https://api.example.com/app/keys.ts",
        b"the file must be below /data",
    ],
)
def test_what_callers_may_know_is_not_internal(body: bytes) -> None:
    assert server_internals(body, URL) is None


def test_the_address_of_the_target_is_not_internal() -> None:
    assert server_internals(b"see http://127.0.0.1:9000/docs", "http://127.0.0.1:9000/v1") is None
    assert server_internals(b"see http://127.0.0.1:9001/docs", "http://127.0.0.1:9000/v1") is not None
