"""The matrix page in a real browser: filters, search, deep links, accessibility, and hostile words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from conformance.compare import matrix, matrix_page, read_runs
from conformance.suite.outcome import Outcome

pytestmark = pytest.mark.browser

FIELD = Path(__file__).parents[2] / "benchmarks" / "field" / "recorded"
HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)> \" onclick='alert(3)' \x1b[31m"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "matrix.html"
    path.write_text(matrix_page(matrix(read_runs(sorted(FIELD.iterdir())))), encoding="utf-8")
    return path


def test_filters_and_search_leave_what_fits(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    rows = page.locator(".row:not([hidden])")
    everything = rows.count()
    page.get_by_label("only differences").check()
    expect(page.locator(".row:not(.differs):visible")).to_have_count(0)
    assert 0 < rows.count() < everything
    page.get_by_label("Section").select_option("stream")
    expect(page.locator(".row:not([data-section=stream]):visible")).to_have_count(0)
    page.keyboard.press("/")
    page.get_by_label("Search").fill("stream.stop")
    expect(rows).to_have_count(1)
    page.get_by_label("Search").fill("no such thing")
    expect(page.locator("#nothing")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows).to_have_count(everything)


def test_a_finding_is_one_step_away(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, "#stream.stop")
    row = page.locator("[id='stream.stop']")
    expect(row).to_be_in_viewport()
    row.get_by_text("why").first.click()
    expect(row.get_by_text("got 'r' in 'Hello there").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(page_file: Path, open_page: Any, all_faults: Any, scheme: str) -> None:
    assert all_faults(open_page(page_file, color_scheme=scheme)) == []


@pytest.mark.parametrize("width", [360, 400])
def test_on_a_narrow_screen_a_row_is_a_card(page_file: Path, open_page: Any, width: int) -> None:
    page = open_page(page_file, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("Math.max(...[...document.querySelectorAll('.side')].map((one) => one.scrollWidth))") <= width
    row = page.locator(".row:visible").first
    assert "llama.cpp" in row.locator("td.failed").first.evaluate(
        "(cell) => getComputedStyle(cell, '::before').content"
    )
    expect(row.locator("td.passed").first).to_be_hidden()


def test_twenty_columns_can_be_read_on_one_screen(tmp_path: Path, open_page: Any) -> None:
    runs = [replace(run, name=f"{run.name} ({n})") for n in range(4) for run in read_runs(sorted(FIELD.iterdir()))]
    path = tmp_path / "matrix.html"
    path.write_text(matrix_page(matrix(runs[:20])), encoding="utf-8")
    page = open_page(path, viewport={"width": 1700, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 1700
    heads = page.locator(".side").first.locator("thead th.run")
    assert heads.count() == 20
    for head in heads.all():
        box = head.bounding_box()
        assert box["x"] + box["width"] <= 1700
        expect(head.locator(".verdict")).to_be_visible()
    failed = [int(head.locator(".sum").first.inner_text().split()[0]) for head in heads.all()]
    assert failed == sorted(failed)


def test_the_address_keeps_what_is_filtered(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    page.locator("select[name=brokenin]").select_option("litellm")
    shown = page.locator(".row:visible").count()
    assert shown > 0
    page.reload()
    expect(page.locator(".row:visible")).to_have_count(shown)
    expect(page.locator("select[name=brokenin]").locator("option:checked")).to_have_text("litellm")


def test_without_scripts_everything_is_there(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, java_script_enabled=False)
    expect(page.locator("#tools")).to_be_hidden()
    for fold in page.locator("details.fold > summary").all():
        fold.click()
    assert page.locator(".row:visible").count() > 200


def test_what_a_target_wrote_runs_nothing(tmp_path: Path, open_page: Any) -> None:
    (run, *_) = read_runs([FIELD / "litellm"])
    rows = tuple(
        replace(row, statement=HOSTILE, messages=(HOSTILE,), findings=()) if row.outcome is Outcome.FAILED else row
        for row in run.results.requirements
    )
    hostile = replace(run.results, requirements=rows, target=replace(run.results.target, base_url=HOSTILE))
    path = tmp_path / "matrix.html"
    path.write_text(matrix_page(matrix([replace(run, name=HOSTILE, results=hostile), run])), encoding="utf-8")
    page = open_page(path)
    expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    assert page.locator("img").count() == 0
