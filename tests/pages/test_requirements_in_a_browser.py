"""The page of explained requirements in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from conformance.contract import load_contract
from conformance.report.requirements_page import requirements_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("requirements") / "requirements.html"
    path.write_text(requirements_page(load_contract("loop-health")), encoding="utf-8")
    return path


def test_search_and_deep_links_work(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file, "#stream.done-once")
    expect(page.locator("[id='stream.done-once']")).to_be_in_viewport()
    rows = page.locator(".row:visible")
    everything = rows.count()
    page.get_by_label("Section").select_option("access")
    assert 0 < rows.count() < everything
    page.get_by_label("Search").fill("nothing-like-it")
    expect(page.locator("#nothing")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(rows).to_have_count(everything)


def test_axe_finds_no_fault_and_nothing_overflows(page_file: Path, open_page: Any, all_faults: Any) -> None:
    page = open_page(page_file, color_scheme="dark", viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert all_faults(page) == []
