"""What must hold of a kill matrix, and in which sentence it is told where it does not."""

from __future__ import annotations

from dataclasses import replace

from lab_samples import NO_DONE, TOLD, matrix

from conformance.lab.matrix import Result, changes
from conformance.lab.rules import CAUGHT, CLEAN, EXACT, KILLED, SHOWN, breaches


def rules_broken(**runs: object) -> list[tuple[str, str]]:
    return [(breach.rule, breach.sentence) for breach in breaches(matrix(**runs))]  # type: ignore[arg-type]


def test_a_fault_that_changes_just_what_it_declares_breaks_no_rule() -> None:
    assert rules_broken() == []


def test_a_fault_against_which_nothing_was_found_is_missed() -> None:
    assert (CAUGHT, "stream-end.no-done was not caught through stream.done-once") in rules_broken(fault={})
    assert matrix(fault={}).faults[0].result is Result.MISSED


def test_a_fault_that_something_else_was_found_against_is_caught_through_the_wrong_requirement() -> None:
    found = matrix(fault={"stream.ends": "warning"})
    assert found.faults[0].result is Result.ASIDE
    assert found.caught == ()
    sentences = [breach.sentence for breach in breaches(found)]
    assert "stream-end.no-done was not caught through stream.done-once, only through stream.ends" in sentences


def test_a_fault_is_caught_only_through_all_that_it_breaks() -> None:
    both = replace(NO_DONE, breaks=("stream.done-once", "stream.ends"))
    assert matrix(fault_row=both).faults[0].result is Result.ASIDE
    assert matrix(TOLD | {"stream.ends": "warning"}, fault_row=both).faults[0].result is Result.CAUGHT


def test_a_trap_that_is_accused_is_a_false_alarm() -> None:
    broken = rules_broken(trap={"completion.json": "failed"})
    assert [rule for rule, _ in broken] == [CLEAN]
    assert "trap.oddity is allowed, and was accused: completion.json" in broken[0][1]


def test_a_trap_may_not_take_an_outcome_away_without_saying_so() -> None:
    assert [rule for rule, _ in rules_broken(trap={"completion.json": "skipped"})] == [EXACT]


def test_an_outcome_that_a_fault_does_not_declare_is_told() -> None:
    broken = rules_broken(fault=TOLD | {"completion.json": "skipped"})
    assert broken == [
        (EXACT, "stream-end.no-done changes what it does not declare: completion.json (skipped)"),
    ]


def test_an_outcome_that_a_fault_declares_and_does_not_change_is_told() -> None:
    broken = rules_broken(fault={"stream.done-once": "warning"})
    assert broken == [(EXACT, "stream-end.no-done does not change what it declares: stream.done-last (skipped)")]


def test_what_a_fault_may_change_is_no_breach_either_way() -> None:
    unsure = replace(NO_DONE, may=frozenset({"completion.json"}))
    assert rules_broken(fault_row=unsure) == []
    assert rules_broken(fault=TOLD | {"completion.json": "failed"}, fault_row=unsure) == []


def test_a_requirement_that_no_fault_is_caught_through_is_told() -> None:
    whole = replace(matrix(), partial=False)
    idle = [breach.subject for breach in breaches(whole) if breach.rule == KILLED]
    assert "stream.ends" in idle
    assert "stream.done-once" not in idle


def test_that_a_fast_stream_was_too_short_to_judge_its_delivery_is_no_change() -> None:
    assert list(changes({"stream.delivered": "passed"}, {"stream.delivered": "skipped"})) == []
    assert list(changes({"stream.delivered": "passed"}, {"stream.delivered": "warning"})) == [
        ("stream.delivered", "warning")
    ]
    assert list(changes({"stream.ends": "passed"}, {"stream.ends": "skipped"})) == [("stream.ends", "skipped")]


def test_a_requirement_that_was_not_judged_at_all_is_a_change() -> None:
    assert list(changes({"stream.ends": "passed"}, {})) == [("stream.ends", "untested")]


def test_what_evidence_does_not_show_again_is_told() -> None:
    told = matrix()
    rows = tuple(replace(row, gaps=("judged again: it differs",)) if row.is_fault else row for row in told.rows)
    broken = [(breach.rule, breach.sentence) for breach in breaches(replace(told, rows=rows))]
    assert broken == [(SHOWN, "stream-end.no-done: judged again: it differs")]
