"""A run's reports are made from one redacted record, and each is replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import report_sample as sample

from conformance.report import Judgement, Results, ResultsError, build_results, read_results, write_reports
from conformance.suite.outcome import Outcome
from conformance.wire.exchange import Exchange


def redact(text: str) -> str:
    return text.replace(sample.KEY, "*" * len(sample.KEY))


def leaking() -> tuple[Results, list[Exchange]]:
    sample_contract = sample.contract(0)
    rows = list(sample.judgements(sample_contract, sample.exchanges()))
    rows[0] = Judgement(rows[0].requirement, Outcome.FAILED, (f"The target answered {sample.KEY}.",), ("leak#1",))
    leak = sample.exchange("leak", 200, "application/json", [f'{{"key": "{sample.KEY}"}}'.encode()])
    return build_results(sample_contract, rows, sample.facts(interrupted=sample.KEY)), [*sample.exchanges(), leak]


FILES = (
    "badge.json", "badge.svg", "compliance.html", "ctrf.json", "exchanges.har", "junit.xml", "results.json",
    "results.sarif",
)  # fmt: skip


def test_every_report_is_written_and_named(tmp_path: Path) -> None:
    paths = write_reports(sample.sample_results(3), sample.exchanges(), tmp_path, redact, curl=sample.curl)
    assert paths == {name: tmp_path / name for name in FILES}
    assert sorted(path.name for path in tmp_path.iterdir()) == list(FILES)
    assert read_results(paths["results.json"]).verdict == "nonconformant"


def test_a_secret_that_slipped_through_is_in_no_file(tmp_path: Path) -> None:
    results, evidence = leaking()
    for name, path in write_reports(results, evidence, tmp_path, redact, curl=sample.curl).items():
        text = path.read_text(encoding="utf-8")
        assert sample.KEY not in text
        assert ("*" * len(sample.KEY) in text) is not name.startswith("badge")


def test_a_secret_that_is_a_word_of_the_record_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="use a key that is not such a word"):
        write_reports(sample.sample_results(0), [], tmp_path, lambda text: text.replace("passed", "******"),
                      curl=sample.curl)  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_what_stood_there_stays_when_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reports(sample.green_results(), [], tmp_path, redact, curl=sample.curl)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_reports(sample.sample_results(0), [], tmp_path, redact, curl=sample.curl)
    assert read_results(tmp_path / "results.json").verdict == "conformant"
    assert sorted(path.name for path in tmp_path.iterdir()) == list(FILES)


def test_reports_can_be_read_by_those_whom_the_umask_allows(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        paths = write_reports(sample.green_results(), [], tmp_path, redact, curl=sample.curl)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in paths.values()} == {0o640}
