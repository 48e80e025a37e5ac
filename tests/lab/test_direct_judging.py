"""The lab calls the suite's tests directly; what it judges is what a run of pytest judges."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import judge

from conformance.lab.evidence_checks import EvidenceChecks
from conformance.lab.judging import judge_targets
from conformance.lab.observing import evidence_folder
from conformance.lab.targets import targets_of

pytestmark = pytest.mark.lab

JUDGED_AGAIN = EvidenceChecks(judged_again=True)
"""What test_evidence_checks.py has of other faults: judging the evidence once more gives the same record."""

CHOSEN = {
    "openai": ("control", "stream-end.done-missing", "completion.byte-order-mark", "ignores:request.type"),
    "kodexa": ("error-status.crash-on-malformed", "breaks:completion.choices.items.type"),
    "loop-health": ("error-form.string", "message.length-too-large"),
}
"""Passed, failed, warned of, blocked, skipped and undecided requirements, in all sections."""


@pytest.mark.parametrize("profile", CHOSEN)
def test_a_test_that_is_called_directly_judges_as_pytest_has_it_judge(profile: str, tmp_path: Path) -> None:
    targets = [target for target in targets_of(profile) if target.id in CHOSEN[profile]]
    assert len(targets) == len(CHOSEN[profile])
    judged = {one.target: one for one in judge_targets(targets, tmp_path / "kept", JUDGED_AGAIN)}
    for target in targets:
        again = judge(
            tmp_path / target.id.replace(":", "_"), profile, replay=evidence_folder(tmp_path / "kept", target)
        )
        rows = {row["id"]: row for row in again.document["requirements"] if row["outcome"] != "untested"}
        direct = judged[target.id]
        assert {name: row["outcome"] for name, row in rows.items()} == {
            name: outcome for name, outcome in direct.outcomes.items() if outcome != "untested"
        }
        assert {name: row["blocked_by"] for name, row in rows.items() if row["outcome"] == "blocked"} == {
            name: blocker for name, blocker in direct.blocked_by.items() if name in rows
        }
        assert not direct.broken
        assert direct.failed_checks == ()


def test_a_test_that_breaks_by_itself_is_a_defect_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    from conformance.suite.expect import Expect  # noqa: PLC0415 - patched here only

    def break_down(*_: object) -> None:
        raise ZeroDivisionError("by itself")

    monkeypatch.setattr(Expect, "looked_at", break_down)
    (target,) = [target for target in targets_of("loop-health") if target.id == "control"]
    (judged,) = judge_targets([target])
    assert judged.broken
    assert judged.broken[0].endswith("ZeroDivisionError: by itself")
