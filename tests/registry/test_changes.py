"""Which run tells how a version stands, since when, and what a change of a verdict comes from."""

from __future__ import annotations

from registry_samples import BAD, GOOD, OPEN, judged, row, run, subject

from conformance.contract.model import Level, Tier
from conformance.registry.changes import Cause, VerdictChange, changes_of
from conformance.registry.run import Run
from conformance.registry.subjects import subjects_of
from conformance.suite.outcome import Outcome, Verdict


def only_change(*runs: Run) -> VerdictChange:
    (change,) = changes_of(subjects_of(runs))
    return change


# --- how it stands -------------------------------------------------------------------------------------------------


def test_a_verdict_holds_since_the_first_run_of_an_unbroken_row() -> None:
    good, bad = judged(a=row(GOOD)), judged(a=row(BAD))
    one = subject(run(1, "1", good), run(2, "2", bad), run(3, "3", good), run(4, "4", good))
    assert [one.since(version).day[-2:] for version in one.versions] == ["01", "02", "03", "03"]


def test_a_later_run_of_a_smaller_tier_hides_nothing() -> None:
    one = subject(run(1, "1", judged(a=row(BAD))), run(2, "1", judged(a=row(GOOD)), tier=Tier.SMOKE))
    assert one.newest.deciding.verdict is Verdict.NONCONFORMANT


def test_the_newest_version_is_the_one_that_was_judged_first_at_last() -> None:
    good = judged(a=row(GOOD))
    assert subject(run(1, "1", good), run(2, "2", good), run(3, "1", good)).newest.name == "2"


def test_a_run_that_did_not_decide_interrupts_nothing() -> None:
    one = subject(run(1, "1", judged(a=row(BAD))), run(2, "2", judged(a=row(OPEN))), run(3, "3", judged(a=row(BAD))))
    assert one.broken_since(one.newest, "a").day == "2026-11-01"


# --- why it changed ------------------------------------------------------------------------------------------------


def test_the_same_words_judged_otherwise_are_the_suite() -> None:
    change = only_change(
        run(1, "1", judged(a=row(BAD)), judged("1", a=row(GOOD)), made_elsewhere="made by chat-conformance 0.0.9")
    )
    assert change.causes == (Cause.SUITE,)
    assert change.rows[0].why.endswith("than made by chat-conformance 0.0.9")


def test_a_new_requirement_another_level_and_other_words_are_the_document() -> None:
    newest = judged(a=row(BAD), b=row(BAD), c=row(BAD, digest="two"), d=row(BAD))
    recorded = judged("1", a=row(BAD, scored=False), b=row(Outcome.WARNING, level=Level.SHOULD), c=row(GOOD))
    change = only_change(run(1, "1", newest, recorded))
    assert change.causes == (Cause.DOCUMENT,)
    assert [one.why for one in change.rows] == [
        "release 2 has it, and what the run was scored by did not",
        "release 2 has it as a MUST, and what the run was scored by as a SHOULD",
        "it rests on other words in release 2",
        "release 2 has it, and what the run was scored by did not",
    ]


def test_what_a_release_dropped_is_the_document() -> None:
    change = only_change(run(1, "1", judged(b=row(GOOD)), judged("1", a=row(BAD), b=row(GOOD))))
    assert [(one.requirement, one.cause, one.why) for one in change.rows] == [
        ("a", Cause.DOCUMENT, "release 2 does not have it")
    ]


def test_other_answers_are_the_deployment() -> None:
    change = only_change(run(1, "1", judged(a=row(GOOD))), run(2, "2", judged(a=row(BAD))))
    assert change.causes == (Cause.DEPLOYMENT,)
    assert change.is_worse


def test_a_larger_tier_and_other_waivers_are_the_run() -> None:
    smoke = run(1, "1", judged(a=row(GOOD)), tier=Tier.SMOKE)
    change = only_change(smoke, run(2, "2", judged(a=row(GOOD), b=row(BAD))))
    assert change.causes == (Cause.RUN,)
    assert "the smoke tier before, and the standard tier now" in change.rows[0].why
    waived = run(1, "1", judged(a=row(Outcome.WAIVED)), waived=("a",))
    assert only_change(waived, run(2, "2", judged(a=row(BAD)))).causes == (Cause.RUN,)


def test_a_verdict_that_stays_is_no_change() -> None:
    assert changes_of(subjects_of([run(1, "1", judged(a=row(BAD))), run(2, "2", judged(b=row(BAD)))])) == ()
