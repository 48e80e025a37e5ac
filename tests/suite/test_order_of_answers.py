"""Which answer came first is chance where requests are sent side by side: the record of a run does not show it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import judge

from conformance.compare.record_differences import record_differences

pytestmark = [pytest.mark.network, pytest.mark.slow]

JUDGED = ("access.*", "error.*", "transport.*", "robustness.header-injection")
"""Requirements that look at the answers to many requests."""


def test_a_record_is_the_same_whatever_order_the_answers_came_in(tmp_path: Path) -> None:
    first = judge(tmp_path / "run", "loop-health", only=JUDGED)
    assert len(first.row("error.no-secrets")["exchanges"]) > 20
    path = tmp_path / "run" / "evidence" / "exchanges.jsonl"
    header, *answers, last = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # Those of one connection stay as they came: each of them had to wait for the one before it.
    moved = sorted(answers, key=lambda line: json.loads(line)["connection"], reverse=True)
    assert moved != answers
    path.write_text("".join([header, *moved, last]), encoding="utf-8")
    again = judge(tmp_path / "again", "loop-health", replay=tmp_path / "run")
    assert list(record_differences(first.document, again.document)) == []
