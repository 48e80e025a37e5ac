"""The gate: what is known from a baseline does not fail a run, and a waiver that does nothing does."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from comparable_runs import TODAY, requirement, run_of, waiver

from conformance.compare import CompareError, against, check_baseline, identity
from conformance.contract.model import Level, Section, Tier
from conformance.gate.decision import gate
from conformance.report import Omission, ProfileView, Results
from conformance.report.results import GateStatus
from conformance.suite.outcome import UNDECIDED, Finding, Outcome

PLAIN, USAGE = ("stream/plain#1", "one [DONE]"), ("stream/usage#1", "one [DONE]")


def broken(*findings: tuple[str | None, str]) -> Results:
    return run_of(requirement("stream.done-once", Outcome.FAILED, *findings), requirement("error.envelope"))


def gated(results: Results, baseline: Results) -> Results:
    compared = replace(results, baseline=against(results, baseline))
    return replace(compared, gate=gate(compared, TODAY))


def status(results: Results) -> str:
    return gate(results, TODAY).status.value


def test_without_baseline_and_waivers_the_gate_is_the_verdict() -> None:
    assert status(run_of(requirement("error.envelope"))) == "passed"
    assert status(broken(PLAIN)) == "failed"
    assert status(run_of(requirement("error.envelope", Outcome.INCONCLUSIVE))) == "undecided"
    assert gate(broken(PLAIN), TODAY).reasons == ()


def test_what_is_in_the_baseline_does_not_fail_the_run_and_is_reported() -> None:
    run = gated(broken(PLAIN), broken(PLAIN))
    assert run.verdict == "nonconformant"
    assert run.gate is not None
    assert run.gate.status == "passed"
    assert run.gate.reasons == (
        "The baseline is the run of 2026-11-27T10:00:00+00:00 against https://host/v1.",
        "1 requirement is broken as in the baseline: stream.done-once.",
    )


@pytest.mark.parametrize(
    ("finding", "known"),
    [(USAGE, True), ((None, "one [DONE]"), True), (("stream/plain#1", "at most one [DONE]"), False)],
    ids=["by another probe", "without an answer", "in another way"],
)
def test_what_was_broken_already_is_new_only_where_it_breaks_in_another_way(
    finding: tuple[str | None, str], known: bool
) -> None:
    run = gated(broken(PLAIN, finding), broken(PLAIN))
    assert run.gate is not None
    assert run.gate.status == ("passed" if known else "failed")
    assert run.baseline is not None
    assert run.baseline.new == (() if known else ("stream.done-once",))


def test_a_requirement_that_held_in_the_baseline_is_new_by_whatever_probe() -> None:
    run = gated(broken(USAGE), run_of(requirement("stream.done-once"), requirement("error.envelope")))
    assert run.baseline is not None
    assert run.baseline.new == ("stream.done-once",)


def test_what_is_fixed_is_reported() -> None:
    run = gated(broken(PLAIN), broken(PLAIN, USAGE))
    assert run.baseline is not None
    assert (run.baseline.known, run.baseline.fixed) == (("stream.done-once",), ("stream.done-once",))
    green = gated(run_of(requirement("stream.done-once"), requirement("error.envelope")), broken(PLAIN))
    assert green.gate is not None
    assert "1 requirement has lost findings of the baseline: stream.done-once." in green.gate.reasons


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.UNTESTED])
def test_what_could_not_be_decided_is_not_fixed_and_leaves_the_gate_undecided(outcome: Outcome) -> None:
    run = gated(run_of(requirement("stream.done-once", outcome), requirement("error.envelope")), broken(PLAIN))
    assert run.baseline is not None
    assert run.baseline.fixed == ()
    assert run.gate is not None
    assert run.gate.status == "undecided"


@pytest.mark.parametrize("before", sorted(UNDECIDED))
@pytest.mark.parametrize("now", sorted(UNDECIDED))
def test_what_the_baseline_left_undecided_too_does_not_hold_the_gate_back(before: Outcome, now: Outcome) -> None:
    earlier = run_of(requirement("access.tenants", before), requirement("error.envelope"))
    run = gated(run_of(requirement("access.tenants", now), requirement("error.envelope")), earlier)
    assert run.verdict == "inconclusive"
    assert run.gate is not None
    assert run.gate.status == "passed"
    assert "1 requirement is undecided, as in the baseline, and does not count: access.tenants." in run.gate.reasons


def test_what_the_baseline_decided_or_did_not_have_holds_the_gate_back() -> None:
    for earlier in (run_of(requirement("access.tenants")), run_of(requirement("error.envelope"))):
        run = gated(run_of(requirement("access.tenants", Outcome.UNTESTED), requirement("error.envelope")), earlier)
        assert run.gate is not None
        assert run.gate.status == "undecided"
        assert run.baseline is not None
        assert run.baseline.undecided == ()


def test_a_run_that_shows_nothing_stays_undecided_whatever_the_baseline_was() -> None:
    nothing = run_of(requirement("access.tenants", Outcome.INCONCLUSIVE))
    assert gated(nothing, nothing).gate is not None
    assert gated(nothing, nothing).gate.status == "undecided"  # type: ignore[union-attr] # it has one


def test_a_requirement_without_findings_is_known_as_such() -> None:
    assert gated(broken(), broken()).gate == replace(gate(gated(broken(), broken()), TODAY), status=GateStatus.PASSED)
    assert against(broken(PLAIN), broken()).known == ("stream.done-once",)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("a/b#1", "10 tokens, as in a/c#1"), ("a/b#3", "12 tokens, as in a/c#2"), True),
        (("a/b#1", "the id chatcmpl-9f27ab12cd34"), ("a/b#1", "the id x-000000000000"), True),
        (("a/b#1", "the created 1795324858"), ("a/b#1", "the created 1795329999"), True),
        (("a/b#1", "the same id in every chunk, 'chatcmpl-xyz'"), ("a/b#1", "the same id in every chunk, 'q1'"), True),
        (("a/b#1", 'the id "Ab_c" of req-7f'), ("a/b#1", 'the id "c" of req-19'), True),
        (("a/b#1", "the address http://127.0.0.1:4312/v1"), ("a/b#1", "the address http://127.0.0.1:99/v1"), True),
        (
            ("a/b#1", "no time before Sun, 29 Nov 2026 06:30:00 GMT"),
            ("a/b#1", "no time before Mon, 30 Nov 2026 00:00:01 GMT"),
            True,
        ),
        (("a/b#1", "text as in completion/long-answer#1"), ("a/b#1", "text as in completion/plain#2"), True),
        (("a/b#1", "the contract's error object"), ("a/b#1", "the contract's error envelope"), False),
        (("a/b#1", "an object with `param`"), ("a/b#1", "an object with `code`"), False),
        (("a/b#1", "error.code: a string"), ("a/b#1", "error.type: a string"), False),
        (("a/b#1", "a string"), ("a/c#1", "a string"), False),
    ],
)
def test_a_finding_is_the_same_but_for_what_is_peculiar_to_a_run(
    one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    found = [identity(Finding("x.y", exchange, expected, f"came {exchange}")) for exchange, expected in (one, other)]
    assert (found[0] == found[1]) is same


@pytest.mark.parametrize(
    "text", ["a." * 50_000, '"' * 99_999, '"\\' * 50_000, "#1" * 50_000, "'" * 99_999, "1,2." * 25_000]
)
def test_a_hostile_expectation_costs_next_to_nothing(text: str) -> None:
    finding, began = Finding("x.y", "a/b#1", text, "came"), time.process_time()
    for _ in range(100):
        identity(finding)
    assert time.process_time() - began < 1


def test_a_baseline_of_another_profile_is_refused() -> None:
    other = replace(broken(PLAIN), profile=ProfileView("kodexa", "", "1", "b" * 64))
    with pytest.raises(CompareError, match="the baseline is a run of the profile kodexa, not openai"):
        check_baseline(other, "openai")


def test_an_expired_waiver_fails_the_run_whether_it_is_needed_or_not() -> None:
    for row in (requirement("stream.done-once"), requirement("stream.done-once", Outcome.UNTESTED)):
        run = run_of(requirement("error.envelope"), row, waivers=(waiver("stream.*", expires="2026-11-26"),))
        assert gate(run, TODAY).reasons == (
            "The waiver of stream.* (us) expired on 2026-11-26; renew it, or remove it.",
        )
        assert status(run) == "failed"


@pytest.mark.parametrize(
    ("row", "probe", "stale"),
    [
        (requirement("stream.done-once"), None, True),
        (requirement("stream.done-once", Outcome.SKIPPED), None, True),
        (requirement("stream.done-once", Outcome.WAIVED, PLAIN), None, False),
        (requirement("stream.done-once", Outcome.FAILED, PLAIN), None, False),
        (requirement("stream.done-once", Outcome.WARNING), None, False),
        (requirement("stream.done-once", Outcome.INCONCLUSIVE), None, False),
        (requirement("stream.done-once", Outcome.UNTESTED), None, False),
        (requirement("error.envelope"), None, False),
        (requirement("stream.done-once", Outcome.FAILED, PLAIN), "stream/plain", False),
        (requirement("stream.done-once", Outcome.FAILED, PLAIN, exchanges=("stream/usage#1",)), "stream/usage", True),
        (requirement("stream.done-once", Outcome.FAILED, PLAIN), "stream/usage", False),
    ],
)
def test_a_waiver_is_stale_once_all_that_it_is_about_was_decided_and_holds(
    row: object, probe: str | None, stale: bool
) -> None:
    run = run_of(requirement("error.media-type"), row, waivers=(waiver("stream.*", probe),))  # type: ignore[arg-type]
    printed = "no longer matches any violation; remove it." in " ".join(gate(run, TODAY).reasons)
    assert printed is stale


def test_a_waiver_is_not_stale_for_what_a_larger_tier_judges() -> None:
    beyond = (Omission("stream.done-twice", Level.MUST, Section.STREAM, "x", "judged by the exhaustive tier"),)
    run = run_of(requirement("stream.done-once"), waivers=(waiver("stream.*"),), beyond_tier=beyond)
    assert status(run) == "passed"


def test_a_waiver_for_a_probe_that_is_in_no_tier_is_stale_in_the_largest() -> None:
    run = run_of(requirement("stream.done-once"), waivers=(waiver("stream.*", "no/such"),))
    assert status(run) == "passed"
    assert status(replace(run, tier=Tier.EXHAUSTIVE)) == "failed"
