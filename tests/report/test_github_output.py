"""What GitHub Actions shows: an annotation a requirement, and a summary; nothing that a target wrote is a command."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.quoting import code_span, escape_markdown
from conformance.report.github import annotation_lines, defused, step_summary
from conformance.report.results import AgainstBaseline, Gate, GateStatus
from conformance.terminal.ci_output import for_log, report_to_ci

RESULTS = sample.sample_results(3)


def plain(text: str) -> str:
    return text


def test_each_broken_requirement_is_an_annotation_of_its_kind() -> None:
    lines = list(annotation_lines(RESULTS))
    for outcome, command in (("failed", "error"), ("warning", "warning"), ("waived", "notice")):
        ids = [row.id for row in RESULTS.requirements if row.outcome == outcome]
        printed = [line for line in lines if line.startswith(f"::{command} title=")]
        assert len(printed) == min(len(ids), 10)
        assert all(any(one in line for line in printed) for one in ids[:9])
    assert all("\n" not in line and "\r" not in line for line in lines)


def test_what_the_gate_says_is_an_annotation_where_it_failed() -> None:
    failed = replace(RESULTS, gate=Gate(GateStatus.FAILED, ("The waiver of x (us) expired, and more.",)))
    assert "::error title=gate::The waiver of x (us) expired, and more." in list(annotation_lines(failed))
    passed = replace(RESULTS, gate=Gate(GateStatus.PASSED, ("Known.",)))
    assert not [line for line in annotation_lines(passed) if "title=gate" in line]


def test_what_is_known_from_the_baseline_is_no_error() -> None:
    failed = [row.id for row in RESULTS.requirements if row.outcome == "failed"]
    compared = AgainstBaseline("2026-01-01T00:00:00+00:00", "http://a", known=tuple(failed))
    lines = list(annotation_lines(replace(RESULTS, baseline=compared)))
    assert not [line for line in lines if line.startswith("::error")]
    assert [line for line in lines if line.startswith("::notice title=known from the baseline::")]


def test_no_more_than_ten_of_a_kind_are_printed_and_the_rest_is_counted() -> None:
    row = next(row for row in RESULTS.requirements if row.outcome == "failed")
    many = tuple(replace(row, id=f"stream.x{number}") for number in range(25))
    lines = [line for line in annotation_lines(replace(RESULTS, requirements=many)) if line.startswith("::error")]
    assert len(lines) == 10
    assert lines[-1].endswith("::16 more requirements failed")


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_of_a_target_ends_a_command_or_begins_one(text: str) -> None:
    row = next(row for row in RESULTS.requirements if row.outcome == "failed")
    finding = replace(row.findings[0], expected=f"::error::{text}", actual=f"{text}\n::set-output name=a::b")
    printed = list(annotation_lines(replace(RESULTS, requirements=(replace(row, findings=(finding,)),))))
    for line in printed:
        assert len(line.splitlines()) == 1
        head, _, _ = line.removeprefix("::").partition("::")
        assert re.fullmatch(r"[a-z]+ title=[^:,]*", head)
    assert "##[" not in defused(f"{text}##[error]{text}")


def test_the_summary_counts_and_lists_and_quotes() -> None:
    text = step_summary(RESULTS)
    assert text.startswith("### ")
    assert "| section |" in text
    assert "<details open><summary>failed (" in text
    assert "<summary>waived (" in text
    assert "<script>" not in re.sub(r"(`+).*?\1", "", text)
    assert not set(text) & set("\x1b\u202e")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_a_code_span_has_an_end_and_a_sentence_has_no_markup(text: str) -> None:
    span = code_span(text)
    fence = re.match("`+", span)
    assert fence is not None
    inner = span[len(fence[0]) : -len(fence[0])]
    assert span.endswith(fence[0])
    assert not re.search(rf"(?<!`){fence[0]}(?!`)", inner)
    assert not re.search(r"(?<!\\)[`<>\[\]|]", re.sub(r"\\\\", "", escape_markdown(text)))


def test_nothing_is_reported_outside_of_github(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    report_to_ci(RESULTS, plain)
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "summary").exists()
    assert for_log(plain)("##[error]") == "##[error]"


def test_a_summary_is_added_to_what_is_there_and_passes_through_redaction(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "summary"
    path.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    report_to_ci(RESULTS, lambda text: text.replace("staging", "***"))
    assert path.read_text(encoding="utf-8").startswith("before\n### ")
    assert "::error title=" in capsys.readouterr().out
    assert for_log(plain)("##[error]") != "##[error]"

    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    report_to_ci(RESULTS, plain)
    assert "the job summary cannot be written (Is a directory)" in capsys.readouterr().err
