"""Small records of runs to compare."""

from __future__ import annotations

import datetime
from typing import Any

from conformance.contract.model import Basis, Level, Section, Source, Tier
from conformance.report import ExchangeTotals, ProfileView, RequirementResult, Results, TargetView, decide
from conformance.suite.outcome import Finding, Outcome, Waiver

TODAY = datetime.date(2026, 11, 27)


def requirement(row_id: str, outcome: Outcome = Outcome.PASSED, *findings: tuple[str | None, str], **more: Any) -> Any:
    """A judged requirement; each finding is an exchange's id and what was expected there."""
    level = Level.SHOULD if outcome is Outcome.WARNING else Level.MUST
    found = tuple(Finding(row_id, exchange, expected, "something else") for exchange, expected in findings)
    fields: dict[str, Any] = {
        "id": row_id,
        "level": level,
        "section": Section(row_id.split(".", maxsplit=1)[0]),
        "tier": Tier.STANDARD,
        "statement": f"{row_id} holds.",
        "source": Source("openai", "somewhere", Basis.REFERENCE, "OpenAI Chat Completions"),
        "digest": "0" * 64,
        "outcome": outcome,
        "exchanges": tuple(exchange for exchange, _ in findings if exchange),
        "findings": found,
    }
    return RequirementResult(**{**fields, **more})


def run_of(*rows: RequirementResult, **more: Any) -> Results:
    """The record of a run that judged these requirements."""
    verdict, reasons = decide(rows)
    fields: dict[str, Any] = {
        "suite_version": "0.1.0",
        "profile": ProfileView("openai", "OpenAI", "1", "a" * 64),
        "target": TargetView("https://host/v1"),
        "tier": Tier.STANDARD,
        "started": "2026-11-27T10:00:00+00:00",
        "duration_s": 1.0,
        "verdict": verdict,
        "reasons": reasons,
        "requirements": rows,
        "exchanges": ExchangeTotals(),
    }
    return Results(**{**fields, **more})


def waiver(requirement_id: str, probe: str | None = None, expires: str = "2999-12-31") -> Waiver:
    """A waiver of somebody."""
    return Waiver(requirement_id, "known", "us", datetime.date.fromisoformat(expires), probe)
