"""What cannot be seen is blocked by the requirement that is broken there, and by nothing else."""

from __future__ import annotations

import pytest
from shipped_contracts import shipped_contract

from conformance.suite.blocking import with_blockers
from conformance.suite.expect import Expect, Judgement, NotTestable, conclude
from conformance.suite.outcome import Finding, Outcome


def judgement(name: str, outcome: Outcome, *exchanges: str, because: str | None = None) -> Judgement:
    """A judgement on a requirement of the OpenAI contract; a broken one has a finding on each exchange."""
    row = shipped_contract("openai").requirement(name)
    assert row is not None
    broken = outcome in {Outcome.FAILED, Outcome.WARNING}
    findings = tuple(Finding(name, exchange, "this", "that") for exchange in exchanges) if broken else ()
    return Judgement(row, outcome, ("why",), exchanges, findings, blocked_by=because)


BLOCKED = judgement("completion.object.const", Outcome.BLOCKED, "completion/plain#1", because="completion.served")


@pytest.mark.parametrize(
    ("others", "outcome", "by"),
    [
        ([judgement("completion.json", Outcome.FAILED, "completion/plain#1")], "blocked", "completion.json"),
        (
            [
                judgement("completion.charset", Outcome.WARNING, "completion/plain#1", "completion/stop#1"),
                judgement("completion.json", Outcome.FAILED, "completion/plain#1"),
            ],
            "blocked",
            "completion.json",
        ),
        ([judgement("completion.served", Outcome.FAILED, "completion/stop#1")], "blocked", "completion.served"),
        ([], "blocked", "completion.served"),
        ([judgement("completion.served", Outcome.PASSED, "completion/plain#1")], "inconclusive", None),
    ],
)
def test_the_blocker_is_what_is_broken_on_the_same_exchange(
    others: list[Judgement], outcome: str, by: str | None
) -> None:
    found = with_blockers([*others, BLOCKED])[-1]
    assert (found.outcome, found.blocked_by) == (outcome, by)


def test_a_waived_finding_still_blocks() -> None:
    served = judgement("completion.served", Outcome.WAIVED, "completion/plain#1")
    assert with_blockers([served, BLOCKED])[-1].blocked_by == "completion.served"


def test_a_test_that_cannot_see_is_blocked_and_not_failed() -> None:
    row = shipped_contract("openai").requirement("stream.done-once")
    assert row is not None
    found = conclude(Expect(row), NotTestable("no stream", "stream/plain#1", because="stream.status"))
    assert (found.outcome, found.exchanges, found.blocked_by) == ("blocked", ("stream/plain#1",), "stream.status")
