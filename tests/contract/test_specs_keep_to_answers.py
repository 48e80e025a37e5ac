"""The shipped contracts take the answers that their documents describe and refuse what deviates from them."""

from __future__ import annotations

from typing import Any

import pytest
from shipped_specs import PROFILES, accepts, cases, changed, operation, validator

USAGE = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
ORDINARY_COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "gpt-4o",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
    "usage": USAGE,
}
ORDINARY_CHUNK: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1700000000,
    "model": "gpt-4o",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}],
}
ENVELOPE = {"error": {"message": "No.", "type": "invalid_request_error", "param": None, "code": None}}
TOKEN = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105]}


@pytest.mark.parametrize("profile", PROFILES)
def test_an_ordinary_completion_and_chunk_fit(profile: str) -> None:
    validator(profile, "/components/schemas/Completion").validate(ORDINARY_COMPLETION)
    validator(profile, "/components/schemas/Chunk").validate(ORDINARY_CHUNK)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("body", [None, True, 1, "Hi", []])
def test_a_completion_and_a_chunk_are_objects(profile: str, body: Any) -> None:
    assert not accepts(profile, "Completion", body)
    assert not accepts(profile, "Chunk", body)


def test_the_refusal_and_the_log_probabilities_of_an_openai_chunk() -> None:
    for path, good, bad in [("delta.refusal", None, 1), ("logprobs", LOGPROBS, {"content": ["Hi"]})]:
        assert accepts("openai", "Chunk", changed(ORDINARY_CHUNK, f"choices.0.{path}", good))
        assert not accepts("openai", "Chunk", changed(ORDINARY_CHUNK, f"choices.0.{path}", bad))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("choices", []),
        ("choices.0.delta", {}),
        ("choices.0.delta.role", None),
        ("choices.0.delta.content", None),
        ("choices.0.finish_reason", "length"),
        ("usage", None),
        ("usage", USAGE),
        ("system_fingerprint", "fp"),
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_allowed_oddities_of_a_chunk_fit(profile: str, path: str, value: Any) -> None:
    assert accepts(profile, "Chunk", changed(ORDINARY_CHUNK, path, value))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        *[(name, ...) for name in ORDINARY_CHUNK],
        ("id", 1),
        ("object", "chat.completion"),
        ("created", "1700000000"),
        ("created", 1700000000.5),
        ("model", None),
        ("choices", None),
        ("choices.0", None),
        ("choices.0.index", ...),
        ("choices.0.index", "0"),
        ("choices.0.delta", ...),
        ("choices.0.delta", None),
        ("choices.0.delta.role", "bot"),
        ("choices.0.delta.content", ["Hi"]),
        ("choices.0.finish_reason", ...),
        ("choices.0.finish_reason", ""),
        ("choices.0.finish_reason", "eos"),
        ("usage", []),
        *[("usage", changed(USAGE, name, value)) for name in USAGE for value in (..., -1, 0.5)],
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_deviating_chunk_does_not_fit(profile: str, path: str, value: Any) -> None:
    assert not accepts(profile, "Chunk", changed(ORDINARY_CHUNK, path, value))


BAD_IN_ALL: list[tuple[str, Any]] = [
    *[(name, ...) for name in ("id", "model", "choices", "usage")],
    ("id", None),
    ("model", 1),
    ("choices", {}),
    ("choices.0.index", "0"),
    ("choices.0.index", ...),
    ("choices.0.message", ...),
    ("choices.0.message.role", "tool"),
    ("choices.0.message.role", ...),
    ("choices.0.message.content", ...),
    ("choices.0.message.content", 1),
    ("choices.0.finish_reason", ...),
    ("choices.0.finish_reason", None),
    ("usage", None),
    ("choices.0", None),
    ("choices.0.message", "Hi"),
    *[(f"usage.{name}", value) for name in USAGE for value in (..., "1", None)],
]
BAD_IN_OPENAI: list[tuple[str, Any]] = [
    ("object", ...),
    ("object", "chat.completion.chunk"),
    ("created", ...),
    ("created", "1700000000"),
    ("choices.0.index", 0.5),
    ("choices.0.message.role", "user"),
    ("choices.0.finish_reason", "eos"),
    *[(f"usage.{name}", value) for name in USAGE for value in (-1, 0.5)],
]
GONE_OR_WRONG: tuple[Any, ...] = (..., {})
LOGPROBS = {"content": [{**TOKEN, "top_logprobs": [TOKEN]}]}
BAD_LOGPROBS: list[tuple[str, Any]] = [
    ("choices.0.message.refusal", 1),
    ("choices.0.logprobs", []),
    *[("choices.0.logprobs", changed(LOGPROBS, "content", value)) for value in (..., "Hi", ["Hi"])],
    *[
        ("choices.0.logprobs", changed(LOGPROBS, f"content.0.{name}", value))
        for name in ("token", "logprob", "bytes", "top_logprobs", "top_logprobs.0.token", "top_logprobs.0.logprob")
        for value in GONE_OR_WRONG
    ],
    *[("choices.0.logprobs", changed(LOGPROBS, "content.0.bytes", value)) for value in ("Hi", ["H"])],
    *[("choices.0.logprobs", changed(LOGPROBS, "content.0.top_logprobs", value)) for value in (None, ["Hi"])],
    *[
        ("choices.0.logprobs", changed(LOGPROBS, "content.0.top_logprobs.0.bytes", value))
        for value in (*GONE_OR_WRONG, ["H"])
    ],
]


