"""Makes the CTRF report of a run (Common Test Report Format, https://ctrf.io): one test for each requirement."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from conformance.quoting import visible
from conformance.report.plain_text import detail, headline
from conformance.report.results import RequirementResult, Results
from conformance.report.times import NO_TIMES, Times, seconds_of
from conformance.suite.outcome import BROKEN, Outcome

SPEC_VERSION = "1.0.0"
_STATUSES = ("passed", "failed", "skipped", "pending", "other")
_STATUS = {
    Outcome.FAILED: "failed",
    Outcome.WARNING: "passed",
    Outcome.WAIVED: "other",
    Outcome.BLOCKED: "other",
    Outcome.INCONCLUSIVE: "other",
    Outcome.UNTESTED: "pending",
    Outcome.SKIPPED: "skipped",
    Outcome.PASSED: "passed",
}
"""CTRF has five statuses; `rawStatus`, the outcome, distinguishes what shares one."""
_NAMESPACE = uuid.UUID("6f9a1f0e-6c53-5a0b-9a55-0d1f6f8f2f41")


def ctrf_json(results: Results, times: Times = NO_TIMES) -> str:
    """The report as JSON text, ASCII only, so that nothing that a target wrote acts on a reader.

    A broken SHOULD passes with the raw status `warning`; in a strict run it fails, as it does for the verdict. The
    duration of a test is what its exchanges took, added up. A requirement that is newer than the release that is scored
    by never fails. The id of the report follows from the run.
    """
    start = round(_started(results).timestamp() * 1000)
    duration = round(results.duration_s * 1000)
    counts = Counter(_status(results, result) for result in results.requirements)
    document = {
        "reportFormat": "CTRF",
        "specVersion": SPEC_VERSION,
        "reportId": str(uuid.uuid5(_NAMESPACE, "\n".join(_identity(results)))),
        "timestamp": _started(results).isoformat(),
        "generatedBy": f"chat-conformance {results.suite_version}",
        "results": {
            "tool": {"name": "chat-conformance", "version": results.suite_version},
            "summary": {
                "tests": len(results.requirements),
                **{status: counts[status] for status in _STATUSES},
                "suites": len(results.by_section),
                "start": start,
                "stop": start + duration,
                "duration": duration,
                "extra": {
                    "verdict": results.verdict.value,
                    "scope": visible(results.about),
                    "reasons": [visible(reason) for reason in results.reasons],
                },
            },
            "tests": [_test(results, result, times) for result in results.requirements],
            "environment": {
                "appName": visible(results.target.name or results.target.base_url),
                "testEnvironment": visible(results.target.base_url),
                "extra": {
                    "profile": f"{results.profile.name} {results.profile.version}",
                    "release": results.release.version if results.release else "",
                    "tier": results.tier.value,
                    "model": visible(results.target.model or ""),
                },
            },
        },
    }
    return json.dumps(document, separators=(",", ":")) + "\n"


def _identity(results: Results) -> tuple[str, ...]:
    profile = results.profile
    return (profile.name, profile.sha256, results.target.base_url, results.tier.value, results.started)


def _started(results: Results) -> datetime:
    started = datetime.fromisoformat(results.started)
    return started if started.tzinfo else started.replace(tzinfo=UTC)


def _status(results: Results, result: RequirementResult) -> str:
    if result.outcome in BROKEN and results.known(result.id):
        return "other"
    if not result.scored and result.outcome is Outcome.FAILED:
        return "other"
    fails = results.strict and result.scored and result.outcome is Outcome.WARNING
    return "failed" if fails else _STATUS[result.outcome]


def _test(results: Results, result: RequirementResult, times: Times) -> Mapping[str, Any]:
    message = {} if result.outcome is Outcome.PASSED else {"message": visible(headline(result))}
    trace = {"trace": visible(detail(result))} if result.findings else {}
    return {
        "testId": result.id,
        "name": result.id,
        "status": _status(results, result),
        "rawStatus": result.outcome.value,
        "duration": round(seconds_of(result, times) * 1000),
        "suite": [visible(results.profile.name), result.section.value],
        "type": "conformance",
        "tags": [result.level.value, result.section.value],
        "labels": {
            "level": result.level.value,
            "section": result.section.value,
            "basis": result.source.basis.value,
            "source": visible(f"{result.source.document}: {result.source.place}"),
        },
        **message,
        **trace,
        "extra": {
            "scored": result.scored,
            "statement": visible(result.statement),
            "exchanges": [visible(name) for name in result.exchanges],
        },
    }
