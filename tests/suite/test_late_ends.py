"""A stream whose body ends late is not accused where refusals, which generate nothing, take as long."""

from __future__ import annotations

import pytest
from shipped_contracts import shipped_contract
from stream_samples import DONE, FINISH, HELLO, exchange, stream

from conformance.probes import Intent, Probe
from conformance.reading import read_stream
from conformance.suite.expect import CannotTell, Expect
from conformance.suite.observations import Answered, Stream
from conformance.suite.stream_judging import judge_ends
from conformance.wire.exchange import EndKind, Exchange

QUICK, SLOW = 0.01, 4.0


def refusals(seconds: float) -> list[Exchange]:
    return [exchange(b"{}", status=400, ended=seconds) for _ in range(10)]


def streamed(*, ended: float, kind: EndKind = EndKind.COMPLETE) -> Stream:
    """A stream whose sentinel comes 1 s after the request."""
    one = exchange(stream(*HELLO, FINISH, DONE), ended=ended, kind=kind)
    assert one.answer is not None
    return Stream(Answered(Probe("stream/plain", "a stream", Intent.SERVED), one, one.answer), read_stream(one))


def expectation() -> Expect:
    row = shipped_contract("openai").requirement("stream.ends")
    assert row is not None
    return Expect(row)


def test_a_late_end_is_a_finding_where_refusals_are_quick() -> None:
    expect = expectation()
    judge_ends([streamed(ended=1.1), streamed(ended=4.5)], refusals(QUICK), expect)
    assert len(expect.findings) == 1


def test_a_late_end_is_none_where_refusals_take_as_long() -> None:
    expect = expectation()
    judge_ends([streamed(ended=1.1), streamed(ended=4.5)], refusals(SLOW), expect)
    assert (expect.judged, expect.findings) == (1, [])


def test_where_every_end_is_late_nothing_is_decided() -> None:
    with pytest.raises(CannotTell, match=r"ended 3\.500 s after .* one refusal in ten takes 4\.000 s"):
        judge_ends([streamed(ended=4.5)], refusals(SLOW), expectation())


def test_a_stream_that_never_ends_is_a_finding_however_slow_refusals_are() -> None:
    expect = expectation()
    judge_ends([streamed(ended=4.5, kind=EndKind.IDLE_TIMEOUT)], refusals(SLOW), expect)
    assert len(expect.findings) == 1
