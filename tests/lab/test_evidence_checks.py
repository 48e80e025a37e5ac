"""The lab checks evidence: judged again it gives the same record, and commands send the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.lab import evidence_checks
from conformance.lab.assembly import kill_matrices
from conformance.lab.evidence_checks import EvidenceChecks
from conformance.lab.kill_matrix import KillMatrix
from conformance.lab.rules import EVIDENCE_AGREES, rule_violations
from conformance.lab.targets import selected, targets_of

pytestmark = pytest.mark.lab

ALL_OVER = {
    "openai": (
        "delta.message-instead",
        "error-status.success-for-malformed",
        "stream-head.status-201",
        "over-enforces:request.stream_options.type",
        "breaks:completion.model.type",
        "breaks:completion.usage.prompt_tokens.required",
        "breaks:stream.chunk.choices.items.logprobs.content.items.logprob.required",
    ),
    "kodexa": (
        "upload.first-piece-refused",
        "ignores:request.type",
    ),
}
"""Faults from all over the catalogue: of rows, and of schema keywords. The evidence of further ones is judged again in
test_direct_judging.py."""
FAULTS = ("stream-end.done-missing", "error-form.string", "message.length-too-large", "now-and-then.damaged")
BOTH = EvidenceChecks(judged_again=True, reproduced=True)


def judged(*faults: str) -> KillMatrix:
    targets = {"loop-health": selected(targets_of("loop-health"), faults)}
    (matrix,) = kill_matrices(targets, workers=1, checks=BOTH)
    return matrix


def test_the_evidence_of_faults_passes_all_checks() -> None:
    matrix = judged(*FAULTS)
    assert [violation.sentence for violation in rule_violations(matrix) if violation.rule == EVIDENCE_AGREES] == []
    assert len(matrix.caught) == len(FAULTS)


@pytest.mark.parametrize("profile", ALL_OVER)
def test_evidence_judged_again_gives_the_same_record(profile: str) -> None:
    wanted = ALL_OVER[profile]
    targets = {profile: selected(targets_of(profile), wanted)}
    (matrix,) = kill_matrices(targets, workers=1, checks=EvidenceChecks(judged_again=True))
    assert [violation.sentence for violation in rule_violations(matrix) if violation.rule == EVIDENCE_AGREES] == []
    assert len(matrix.caught) == len(wanted)


def test_a_check_that_fails_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(*_: Any) -> Iterator[str]:
        yield "stream.done-once: results.json says failed, and judging the evidence again gives passed."

    def reproduce(*_: Any) -> Iterator[str]:
        yield "the command of stream/plain#1 sends different bytes than its request had"

    monkeypatch.setattr(evidence_checks, "record_differences", differ)
    monkeypatch.setattr(evidence_checks, "not_reproduced", reproduce)
    matrix = judged(FAULTS[0])
    sentences = [violation.sentence for violation in rule_violations(matrix) if violation.subject == FAULTS[0]]
    assert sentences == [
        f"{FAULTS[0]}: the command of stream/plain#1 sends different bytes than its request had",
        f"{FAULTS[0]}: judged again: stream.done-once: results.json says failed, and judging the evidence again gives"
        " passed.",
    ]
