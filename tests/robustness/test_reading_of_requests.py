"""How a deployment reads requests, judged on a socket: what is allowed causes no finding, each fault one of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from raw_reader import INTERIM, Manner
from robustness_judge import broken, judge, undecided

from conformance.contract.model import Tier
from conformance.suite.outcome import Outcome

pytestmark = pytest.mark.network

ALLOWED = {
    "as HTTP wants it": Manner(),
    "417 to an expectation": Manner(expects="refuse"),
    "411 to a chunked body": Manner(chunked="refuse"),
    "400 to a cut body": Manner(cut="refuse"),
    "no answer to two lengths": Manner(two_lengths="close"),
    "closed after the first of two pipelined requests": Manner(pipelined="close"),
    "closed after every answer": Manner(every_answer="close"),
    "an interim answer before every other": Manner(before=INTERIM),
}


@pytest.mark.parametrize("manner", ALLOWED.values(), ids=ALLOWED)
def test_an_allowed_manner_causes_no_finding(manner: Manner, tmp_path: Path) -> None:
    judgements = judge(manner, tmp_path)
    assert broken(judgements) == set()
    assert undecided(judgements) == {}


TRANSPORT_ALLOWED = ("an interim answer before every other", "closed after every answer", "417 to an expectation")


@pytest.mark.parametrize("name", TRANSPORT_ALLOWED)
def test_an_allowed_http_message_causes_no_finding(name: str, tmp_path: Path) -> None:
    judgements = judge(ALLOWED[name], tmp_path, ("transport.*",), Tier.STANDARD)
    assert broken(judgements) == set()
    assert judgements["transport.status-line"].outcome is Outcome.PASSED


FAULTS = {
    "7-28 no 100 (Continue)": (
        Manner(expects="silence"),
        {"robustness.expect-continue"},
        r"got neither until the body was sent; then status 200",
    ),
    "7-28 an expectation is never answered": (
        Manner(expects="hang"),
        {"robustness.expect-continue"},
        r"expected 100 \(Continue\) or a final answer; got no answer in time",
    ),
    "7-28 a chunked body is an error": (
        Manner(chunked="error"),
        {"robustness.chunked-request"},
        r"4xx refusal for a body in the chunked coding; got status 500",
    ),
    "7-28 a chunked body is never answered": (
        Manner(chunked="hang"),
        {"robustness.chunked-request"},
        r"no answer \(first-byte-timeout",
    ),
    "7-34 a cut body is served": (
        Manner(cut="serve"),
        {"robustness.cut-upload"},
        r"no success; got status 200, for \d+ of the \d+ bytes that the request announces",
    ),
    "7-34 a cut body is waited for": (
        Manner(cut="wait"),
        {"robustness.cut-upload-ends"},
        r"a closed connection; got first-byte-timeout after",
    ),
    "7-34 a cut body is an error of the server": (
        Manner(cut="error"),
        {"robustness.cut-upload-ends"},
        r"a 4xx, or a closed connection; got status 500",
    ),
    "7-34 a cut body is answered with 503": (
        Manner(cut="busy"),
        {"robustness.cut-upload-ends"},
        r"a 4xx, or a closed connection; got status 503",
    ),
    "two lengths are served": (Manner(two_lengths="serve"), {"robustness.two-lengths"}, r"got status 200"),
    "pipelined answers are swapped": (
        Manner(pipelined="swap"),
        {"robustness.pipelining", "stream.own-answer"},
        r"the answer to the request in its place; got 'canary-[a-z]+', which stands in robustness/pipelined-",
    ),
}


@pytest.mark.parametrize(("manner", "breaks", "message"), FAULTS.values(), ids=FAULTS)
def test_a_fault_breaks_its_own_requirement(manner: Manner, breaks: set[str], message: str, tmp_path: Path) -> None:
    judgements = judge(manner, tmp_path)
    assert broken(judgements) == breaks & judgements.keys()
    first = sorted(breaks)[0]
    assert re.search(message, " ".join(judgements[first].messages)), judgements[first].messages
    assert undecided(judgements) == {}
