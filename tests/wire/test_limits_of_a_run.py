"""A run has as many requests under way as its target answers in time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exchange_samples import exchange

from conformance.contract.model import Tier
from conformance.running.limits import limits_of, paced
from conformance.wire.exchange import Ending, EndKind, Exchange


def after(seconds: float, status: int = 200) -> Exchange:
    sent = exchange(b"{}")
    assert sent.answer is not None
    return replace(sent, answer=replace(sent.answer, status=status), ending=Ending(EndKind.COMPLETE, at=seconds))


@pytest.mark.parametrize(("seconds", "at_once"), [(0.01, 16), (1.2, 16), (2.0, 10), (2.6, 8), (30.0, 8)])
def test_fewer_requests_go_at_once_where_the_first_answers_are_slow(seconds: float, at_once: int) -> None:
    assert paced(limits_of({}), [after(0.01), after(seconds)]).concurrency == at_once


def test_a_refusal_says_nothing_about_the_time_of_an_answer() -> None:
    assert paced(limits_of({}), [after(30.0, status=400)]).concurrency == 16
    assert paced(limits_of({}), []).concurrency == 16


@pytest.mark.parametrize(("asked", "at_once"), [({"concurrency": 12}, 12), ({"tier": Tier.LOAD}, 64)])
def test_what_is_asked_for_stays(asked: dict[str, object], at_once: int) -> None:
    assert paced(limits_of(asked), [after(30.0)]).concurrency == at_once


def test_a_longer_time_limit_bears_more_at_once() -> None:
    assert paced(limits_of({"timeout": 180}), [after(4.0)]).concurrency == 15


@pytest.mark.parametrize(("timeout", "silence"), [(10, 10), (60, 30), (180, 90)])
def test_a_longer_time_limit_bears_a_longer_silence_within_a_body(timeout: float, silence: float) -> None:
    assert limits_of({"timeout": timeout}).idle_timeout == silence
