"""The page of what changed between two runs, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from conformance.compare import diff_page, differences, read_runs
from conformance.report import Results
from conformance.suite.outcome import Outcome

pytestmark = pytest.mark.browser

FIELD = Path(__file__).parents[2] / "benchmarks" / "field" / "recorded"
HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)> \" onclick='alert(3)' \x1b[31m"


@pytest.fixture(scope="module")
def runs() -> tuple[Results, Results]:
    """One gateway before two engines."""
    before, after = read_runs([FIELD / "litellm", FIELD / "litellm-before-llama.cpp"])
    return before.results, after.results


@pytest.fixture(scope="module")
def page_file(runs: tuple[Results, Results], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("diff") / "diff.html"
    path.write_text(diff_page(differences(*runs)), encoding="utf-8")
    return path


def test_filters_and_search_leave_what_fits(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    rows = page.locator(".row:visible")
    everything = rows.count()
    assert everything > 5
    page.get_by_role("combobox", name="Change").select_option("regression")
    expect(page.locator(".part:visible")).to_have_count(1)
    assert 0 < rows.count() < everything
    page.get_by_label("Search").fill("no such thing")
    expect(page.locator("#nothing")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows).to_have_count(everything)


def test_a_regression_shows_what_was_expected_and_what_came(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    row = page.locator(".part[data-section=regression] .row").first
    expect(row.get_by_text("expected").first).to_be_visible()
    expect(row.get_by_text("came").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(page_file: Path, open_page: Any, all_faults: Any, scheme: str) -> None:
    assert all_faults(open_page(page_file, color_scheme=scheme)) == []


@pytest.mark.parametrize("width", [360, 400])
def test_a_narrow_screen_shows_a_change_as_a_card(page_file: Path, open_page: Any, width: int) -> None:
    page = open_page(page_file, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("Math.max(...[...document.querySelectorAll('.side')].map((one) => one.scrollWidth))") <= width


def test_two_runs_alike_have_nothing_to_filter(runs: tuple[Results, Results], tmp_path: Path, open_page: Any) -> None:
    path = tmp_path / "diff.html"
    path.write_text(diff_page(differences(runs[0], runs[0])), encoding="utf-8")
    expect(open_page(path).get_by_text("Every requirement has the same outcome as before.")).to_be_visible()


def test_what_a_target_wrote_runs_nothing(runs: tuple[Results, Results], tmp_path: Path, open_page: Any) -> None:
    before, after = runs
    rows = tuple(
        replace(row, statement=HOSTILE, messages=(HOSTILE,)) if row.outcome is Outcome.FAILED else row
        for row in after.requirements
    )
    hostile = replace(after, requirements=rows, target=replace(after.target, base_url=HOSTILE, model=HOSTILE))
    path = tmp_path / "diff.html"
    path.write_text(diff_page(differences(before, hostile)), encoding="utf-8")
    page = open_page(path)
    expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    assert page.locator("img").count() == 0
