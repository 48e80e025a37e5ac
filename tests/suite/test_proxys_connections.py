"""Who closes connections without a word is accused of it, but not for the proxy that the run itself goes through."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace

import pytest
from exchange_samples import exchange
from shipped_contracts import shipped_contract

from conformance.probes import Intent, Plan, Probe
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Answered, Observations
from conformance.suite.transport_judging import judge_closings, require_own_connections
from conformance.wire import BY_PROXY

CHUNKED = (("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"))
THROUGH_PROXY = {"robustness/chunked": BY_PROXY}


def judged(scheme: str, unsent: Mapping[str, str]) -> Expect:
    """What is found where each of four answers had a connection of its own."""
    row = shipped_contract("openai").requirement("transport.close-announced")
    assert row is not None
    expect = Expect(row)
    answers = []
    for number in range(1, 5):
        name = f"completion/{number}"
        one = exchange(b"{}", name=name, headers=CHUNKED, url=f"{scheme}://host/v1/chat/completions")
        one = replace(one, connection=number, started=f"2026-01-01T00:00:0{number}.000+00:00")
        assert one.answer is not None
        answers.append(Answered(Probe(name, "a request", Intent.SERVED), one, one.answer))
    seen = Observations(shipped_contract("openai"), Plan(()), [one.exchange for one in answers], unsent)
    judge_closings(answers, seen, expect)
    return expect


@pytest.mark.parametrize(("scheme", "unsent"), [("http", {}), ("https", {}), ("https", THROUGH_PROXY)])
def test_an_end_without_a_word_is_a_finding(scheme: str, unsent: Mapping[str, str]) -> None:
    assert len(judged(scheme, unsent).findings) == 1


def test_a_proxy_that_the_run_goes_through_may_close_its_connections() -> None:
    with pytest.raises(DoesNotApply, match="through a proxy"):
        judged("http", THROUGH_PROXY)


@pytest.mark.parametrize(("scheme", "theirs"), [("http", False), ("https", True)])
def test_fields_about_a_connection_to_a_proxy_are_the_proxys(scheme: str, theirs: bool) -> None:
    one = exchange(b"{}", headers=(("Proxy-Connection", "keep-alive"),), url=f"{scheme}://host/v1/chat/completions")
    seen = Observations(shipped_contract("openai"), Plan(()), [one], THROUGH_PROXY)
    with nullcontext() if theirs else pytest.raises(DoesNotApply, match="through a proxy"):
        require_own_connections(seen)
