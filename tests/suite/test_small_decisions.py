"""Small decisions of the suite: what is an error, what was generated, what a cache may keep, when to try again."""

from __future__ import annotations

from typing import Any

import exchange_samples as samples
import pytest

from conformance.evidence import Redactor
from conformance.probes import Intent, Probe
from conformance.suite.expect import CannotTell
from conformance.suite.exposure import allows_sharing, has_generated
from conformance.suite.load import is_error, is_retry_after
from conformance.suite.obstacles import obstacle
from conformance.wire.exchange import BodyKept


@pytest.mark.parametrize("body", [{"error": {"message": "x"}}, {"error": "x"}, {"detail": "x"}, {"object": "error"}])
def test_errors_are_known_in_each_form(body: Any) -> None:
    assert is_error(body)


@pytest.mark.parametrize("body", [{}, [], None, {"choices": [{}], "error": {}}, {"id": "x", "choices": [{}]}, "error"])
def test_other_bodies_are_none(body: Any) -> None:
    assert not is_error(body)


@pytest.mark.parametrize("body", [{"choices": [{}]}, {"content": [{}]}, {"output": [{}]}, [{"generated_text": "x"}]])
def test_what_a_model_made_is_known(body: Any) -> None:
    assert has_generated(body)


@pytest.mark.parametrize("body", [None, {}, [], "x", {"error": {"message": "x"}}, {"choices": []}, {"status": "ok"}])
def test_what_no_model_made_is_not(body: Any) -> None:
    assert not has_generated(body)


@pytest.mark.parametrize("value", ["public, max-age=60", "s-maxage=10", "max-age=0, s-maxage=5"])
def test_what_shared_caches_may_keep(value: str) -> None:
    assert allows_sharing(value)


@pytest.mark.parametrize(
    "value", ["", "no-store", "private, max-age=60", "max-age=60", "public, max-age=0", "no-cache"]
)
def test_what_shared_caches_may_not_keep(value: str) -> None:
    assert not allows_sharing(value)


@pytest.mark.parametrize("value", ["0", "120", " 5 ", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_times_to_try_again(value: str) -> None:
    assert is_retry_after(value)


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "10s", "1999-12-31T23:59:59Z", "Fri, 31 Dec 1999 23:59:59"])
def test_what_is_no_time_to_try_again(value: str) -> None:
    assert not is_retry_after(value)


def test_an_answer_of_which_a_part_was_withheld_decides_nothing() -> None:
    key = "sk-canary-5e2d7f0a9b1c4836aa0f"
    probe = Probe("completion/plain", "a plain request", Intent.SERVED)
    dense = samples.exchange(key[:-1].encode() * 20_000)
    kept = Redactor({"api-key": key}).exchange(dense)
    assert kept.body_kept is BodyKept.WITHHELD
    found = obstacle(probe, kept, target_answers=True)
    assert isinstance(found, CannotTell)
    assert "was withheld" in str(found)
    assert obstacle(probe, dense, target_answers=True) is None
