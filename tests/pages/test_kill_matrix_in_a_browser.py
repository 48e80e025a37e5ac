"""The page of a kill matrix in a browser: filters, search, links between faults and requirements, hostile words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lab_samples import NO_DONE, matrix, whole_matrix
from playwright.sync_api import expect

from conformance.lab.page import kill_matrix_page

pytestmark = pytest.mark.browser

HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(2)> \" onclick='alert(3)' \x1b[31m"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a whole lab: hundreds of faults and requirements."""
    path = tmp_path_factory.mktemp("lab") / "kill-matrix.html"
    path.write_text(kill_matrix_page(whole_matrix("loop-health")), encoding="utf-8")
    return path


@pytest.fixture
def small_page(tmp_path: Path) -> Path:
    """The page of a lab with a false alarm and a missed fault."""
    path = tmp_path / "kill-matrix.html"
    missed = matrix(fault={}, variation={"stream.done-once": "failed"})
    path.write_text(kill_matrix_page(missed), encoding="utf-8")
    return path


def test_search_and_filters_leave_what_fits(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    rows = page.locator(".requirement:visible")
    everything = rows.count()
    assert everything > 600
    page.keyboard.press("/")
    page.get_by_label("Search").fill("stream-end.done-missing-and-open")
    expect(page.locator("[id='stream-end.done-missing']")).to_be_hidden()
    expect(page.locator("[id='stream-end.done-missing-and-open']")).to_be_visible()
    page.get_by_role("button", name="Clear").first.click()
    page.get_by_label("Family").select_option("access and isolation")
    expect(page.locator(".part[data-part=requirements]")).to_be_hidden()
    assert 0 < rows.count() < everything
    page.get_by_label("Search").fill("no such thing")
    expect(page.locator("#nothing")).to_be_visible()


def test_a_fault_leads_to_what_it_breaks_and_back(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, "#stream-end.done-missing")
    fault = page.locator("[id='stream-end.done-missing']")
    expect(fault).to_have_attribute("open", "")
    expect(fault).to_be_in_viewport()
    fault.get_by_role("link", name="stream.done-once").first.click()
    requirement = page.locator("[id='stream.done-once']")
    expect(requirement).to_have_attribute("open", "")
    expect(requirement).to_be_in_viewport()
    expect(requirement.get_by_role("link", name="stream-end.done-missing", exact=True)).to_be_visible()


def test_a_cell_of_the_overview_leads_to_its_fault(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    cell = page.locator("svg.matrix a[href='#stream-end.done-twice'] rect").first
    cell.click(force=True)
    expect(page.locator("[id='stream-end.done-twice']")).to_have_attribute("open", "")


def test_rules_that_do_not_hold_stand_first(small_page: Path, open_page: Any) -> None:
    page = open_page(small_page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("0 of 1 faults caught, 1 false alarm")
    expect(page.get_by_role("heading", name="Rules that do not hold")).to_be_in_viewport()
    page.get_by_label("accused falsely").check()
    expect(page.locator(".part[data-part=faults] .requirement:visible")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(small_page: Path, open_page: Any, all_faults: Any, scheme: str) -> None:
    page = open_page(small_page, f"#{NO_DONE.id}", color_scheme=scheme)
    assert all_faults(page) == []


def test_a_narrow_screen_scrolls_only_its_tables(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_without_scripts_everything_is_there(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, java_script_enabled=False)
    expect(page.locator("#tools")).to_be_hidden()
    assert page.locator(".requirement:visible").count() > 600


def test_what_a_target_sent_is_never_executed(tmp_path: Path, open_page: Any) -> None:
    path = tmp_path / "kill-matrix.html"
    hostile = matrix(fault_row=replace(NO_DONE, about=HOSTILE, seen=(HOSTILE,)))
    results = tuple(replace(one, messages=dict.fromkeys(one.changed, HOSTILE)) for one in hostile.results)
    path.write_text(kill_matrix_page(replace(hostile, results=results)), encoding="utf-8")
    page = open_page(path, f"#{NO_DONE.id}")
    expect(page.get_by_text("<script>alert(1)</script>").first).to_be_visible()
    assert page.locator("img").count() == 0
