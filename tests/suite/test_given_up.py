"""A gateway that gives up a completion which nothing limits is not accused of refusing the request."""

from __future__ import annotations

import pytest

from conformance.suite.obstacles import LONG, given_up

UNLIMITED = {"model": "m", "messages": []}


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_after_a_long_time_is_the_targets_own_time_limit(status: int) -> None:
    assert f"after 60 s ({status})" in str(given_up(UNLIMITED, status, 60.0))


@pytest.mark.parametrize(
    ("sent", "status", "seconds"),
    [
        (UNLIMITED, 500, LONG / 10),
        (UNLIMITED, 400, 60.0),
        ({**UNLIMITED, "max_tokens": 2}, 502, 60.0),
        ({**UNLIMITED, "max_completion_tokens": 2}, 502, 60.0),
        ("a", 502, 60.0),
    ],
)
def test_no_other_error_is_excused(sent: object, status: int, seconds: float) -> None:
    assert given_up(sent, status, seconds) is None
