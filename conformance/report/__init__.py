"""The reports of a run: results.json is its record, and all others are made from that record and the evidence."""

from __future__ import annotations

from conformance.report.badge import badge_json, badge_svg
from conformance.report.build import RunFacts, build_results, target_view
from conformance.report.console import Detail, print_ending, print_summary
from conformance.report.ctrf import ctrf_json
from conformance.report.exchange_view import Curl, PlainTimelineRow, Timeline, TimelineRow, reads_timeline
from conformance.report.files import write_atomically
from conformance.report.har import har_json
from conformance.report.junit import junit_xml
from conformance.report.page import compliance_page
from conformance.report.record import ResultsError, read_results, results_document, write_results
from conformance.report.results import (
    ExchangeTotals,
    Omission,
    ProfileView,
    ReleaseView,
    RequirementResult,
    Results,
    TargetView,
)
from conformance.report.sarif import Places, sarif_json
from conformance.report.verdict import decide
from conformance.report.write import REPORT_NAMES, write_reports
from conformance.suite.expect import Judgement

__all__ = [
    "REPORT_NAMES",
    "Curl",
    "Detail",
    "ExchangeTotals",
    "Judgement",
    "Omission",
    "Places",
    "ProfileView",
    "ReleaseView",
    "RequirementResult",
    "Results",
    "ResultsError",
    "PlainTimelineRow",
    "RunFacts",
    "TargetView",
    "Timeline",
    "TimelineRow",
    "badge_json",
    "badge_svg",
    "build_results",
    "compliance_page",
    "ctrf_json",
    "decide",
    "har_json",
    "junit_xml",
    "print_ending",
    "print_summary",
    "reads_timeline",
    "read_results",
    "results_document",
    "sarif_json",
    "target_view",
    "write_atomically",
    "write_reports",
    "write_results",
]
