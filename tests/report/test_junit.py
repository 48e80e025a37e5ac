"""The JUnit XML shows each requirement by its id, and stops a pipeline only for what the verdict depends on."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
import report_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.report import junit_xml
from conformance.report.results import AgainstBaseline
from conformance.report.times import times_of


def cases(text: str) -> dict[str, ET.Element]:
    return {case.get("name", ""): case for case in ET.fromstring(text).iter("testcase")}


def kinds(case: ET.Element) -> list[str]:
    return [child.tag for child in case if child.tag != "properties"]


def properties(case: ET.Element) -> dict[str, str]:
    return {item.get("name", ""): item.get("value", "") for item in case.iter("property")}


def test_each_requirement_is_one_case_named_by_profile_section_and_id() -> None:
    results = sample.sample_results()
    found = cases(junit_xml(results))
    assert sorted(found) == sorted(row.id for row in results.requirements)
    assert found["stream.done-once"].get("classname") == "kodexa.stream"
    assert properties(found["stream.done-once"]) == {
        "level": "MUST", "outcome": "failed", "basis": "reference",
        "source": "whatwg-sse: 9.2.6 Interpreting an event stream",
    }  # fmt: skip


def test_outcomes_are_shown_as_what_the_verdict_makes_of_them() -> None:
    found = cases(junit_xml(sample.sample_results()))
    assert kinds(found["stream.done-once"]) == ["failure"]
    assert kinds(found["stream.role-first"]) == ["system-out"]
    assert kinds(found["access.key-wrong"]) == ["error"]
    assert kinds(found["completion.finish-reason"]) == ["skipped"]
    assert kinds(found["stream.usage-when-asked"]) == ["skipped"]
    assert kinds(found["robustness.deep-json"]) == ["skipped"]  # an untested SHOULD bears on nothing
    assert kinds(found["stream.utf8"]) == []
    assert properties(found["stream.role-first"])["outcome"] == "warning"


def test_in_a_strict_run_a_warning_is_a_failure() -> None:
    found = cases(junit_xml(replace(sample.sample_results(0), strict=True)))
    assert kinds(found["stream.role-first"]) == ["failure"]


def test_the_totals_are_those_of_the_cases() -> None:
    root = ET.fromstring(junit_xml(sample.sample_results()))
    assert [root.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["118", "5", "3", "3"]
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))


def test_a_case_takes_as_long_as_its_exchanges_and_a_suite_as_long_as_the_run() -> None:
    results = sample.sample_results()
    times = times_of(sample.exchanges())
    text = junit_xml(results, times)
    row = next(row for row in results.requirements if len(set(row.exchanges) & times.keys()) > 1)
    assert float(cases(text)[row.id].get("time", "")) == pytest.approx(
        sum(times[name] for name in set(row.exchanges)), abs=0.001
    )
    root = ET.fromstring(text)
    assert {suite.get("time") for suite in (root, *root)} == {f"{results.duration_s:.3f}"}
    assert cases(text)["robustness.deep-json"].get("time") == "0.000"  # nothing was sent for it


def test_what_the_baseline_left_undecided_too_is_no_error() -> None:
    results = sample.sample_results()
    before = AgainstBaseline("2026-11-27T10:00:00+00:00", "https://host/v1", undecided=("access.key-wrong",))
    case = cases(junit_xml(replace(results, baseline=before)))["access.key-wrong"]
    assert kinds(case) == ["skipped"]
    (skipped,) = case.findall("skipped")
    assert (skipped.get("message") or "").startswith("undecided as in the baseline: ")


def test_a_failure_shows_expected_actual_and_where() -> None:
    failure = cases(junit_xml(sample.sample_results()))["stream.done-once"].find("failure")
    assert failure is not None
    assert (
        "Expected: one event [DONE]\nActual: 2 events [DONE]\nWhere: exchange stream/plain#1, event 65, byte 12809"
        in (failure.text or "")
    )
    assert (failure.get("message") or "").startswith("A stream that succeeds")


@pytest.mark.slow
@settings(deadline=None)
@given(st.text(st.characters(categories=None), max_size=40))
def test_no_text_of_a_target_breaks_the_xml(text: str) -> None:
    results = sample.sample_results(0)
    rows = tuple(replace(row, messages=(text,)) for row in results.requirements)
    found = cases(junit_xml(replace(results, requirements=rows, target=replace(results.target, base_url=text))))
    assert len(found) == len(rows)
