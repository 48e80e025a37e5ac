"""Writes the reports of a run, each from its one record and without secrets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.report.badge import badge_json, badge_svg
from conformance.report.ctrf import ctrf_json
from conformance.report.exchange_view import Curl, Timeline, reads_timeline
from conformance.report.files import write_atomically
from conformance.report.har import har_json
from conformance.report.junit import junit_xml
from conformance.report.page import compliance_page
from conformance.report.record import FILE_NAME, ResultsError, parse_results, results_text
from conformance.report.results import Results
from conformance.report.sarif import Places, sarif_json
from conformance.report.times import times_of

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

Redact = Callable[[str], str]
REPORT_NAMES = (
    FILE_NAME,
    "compliance.html",
    "junit.xml",
    "ctrf.json",
    "results.sarif",
    "exchanges.har",
    "badge.json",
    "badge.svg",
)
"""The files that `write_reports` writes."""


def write_reports(
    results: Results,
    exchanges: Iterable[Exchange],
    directory: Path,
    redact: Redact,
    *,
    curl: Curl,
    timeline: Timeline = reads_timeline,
    places: Places = lambda _: None,
) -> dict[str, Path]:
    """Write results.json and every report to `directory`; returns the path of each by its file name.

    The record passes through `redact`, the last line of defence for secrets, and so do the others, which are made from
    the redacted record. Each file is replaced whole or not at all.

    Raises:
        ResultsError: redaction made the record unusable: the secret is a word that the record itself needs.
        OSError: a file cannot be written.
    """
    record = redact(results_text(results))
    try:
        redacted = parse_results(json.loads(record))
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError(
            f"{FILE_NAME}: cannot be written, because a secret of the target is a word that the file itself needs;"
            " use a key that is not such a word."
        ) from error
    write_atomically(directory / FILE_NAME, record)
    written = {FILE_NAME: directory / FILE_NAME}
    # One after the other, so that only one is in memory.
    for name, text in _reports(redacted, record, list(exchanges), redact, curl=curl, timeline=timeline, places=places):
        written[name] = directory / name
        write_atomically(written[name], text)
    return written


def _reports(
    results: Results,
    record: str,
    seen: list[Exchange],
    redact: Redact,
    *,
    curl: Curl,
    timeline: Timeline,
    places: Places,
) -> Iterator[tuple[str, str]]:
    times = times_of(seen)
    yield "compliance.html", compliance_page(results, seen, curl=curl, timeline=timeline, redact=redact, record=record)
    yield "junit.xml", redact(junit_xml(results, times))
    yield "ctrf.json", redact(ctrf_json(results, times))
    yield "results.sarif", redact(sarif_json(results, places))
    yield "exchanges.har", redact(har_json(results, seen, timeline))
    yield "badge.json", redact(badge_json(results))
    yield "badge.svg", redact(badge_svg(results))
