"""Judgements as plain data and back: pytest-xdist carries reports between processes as such."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from conformance.contract import Contract
from conformance.suite.expect import Judgement
from conformance.suite.outcome import Finding, Outcome


def judgement_data(judgement: Judgement) -> dict[str, Any]:
    """A judgement as dictionaries, lists and strings."""
    return {
        "requirement": judgement.requirement.id,
        "outcome": judgement.outcome.value,
        "messages": list(judgement.messages),
        "exchanges": list(judgement.exchanges),
        "findings": [asdict(finding) for finding in judgement.findings],
    }


def judgement_from(data: dict[str, Any], contract: Contract) -> Judgement:
    """The judgement that `judgement_data` made data of."""
    requirement = contract.requirement(data["requirement"])
    assert requirement is not None
    return Judgement(
        requirement,
        Outcome(data["outcome"]),
        tuple(data["messages"]),
        tuple(data["exchanges"]),
        tuple(Finding(**finding) for finding in data["findings"]),
    )
