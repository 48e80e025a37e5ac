"""What the lab shows of evidence: judged again it gives the same record, and commands send the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conformance.commands.lab import judged
from conformance.lab import evidence_checks
from conformance.lab.evidence_checks import Proof
from conformance.lab.rules import SHOWN, breaches

FAULTS = ("stream-end.done-missing", "error-form.string", "message.length-too-large", "now-and-then.damaged")
BOTH = Proof(judged_again=True, reproduced=True)


def test_evidence_of_faults_shows_again_what_was_found() -> None:
    (told,) = judged(("loop-health",), FAULTS, workers=1, proof=BOTH)
    assert [breach.sentence for breach in breaches(told) if breach.rule == SHOWN] == []
    assert len(told.caught) == len(FAULTS)


def test_what_is_not_shown_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(*_: Any) -> Iterator[str]:
        yield "stream.done-once: results.json says failed, and judging the evidence again gives passed."

    def reproduce(*_: Any) -> Iterator[str]:
        yield "the command of stream/plain#1 sends other bytes than its request had"

    monkeypatch.setattr(evidence_checks, "differences", differ)
    monkeypatch.setattr(evidence_checks, "not_reproduced", reproduce)
    (told,) = judged(("loop-health",), FAULTS[:1], workers=1, proof=BOTH)
    sentences = [breach.sentence for breach in breaches(told) if breach.subject == FAULTS[0]]
    assert sentences == [
        f"{FAULTS[0]}: the command of stream/plain#1 sends other bytes than its request had",
        f"{FAULTS[0]}: judged again: stream.done-once: results.json says failed, and judging the evidence again gives"
        " passed.",
    ]
