"""How pytest shows a judgement: as the outcome of a test, with the requirement and what was found."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.quoting import log_line
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Outcome

_AS_SKIPPED = (Outcome.BLOCKED, Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.SKIPPED, Outcome.WAIVED)
_LETTERS = {
    Outcome.WARNING: ("warning", "w", ("WARNING", {"yellow": True})),
    Outcome.WAIVED: ("waived", "v", ("WAIVED", {"yellow": True})),
    Outcome.BLOCKED: ("blocked", "b", ("BLOCKED", {"yellow": True})),
    Outcome.INCONCLUSIVE: ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
    Outcome.UNTESTED: ("untested", "u", ("UNTESTED", {"yellow": True})),
}


def explanation(judgement: Judgement) -> str:
    """The requirement, its source, and what was found, line by line."""
    row = judgement.requirement
    lines = [
        f"{row.id} ({row.level.value}): {row.statement}",
        f"source: {row.source.title or row.source.document}, {row.source.place} ({row.source.basis.value})",
        *judgement.messages,
    ]
    if judgement.waiver is not None:
        lines.append(f"waived by {judgement.waiver.owner}: {judgement.waiver.reason}")
    return "\n".join(map(log_line, lines))


def present(report: pytest.TestReport, judgement: Judgement, text: str, item: pytest.Item) -> None:
    """Make pytest's report on an item say what was judged; `text` is the explanation, without secrets."""
    report.when = "call"
    item.user_properties[:] = _properties(judgement)  # pytest's JUnit file takes those of a later report on the item
    report.user_properties = list(item.user_properties)
    report.shown_outcome = judgement.outcome.value  # type: ignore[attr-defined] # travels with the report
    report.explained = text if judgement.outcome is not Outcome.PASSED else ""  # type: ignore[attr-defined]
    if judgement.outcome is Outcome.FAILED:
        report.outcome, report.longrepr = "failed", text
    elif judgement.outcome in _AS_SKIPPED:
        path, line, _ = item.location
        report.outcome, report.longrepr = "skipped", (path, (line or 0) + 1, f"{judgement.outcome}: {text}")
    else:
        report.outcome, report.longrepr = "passed", None
        if judgement.outcome is Outcome.WARNING:
            report.sections.append(("Warning", text))


def status_letter(report: pytest.TestReport) -> tuple[str, str, Any] | None:
    """The category, letter and word of an outcome that pytest has no word for."""
    outcome = getattr(report, "shown_outcome", None)
    return None if outcome is None else _LETTERS.get(Outcome(outcome))


def _properties(judgement: Judgement) -> list[tuple[str, object]]:
    row = judgement.requirement
    return [
        ("requirement", row.id),
        ("level", row.level.value),
        ("outcome", judgement.outcome.value),
        ("source", f"{row.source.document}, {row.source.place} ({row.source.basis.value})"),
    ]
