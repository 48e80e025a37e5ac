"""A run that is scored by a release: what came later is reported everywhere, and decides nothing."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample
from rich.console import Console

from conformance.report import (
    Judgement,
    ReleaseView,
    Results,
    badge_json,
    badge_svg,
    build_results,
    compliance_page,
    ctrf_json,
    junit_xml,
    print_ending,
    print_summary,
    read_results,
    sarif_json,
    write_results,
)
from conformance.report.finding_blocks import evidence_of
from conformance.report.github import step_summary
from conformance.suite.outcome import Outcome, Verdict

LATER = "stream.done-once"
DIGEST = "5e" * 32


def scored_by_a_release(*, gone: tuple[str, ...] = (), only_later_broken: bool = True) -> Results:
    """Everything passes but one MUST, which came after the release."""
    contract = sample.contract(0)
    rows = tuple(replace(row, scored=row.id != LATER) for row in contract.requirements)
    contract = replace(contract, requirements=rows)
    judgements = []
    for judgement in sample.judgements(contract, sample.exchanges()):
        broken = judgement.requirement.id == LATER if only_later_broken else judgement.findings
        kept = judgement if broken else Judgement(judgement.requirement, Outcome.PASSED)
        judgements.append(kept)
    return build_results(contract, judgements, sample.facts(release=ReleaseView("2026.11.0", DIGEST, gone), waivers=()))


def test_a_later_requirement_fails_nobody_and_is_named() -> None:
    results = scored_by_a_release()
    assert results.verdict is Verdict.CONFORMANT
    assert f"1 requirement newer than release 2026.11.0 is broken and not scored: {LATER}." in results.reasons
    assert {row.id: row.outcome for row in results.requirements}[LATER] is Outcome.FAILED


def test_what_the_release_requires_and_nobody_judges_makes_the_run_inconclusive() -> None:
    results = scored_by_a_release(gone=("stream.old-row",))
    assert results.verdict is Verdict.INCONCLUSIVE
    assert "1 requirement of the release is not judged by this version: stream.old-row." in results.reasons


def test_what_the_release_requires_still_fails() -> None:
    results = scored_by_a_release(only_later_broken=False)
    assert results.verdict is Verdict.NONCONFORMANT
    assert LATER not in results.reasons[0]


def test_the_record_keeps_the_release_and_what_is_not_scored(tmp_path: Path) -> None:
    results = scored_by_a_release(gone=("stream.old-row",))
    read = read_results(write_results(results, tmp_path))
    assert read.release == results.release
    assert [row.id for row in read.requirements if not row.scored] == [LATER]


def test_what_rests_on_other_words_than_in_the_release_is_marked(tmp_path: Path) -> None:
    results = scored_by_a_release()
    changed = next(row.id for row in results.requirements if row.scored)
    assert results.release is not None
    marked = replace(results, release=replace(results.release, changed=(changed,)))
    assert read_results(write_results(marked, tmp_path)).release == marked.release
    page = compliance_page(marked, (), curl=lambda _: "")
    assert "1 has changed since" in page
    assert page.count("changed since the release") == 1
    assert "changed since the release" not in compliance_page(results, (), curl=lambda _: "")


def test_a_record_without_a_release_can_still_be_read(tmp_path: Path) -> None:
    path = write_results(sample.sample_results(0), tmp_path)
    document = json.loads(path.read_text(encoding="utf-8"))
    del document["release"]
    for row in document["requirements"]:
        del row["scored"]
    path.write_text(json.dumps(document), encoding="utf-8")
    read = read_results(path)
    assert read.release is None
    assert all(row.scored for row in read.requirements)


def printed(results: Results) -> str:
    lines = io.StringIO()
    console = Console(file=lines, width=200)
    print_summary(results, evidence_of(sample.exchanges(), sample.curl), console, reports={})
    print_ending(results, console, reports={})
    return lines.getvalue()


REPORTS: dict[str, Callable[[Results], str]] = {
    "console": printed,
    "page": lambda results: compliance_page(results, sample.exchanges(), curl=sample.curl),
    "JUnit": junit_xml,
    "SARIF": sarif_json,
    "CTRF": ctrf_json,
    "badge": badge_json,
    "drawn badge": badge_svg,
    "job summary": step_summary,
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_says_which_release(name: str) -> None:
    results = replace(scored_by_a_release(), reasons=())
    results = replace(results, release=ReleaseView("2031.07.9", DIGEST), gate=None)
    assert "2031.07.9" in REPORTS[name](results)
    assert "2031.07.9" not in REPORTS[name](replace(results, release=None))


def test_no_format_fails_a_pipeline_for_it() -> None:
    results = scored_by_a_release()
    case = next(case for case in ET.fromstring(junit_xml(results)).iter("testcase") if case.get("name") == LATER)
    assert case.find("failure") is None
    assert case.find("system-out") is not None
    tests = {test["name"]: test for test in json.loads(ctrf_json(results))["results"]["tests"]}
    assert (tests[LATER]["status"], tests[LATER]["rawStatus"]) == ("other", "failed")
    (result,) = json.loads(sarif_json(results))["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == (LATER, "note")


def test_the_page_says_which_release_and_what_is_not_scored() -> None:
    page = compliance_page(scored_by_a_release(), sample.exchanges(), curl=sample.curl)
    assert "release 2026.11.0" in page
    assert DIGEST in page
    assert page.count(">not scored<") == 1
