"""No event costs much, however wrong it is: a hostile stream has hundreds of thousands of them.

Work is counted in calls, which are the same on every machine and under every load; the time that it takes is measured
by benchmarks/stream/malformed.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from malformed_events import EVENTS

from conformance.contract import load_contract
from conformance.reading import Expectations, SchemaJudge, StreamReader

COUNT = 1_000
MOST = 600
"""Calls of functions, Python's and C's, for one event."""


@pytest.fixture(scope="module")
def judges() -> tuple[SchemaJudge, SchemaJudge]:
    operation = load_contract("openai").operation
    chunks, errors = operation.response(200), operation.response(400)
    assert chunks is not None
    assert errors is not None
    assert chunks.item_schema is not None
    assert errors.json_schema is not None
    return SchemaJudge(chunks.item_schema), SchemaJudge(errors.json_schema)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_an_event_that_is_wrong_is_judged_in_few_calls(event: bytes, judges: tuple[SchemaJudge, SchemaJudge]) -> None:
    reader = StreamReader(Expectations(), *judges)
    reader.feed(event * 10)  # whatever is built only when it is first needed
    first = calls_of(lambda: reader.feed(event * COUNT))
    second = calls_of(lambda: reader.feed(event * COUNT))
    reading = reader.end()
    assert first < COUNT * MOST
    assert second < first * 1.1, "what came before makes an event dearer"
    assert sum(reading.counts.values()) >= COUNT
    assert len(reading.deviations) < 200


def calls_of(work: Callable[[], None]) -> int:
    """How many functions `work` calls, those that are written in C included."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls
