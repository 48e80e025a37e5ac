"""The rules that must hold for a kill matrix, and the sentence for each violation."""

from __future__ import annotations

from dataclasses import replace

from lab_samples import DECLARED, NO_DONE, matrix

from conformance.lab.kill_matrix import Detection, changes
from conformance.lab.rules import AS_DECLARED, CAUGHT, EVIDENCE_AGREES, KILLED, NO_FALSE_ALARM, rule_violations


def rules_broken(**runs: object) -> list[tuple[str, str]]:
    return [(violation.rule, violation.sentence) for violation in rule_violations(matrix(**runs))]  # type: ignore[arg-type]


def test_a_fault_that_changes_only_what_it_declares_violates_no_rule() -> None:
    assert rules_broken() == []


def test_a_fault_without_a_finding_is_missed() -> None:
    assert (CAUGHT, "stream-end.no-done was not caught through stream.done-once") in rules_broken(fault={})
    assert matrix(fault={}).faults[0].detection is Detection.MISSED


def test_a_fault_with_other_findings_is_caught_through_the_wrong_requirement() -> None:
    found = matrix(fault={"stream.ends": "warning"})
    assert found.faults[0].detection is Detection.WRONG_REQUIREMENT
    assert found.caught == ()
    sentences = [violation.sentence for violation in rule_violations(found)]
    assert "stream-end.no-done was not caught through stream.done-once, only through stream.ends" in sentences


def test_a_fault_is_caught_only_through_all_that_it_breaks() -> None:
    both = replace(NO_DONE, breaks=("stream.done-once", "stream.ends"))
    assert matrix(fault_row=both).faults[0].detection is Detection.WRONG_REQUIREMENT
    assert matrix(DECLARED | {"stream.ends": "warning"}, fault_row=both).faults[0].detection is Detection.CAUGHT


def test_an_allowed_variation_with_a_finding_is_a_false_alarm() -> None:
    broken = rules_broken(variation={"completion.json": "failed"})
    assert [rule for rule, _ in broken] == [NO_FALSE_ALARM]
    assert "trap.variation is allowed, but has findings: completion.json" in broken[0][1]


def test_an_allowed_variation_may_not_change_an_outcome_undeclared() -> None:
    assert [rule for rule, _ in rules_broken(variation={"completion.json": "skipped"})] == [AS_DECLARED]


def test_an_outcome_that_a_fault_does_not_declare_is_a_violation() -> None:
    broken = rules_broken(fault=DECLARED | {"completion.json": "skipped"})
    assert broken == [
        (AS_DECLARED, "stream-end.no-done changes what it does not declare: completion.json (skipped)"),
    ]


def test_an_outcome_that_a_fault_declares_and_does_not_change_is_a_violation() -> None:
    broken = rules_broken(fault={"stream.done-once": "warning"})
    assert broken == [(AS_DECLARED, "stream-end.no-done does not change what it declares: stream.done-last (skipped)")]


def test_what_a_fault_may_change_is_no_violation_either_way() -> None:
    unsure = replace(NO_DONE, may=frozenset({"completion.json"}))
    assert rules_broken(fault_row=unsure) == []
    assert rules_broken(fault=DECLARED | {"completion.json": "failed"}, fault_row=unsure) == []


def test_a_requirement_that_no_fault_is_caught_through_is_a_violation() -> None:
    whole = replace(matrix(), partial=False)
    unkilled = [violation.subject for violation in rule_violations(whole) if violation.rule == KILLED]
    assert "stream.ends" in unkilled
    assert "stream.done-once" not in unkilled


def test_a_stream_too_fast_to_judge_its_delivery_is_no_change() -> None:
    assert list(changes({"stream.delivered": "passed"}, {"stream.delivered": "skipped"})) == []
    assert list(changes({"stream.delivered": "passed"}, {"stream.delivered": "warning"})) == [
        ("stream.delivered", "warning")
    ]
    assert list(changes({"stream.ends": "passed"}, {"stream.ends": "skipped"})) == [("stream.ends", "skipped")]


def test_a_requirement_that_was_not_judged_at_all_is_a_change() -> None:
    assert list(changes({"stream.ends": "passed"}, {})) == [("stream.ends", "untested")]


def test_a_failed_check_of_evidence_is_a_violation() -> None:
    usual = matrix()
    results = tuple(
        replace(one, failed_checks=("judged again: it differs",)) if one.is_fault else one for one in usual.results
    )
    broken = [(violation.rule, violation.sentence) for violation in rule_violations(replace(usual, results=results))]
    assert broken == [(EVIDENCE_AGREES, "stream-end.no-done: judged again: it differs")]
