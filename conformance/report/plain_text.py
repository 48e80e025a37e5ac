"""Renders a requirement's outcome and findings as plain text, for formats that have no structure for them."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.report.results import RequirementResult
from conformance.suite.outcome import Finding


def headline(result: RequirementResult) -> str:
    """One sentence: why the outcome is what it is."""
    if result.waiver:
        return f"waived until {result.waiver.expires.isoformat()} by {result.waiver.owner}: {result.waiver.reason}"
    if result.blocked_by:
        return f"blocked by {result.blocked_by}: {result.messages[0] if result.messages else result.statement}"
    return result.messages[0] if result.messages else result.statement


def detail(result: RequirementResult) -> str:
    """Requirement, source, messages and findings, a line each."""
    lines = [
        f"Requirement: {result.statement}",
        f"Source: {result.source.document}: {result.source.place} ({result.source.basis.value})",
        *result.messages,
    ]
    for finding in result.findings:
        lines += ["", *finding_lines(finding)]
    if not result.findings and result.exchanges:
        lines.append(f"Exchanges: {', '.join(result.exchanges)}")
    return "\n".join(lines)


def finding_lines(finding: Finding) -> Sequence[str]:
    """Expected, actual, and where: the exchange and, if they are known, event, byte and time."""
    places = [] if finding.exchange is None else [f"exchange {finding.exchange}"]
    places += [] if finding.event is None else [f"event {finding.event}"]
    places += [] if finding.offset is None else [f"byte {finding.offset}"]
    places += [] if finding.at is None else [f"{finding.at * 1000:.0f} ms"]
    return [
        f"Expected: {finding.expected}",
        f"Actual: {finding.actual}",
        *([f"Where: {', '.join(places)}"] if places else []),
    ]
