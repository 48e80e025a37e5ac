"""A target whose outcomes violate a rule is judged once more, and the matrix says so."""

from __future__ import annotations

import pytest
from lab_samples import DECLARED, NO_DONE, VARIATION, matrix, usual_outcomes

from conformance.lab import assembly
from conformance.lab.assembly import to_recheck, with_rechecks
from conformance.lab.console import lab_text
from conformance.lab.judging import JudgedTarget
from conformance.lab.record import core, matrix_document
from conformance.lab.targets import LabTarget

TARGETS = [LabTarget(NO_DONE.id, "loop-health", fault=NO_DONE), LabTarget(VARIATION.id, "loop-health", fault=VARIATION)]


def test_what_violates_a_rule_is_judged_again() -> None:
    assert to_recheck(matrix(), TARGETS) == []
    assert to_recheck(matrix(fault={}), TARGETS) == TARGETS[:1]
    assert to_recheck(matrix(variation={"stream.ends": "failed"}), TARGETS) == TARGETS[1:]


def test_where_many_targets_violate_rules_nothing_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "MOST_RECHECKED", 0)
    assert to_recheck(matrix(fault={}), TARGETS) == []


def test_the_second_result_counts_and_is_marked() -> None:
    usual = usual_outcomes("loop-health")
    first = [
        ("loop-health", JudgedTarget(NO_DONE.id, dict(usual))),
        ("loop-health", JudgedTarget(VARIATION.id, dict(usual))),
    ]
    again = [("loop-health", JudgedTarget(NO_DONE.id, usual | DECLARED))]
    seen = with_rechecks(first, again)
    assert [(one.target, one.tries) for _, one in seen] == [(NO_DONE.id, 2), (VARIATION.id, 1)]
    assert seen[0][1].outcomes == usual | DECLARED


def test_console_and_record_name_what_was_judged_twice() -> None:
    once, twice = matrix(), matrix(tries=2)
    assert "judged twice" not in lab_text(once, (), {})
    assert f"judged twice      1   because they violated a rule the first time: {NO_DONE.id}" in lab_text(twice, (), {})
    assert matrix_document(twice)["targets"][3]["tries"] == 2
    assert core(matrix_document(once)) == core(matrix_document(twice))
