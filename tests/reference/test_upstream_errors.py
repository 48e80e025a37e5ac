"""What is read in an upstream's error, whatever its form."""

from __future__ import annotations

import json
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference.errors import ProviderError, Refusal
from conformance.reference.providers.adaptation import MOST_TRIES, other_forms
from conformance.reference.providers.upstream_error import UpstreamError, read_error
from conformance.reference.providers.upstream_failure import failure_of
from conformance.reference.providers.upstream_form import Form

SENT = {"model": "m", "messages": [], "max_tokens": 5, "stop": ["x"], "temperature": 0, "user": "u", "stream": True}
FIELDS = SENT.keys() - {"model", "messages"}


@pytest.mark.parametrize(
    ("body", "message", "named"),
    [
        ({"error": {"message": "No.", "param": "stop"}}, "No.", ("stop",)),
        ({"error": {"message": "No.", "param": "stop[0]"}}, "No.", ("stop",)),
        ({"error": "The field `stop` is not known"}, "The field `stop` is not known", ("stop",)),
        ({"message": "temperature must be > 0", "object": "error"}, "temperature must be > 0", ("temperature",)),
        ({"detail": "unknown: max_tokens"}, "unknown: max_tokens", ("max_tokens",)),
        ({"detail": [{"loc": ["body", "stop", 0], "msg": "Not allowed"}]}, "Not allowed", ("stop",)),
        ({"errors": [{"message": "'stop' and 'temperature'"}]}, "'stop' and 'temperature'", ("stop", "temperature")),
        ({"error": {"message": "roles must alternate user/assistant"}}, "roles must alternate user/assistant", ()),
        ({"error": {"message": "top_stop, stop_it and max_tokens_x"}}, "top_stop, stop_it and max_tokens_x", ()),
        ({"error": {"param": 7, "message": None}}, "", ()),
        ({"error": []}, "", ()),
        ([], "", ()),
        (None, "", ()),
    ],
)
def test_the_message_and_the_field_of_an_error_are_found(body: Any, message: str, named: tuple[str, ...]) -> None:
    error = read_error(400, json.dumps(body).encode())
    assert error.message == message
    assert error.named(FIELDS) == named


@pytest.mark.parametrize(
    ("message", "least", "most"),
    [
        ("Expected a value >= 16, but got 5 instead.", 16, None),
        ("Input should be greater than or equal to 16", 16, None),
        ("must be at least 3", None, None),
        ("max_tokens must be at most 2", None, 2),
        ("the maximum is 4", None, 4),
        ("up to 4096", None, None),
        ("use gpt-5 with 16", None, None),
    ],
)
def test_a_bound_counts_where_it_explains_the_refusal(message: str, least: int | None, most: int | None) -> None:
    error = UpstreamError(400, message)
    assert (error.least(5), error.most(5)) == (least, most)


@given(
    st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps({"error": {"message": text}}).encode())
)
def test_whatever_an_upstream_says_is_an_error_that_a_client_may_see(body: bytes) -> None:
    for status in (400, 401, 422, 429, 500, 777):
        failure = failure_of(read_error(status, body), SENT, key="sk-key", host="model.internal")
        assert isinstance(failure, Refusal | ProviderError)
        assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in failure.message)
        assert "model.internal" not in failure.message


@given(
    st.lists(
        st.sampled_from(["stop", "max_tokens", "context length", "stream", "roles", "temperature", "x"]), max_size=3
    )
)
def test_the_forms_to_try_come_to_an_end(words: list[str]) -> None:
    forms = list(other_forms(Form(), SENT, UpstreamError(400, " ".join(words))))
    assert len(forms) <= MOST_TRIES


def test_a_long_message_is_shown_quickly_and_shortly() -> None:
    began = time.process_time()
    for text in ("a" * 4096, "a1" * 2048, "/a" * 2048, "a.a-" * 1024, "key " * 1024):
        assert len(UpstreamError(400, text).shown(key=None, host="h")) <= 240
    assert time.process_time() - began < 1.0
