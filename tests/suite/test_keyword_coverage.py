"""The coverage of the request's keywords is a figure of the record, and can be counted again from the evidence."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from command_line import Judged, judge, results

from conformance.commands.run import run_suite
from conformance.contract import Tier, load_contract
from conformance.report import ResultsError, read_results
from conformance.report.console import Detail
from conformance.running.run import RunSettings
from conformance.terminal.run_output import Shown

pytestmark = pytest.mark.network

ASPECTS = ("honoured", "enforced")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recorded")
    judge(out, "loop-health")
    return out


@pytest.fixture(scope="module")
def judged(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The same run, judged again from its evidence."""
    return judge(tmp_path_factory.mktemp("again"), "loop-health", replay=recorded)


def rows(judged: Judged) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = judged.document["keywords"]["rows"]
    return found


def test_every_keyword_of_the_request_has_a_row(judged: Judged) -> None:
    contract = load_contract("loop-health")
    keywords = {row.id for row in contract.requirements if row.keyword and row.keyword.location == "request"}
    assert {row["requirement"] for row in rows(judged)} == keywords


def test_the_figure_counts_the_rows(judged: Judged) -> None:
    for aspect in ASPECTS:
        counts = Counter(row[aspect]["outcome"] for row in rows(judged))
        assert judged.document["keywords"]["totals"][aspect] == counts


def test_replaying_gives_the_same_figure(recorded: Path, judged: Judged) -> None:
    assert read_results(recorded / "results.json").keywords
    assert judged.document["keywords"] == results(recorded)["keywords"]


def test_the_reference_honours_and_enforces_every_keyword_that_can_be_decided(judged: Judged) -> None:
    undecided = {(row["requirement"], aspect) for row in rows(judged) for aspect in ASPECTS if row[aspect]["reason"]}
    assert undecided == {("request.messages.items.role.type", "honoured")}
    for row in rows(judged):
        for aspect in ASPECTS:
            assert row[aspect]["outcome"] == ("skipped" if row[aspect]["reason"] else "passed"), row


def test_a_decided_keyword_names_the_exchanges_that_it_rests_on(judged: Judged) -> None:
    for row in rows(judged):
        for aspect in ASPECTS:
            assert bool(row[aspect]["exchanges"]) is (row[aspect]["outcome"] == "passed"), row


def test_what_the_tier_or_the_selection_left_out_is_untested_with_the_reason(tmp_path: Path) -> None:
    smoke = judge(tmp_path / "smoke", "loop-health", tier=Tier.SMOKE)
    outcomes = {row[aspect]["outcome"] for row in rows(smoke) for aspect in ASPECTS}
    assert outcomes == {"untested", "skipped"}
    some = judge(tmp_path / "some", "loop-health", only=("request.temperature.*",))
    by_id = {row["requirement"]: row for row in rows(some)}
    assert by_id["request.temperature.maximum"]["enforced"]["outcome"] == "passed"
    assert by_id["request.stream.type"]["enforced"] == {
        "outcome": "untested",
        "reason": "The run was restricted to other requirements.",
        "exchanges": [],
    }


def test_the_console_and_the_page_show_it(recorded: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    settings = RunSettings("loop-health", replay=recorded, out=tmp_path / "shown")
    assert run_suite(settings, Shown(detail=Detail.FULL)) == 0
    assert "Keywords  24 of the request; honoured 1 skipped, 23 passed; enforced 24 passed" in capsys.readouterr().out
    page = (recorded / "compliance.html").read_text(encoding="utf-8")
    assert "Keywords of the request" in page
    assert "/properties/temperature/maximum" in page


def test_a_figure_that_was_changed_after_the_run_is_refused(recorded: Path, tmp_path: Path) -> None:
    text = (recorded / "results.json").read_text(encoding="utf-8")
    changed = tmp_path / "results.json"
    changed.write_text(text.replace('"enforced": {\n        "passed": 24', '"enforced": {\n        "passed": 25'))
    assert changed.read_text() != text
    with pytest.raises(ResultsError, match="/keywords/totals: does not agree"):
        read_results(changed)


def test_a_record_of_format_1_has_no_figure() -> None:
    old = read_results(Path(__file__).parents[1] / "report" / "results-format-1.json")
    assert old.keywords == ()
    assert old.requirements