@pytest.mark.parametrize(
    ("profile", "path", "value"),
    cases(
        {
            "kodexa": BAD_IN_ALL + BAD_IN_OPENAI,
            "loop-health": [*BAD_IN_ALL, ("choices.0.message.content", None)],
            "openai": BAD_IN_ALL + BAD_IN_OPENAI + BAD_LOGPROBS,
        }
    ),
)
def test_a_deviating_completion_does_not_fit(profile: str, path: str, value: Any) -> None:
    assert not accepts(profile, "Completion", changed(ORDINARY_COMPLETION, path, value))


@pytest.mark.parametrize(
    ("profile", "path", "value"),
    cases(
        {
            "kodexa": [("choices.0.message.content", None), ("choices.0.logprobs", None), ("choices", [])],
            "loop-health": [
                ("object", ...),
                ("created", ...),
                ("choices.0.index", 0.0),
                ("choices.0.message.role", "user"),
                ("choices.0.finish_reason", "end_turn"),
                ("usage.total_tokens", 6.5),
            ],
            "openai": [
                ("choices.0.message.content", None),
                ("choices.0.message.refusal", None),
                ("choices.0.logprobs", None),
                ("choices.0.logprobs", {"content": None}),
                ("choices.0.logprobs", LOGPROBS),
                ("choices.0.logprobs", changed(LOGPROBS, "content.0.bytes", None)),
                ("choices.0.logprobs", changed(LOGPROBS, "content.0.top_logprobs.0.bytes", None)),
                ("service_tier", "default"),
            ],
        }
    ),
)
def test_what_the_document_leaves_open_in_a_completion_fits(profile: str, path: str, value: Any) -> None:
    assert accepts(profile, "Completion", changed(ORDINARY_COMPLETION, path, value))


@pytest.mark.parametrize("profile", ["kodexa", "openai"])
def test_the_error_envelope_of_openai(profile: str) -> None:
    assert accepts(profile, "Error", ENVELOPE)
    assert accepts(profile, "Error", changed(ENVELOPE, "error.code", "model_not_found"))
    assert accepts(profile, "Error", changed(ENVELOPE, "error.extra", 1))
    for name in ENVELOPE["error"]:
        assert not accepts(profile, "Error", changed(ENVELOPE, f"error.{name}", ...))
        assert not accepts(profile, "Error", changed(ENVELOPE, f"error.{name}", 400))
    assert not accepts(profile, "Error", {"error": "No."})
    assert not accepts(profile, "Error", "No.")
    assert not accepts(profile, "Error", {"message": "No."})


@pytest.mark.parametrize("status", ["400", "500", "default"])
def test_the_errors_of_loop_health(status: str) -> None:
    assert set(operation("loop-health")["responses"]) == {"200", "400", "500", "default"}  # the last one is inferred
    pointer = f"/paths/~1v1~1chat~1completions/post/responses/{status}/content/application~1json/schema"
    judge = validator("loop-health", pointer)
    assert judge.is_valid({"error": "bad_request", "message": "No."})
    assert not judge.is_valid({"error": "bad_request"})
    assert not judge.is_valid({"message": "No."})
    assert not judge.is_valid({"error": {"message": "No."}, "message": "No."})
    assert not judge.is_valid({"error": "bad_request", "message": None})
