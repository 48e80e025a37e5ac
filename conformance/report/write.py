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

if TYPE_CHECKING:
    from conformance.wire.exchange import Exchange

Redact = Callable[[str], str]


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
    """Write results.json and every report to `directory`; give the path of each by its file name.

    Each passes through `redact`, the last line of defence for secrets, and the others are made from the redacted
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
    seen = list(exchanges)
    texts = {FILE_NAME: record} | dict(_reports(told, seen, redact, curl=curl, timeline=timeline, places=places))
    for name, text in texts.items():
        write_atomically(directory / name, text)
    return {name: directory / name for name in texts}


def _reports(
    told: Results, seen: list[Exchange], redact: Redact, *, curl: Curl, timeline: Timeline, places: Places
) -> Iterator[tuple[str, str]]:
    yield "compliance.html", compliance_page(told, seen, curl=curl, timeline=timeline, redact=redact)
    yield "junit.xml", redact(junit_xml(told))
    yield "ctrf.json", redact(ctrf_json(told))
    yield "results.sarif", redact(sarif_json(told, places))
    yield "exchanges.har", redact(har_json(told, seen, timeline))
    yield "badge.json", redact(badge_json(told))
    yield "badge.svg", redact(badge_svg(told))
