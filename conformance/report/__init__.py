"""Tells what a run found out: results.json is its record, and every other output is made from it and the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.report.build import RunFacts, build_results, target_view
from conformance.report.console import print_summary
from conformance.report.exchange_view import Curl, Row, Timeline, TimelineRow, reads_timeline
from conformance.report.files import write_atomically
from conformance.report.junit import junit_xml
from conformance.report.page import compliance_page
from conformance.report.record import (
    FILE_NAME,
    ResultsError,
    parse_results,
    read_results,
    results_text,
    write_results,
)
from conformance.report.results import (
    ExchangeTotals,
    Omission,
    ProfileView,
    RequirementResult,
    Results,
    TargetView,
)
from conformance.report.verdict import decide
from conformance.suite.expect import Judgement

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

__all__ = [
    "Curl",
    "ExchangeTotals",
    "Judgement",
    "Omission",
    "ProfileView",
    "RequirementResult",
    "Results",
    "ResultsError",
    "Row",
    "RunFacts",
    "TargetView",
    "Timeline",
    "TimelineRow",
    "build_results",
    "compliance_page",
    "decide",
    "junit_xml",
    "print_summary",
    "reads_timeline",
    "read_results",
    "target_view",
    "write_reports",
    "write_results",
]


def write_reports(
    results: Results,
    exchanges: Iterable[Exchange],
    directory: Path,
    redact: Callable[[str], str],
    *,
    curl: Curl,
    timeline: Timeline = reads_timeline,
) -> dict[str, Path]:
    """Write results.json, junit.xml and compliance.html to `directory`; give the path of each by its file name.

    Each passes through `redact`, the last line of defence for secrets, and the other two are made from the redacted
    record. Each file is replaced whole or not at all.

    Raises:
        ResultsError: redaction made the record unusable: the secret is a word that the record itself needs.
        OSError: a file cannot be written.
    """
    record = redact(results_text(results))
    try:
        told = parse_results(json.loads(record))
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"{FILE_NAME}: cannot be written, because a secret of the target is a word that the file itself needs;"
            " use a key that is no such word."
        ) from error
    texts = {
        FILE_NAME: record,
        "junit.xml": redact(junit_xml(told)),
        "compliance.html": compliance_page(told, exchanges, curl=curl, timeline=timeline, redact=redact),
    }
    for name, text in texts.items():
        write_atomically(directory / name, text)
    return {name: directory / name for name in texts}
