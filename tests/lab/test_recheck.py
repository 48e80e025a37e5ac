"""A target whose outcomes break a rule is judged once more, and the matrix says so."""

from __future__ import annotations

import pytest
from lab_samples import NO_DONE, ODDITY, TOLD, USUAL, matrix

from conformance.lab import recheck
from conformance.lab.console import lab_text
from conformance.lab.judging import Seen
from conformance.lab.recheck import doubtful, with_second_looks
from conformance.lab.record import core, matrix_document
from conformance.lab.targets import LabTarget

TARGETS = [LabTarget(NO_DONE.id, "loop-health", fault=NO_DONE), LabTarget(ODDITY.id, "loop-health", fault=ODDITY)]


def test_what_breaks_a_rule_is_doubtful() -> None:
    assert doubtful(matrix(), TARGETS) == []
    assert doubtful(matrix(fault={}), TARGETS) == TARGETS[:1]
    assert doubtful(matrix(trap={"stream.ends": "failed"}), TARGETS) == TARGETS[1:]


def test_where_much_breaks_rules_nothing_is_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "MOST", 0)
    assert doubtful(matrix(fault={}), TARGETS) == []


def test_the_second_time_counts_and_is_told() -> None:
    first = [("loop-health", Seen(NO_DONE.id, dict(USUAL))), ("loop-health", Seen(ODDITY.id, dict(USUAL)))]
    again = [("loop-health", Seen(NO_DONE.id, USUAL | TOLD))]
    seen = with_second_looks(first, again)
    assert [(one.target, one.tries) for _, one in seen] == [(NO_DONE.id, 2), (ODDITY.id, 1)]
    assert seen[0][1].outcomes == USUAL | TOLD


def test_console_and_record_name_what_was_judged_twice() -> None:
    once, twice = matrix(), matrix(tries=2)
    assert "judged twice" not in lab_text(once, (), {})
    assert f"judged twice      1   which broke a rule the first time: {NO_DONE.id}" in lab_text(twice, (), {})
    assert matrix_document(twice)["targets"][3]["tries"] == 2
    assert core(matrix_document(once)) == core(matrix_document(twice))
