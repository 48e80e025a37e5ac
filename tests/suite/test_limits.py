"""What a target says that it does not take is read from its errors: from what a machine reads, and from the words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conformance.suite.limits import declared_limit, declared_too_long, limit_of_its_own

LONG = {"messages": [{"role": "user", "content": "a" * 2000}]}


def error(message: str, **members: Any) -> bytes:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **members}}).encode()


@pytest.mark.parametrize(
    ("amount", "body", "limit"),
    [
        (128, error('n: Validation error: range [{"max": Number(10)}]', param="n", code="x"), "at most 10"),
        (128, error("Invalid value.", param="n", code="integer_above_max_value"), "less than 128"),
        (128, error("n is out of range 1..8", param="n"), "at most 8"),
        (128, b'{"detail":[{"loc":["body","n"],"msg":"Input is wrong","type":"less_than_equal"}]}', "less than 128"),
        (0, error("n is out of range 1..8", param="n"), "at least 1"),
        (0, error("Invalid value.", param="n", code="integer_below_min_value"), "more than 0"),
        (128, b"n must be at most 4", "at most 4"),
    ],
)
def test_a_limit_is_read_from_param_code_and_numbers(amount: int, body: bytes, limit: str) -> None:
    assert declared_limit("n", amount, 400, body) == limit


@pytest.mark.parametrize(
    ("amount", "body"),
    [
        (128, error("Invalid value.", param="n", code="invalid_value")),
        (128, error("Invalid value.", param="stop", code="integer_above_max_value")),
        (128, error("n must be at most 128", param="n", code="integer_above_max_value")),
        (128, error("n must be at least 1", param="n")),
        (128, error("n must be between 1 and 128", param="n")),
        (128, b'{"error":{"message":"Invalid value.","param":"n","code":400}}'),
        (5, error("n is out of range 1..8", param="n")),
        (None, error("n must be at most 4", param="n")),
    ],
)
def test_no_limit_is_read_from_a_refusal_that_shows_none(amount: Any, body: bytes) -> None:
    assert declared_limit("n", amount, 400, body) is None


@pytest.mark.parametrize(
    "body",
    [
        error("Too many.", code="context_length_exceeded"),
        error("request (4017 tokens) exceeds the available context size (1024 tokens), try increasing it"),
        error("This model's maximum context length is 1024 tokens."),
        b"prompt is too long: 4017 tokens > 1024 maximum",
    ],
)
def test_a_request_beyond_the_context_is_known_whoever_words_it(body: bytes) -> None:
    assert declared_too_long(LONG, 400, body)
    assert limit_of_its_own(LONG, 400, body) == "only what fits into its context"


def test_a_short_request_exceeds_no_context() -> None:
    body = error("Too many.", code="context_length_exceeded")
    assert not declared_too_long({"messages": [{"role": "user", "content": "Say hello."}]}, 400, body)
    assert not declared_too_long(LONG, 500, body)
