"""The pages of a registry: readable wide, narrow, dark and printed, with scripts and without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from registry_samples import usual_registry

from conformance.registry.pages import Pages

pytestmark = pytest.mark.browser

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, html in Pages(usual_registry(), "4 bundles, 4 judged, 0 kept.").all():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(html, encoding="utf-8")
    return folder


def vendors(page: Page) -> list[str]:
    rows = page.locator("table.sorted tbody tr:visible th.who strong")
    return rows.all_inner_texts()


def test_every_kind_of_page_is_accessible_and_fits(
    open_page: Open, all_faults: Callable[[Page], list[str]], site: Path
) -> None:
    run = next(path for path in sorted((site / "runs").iterdir()) if "one [DONE]" in path.read_text(encoding="utf-8"))
    kinds = ["index.html", "vendors/zebra.html", "requirements/openai/stream.done-once.html", "changes.html"]
    looks: tuple[dict[str, Any], ...] = ({}, {"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 800}})
    for number, path in enumerate((*(site / name for name in kinds), run)):
        for options in looks if path.name == "index.html" else (looks[1 + number % 2],):
            page = open_page(path, **options)
            assert all_faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_rows_are_sorted_by_the_list_and_by_the_heads_and_the_address_keeps_it(open_page: Open, site: Path) -> None:
    page = open_page(site / "index.html")
    assert vendors(page) == ["Zebra", "Acme", "Birch <AI>"]
    page.get_by_role("button", name="Vendor").click()
    assert vendors(page) == ["Acme", "Birch <AI>", "Zebra"]
    expect(page.locator("table.sorted th[data-by=vendor]")).to_have_attribute("aria-sort", "ascending")
    assert "sort=vendor" in page.url
    page.reload()
    expect(page.locator("table.sorted th[data-by=vendor]")).to_have_attribute("aria-sort", "ascending")
    assert vendors(page) == ["Acme", "Birch <AI>", "Zebra"]
    page.get_by_label("Order").select_option("failing")
    assert vendors(page) == ["Acme", "Birch <AI>", "Zebra"]
    page.get_by_label("Order").select_option("judged")
    assert vendors(page) == ["Birch <AI>", "Acme", "Zebra"]
    page.get_by_role("button", name="Clear").first.click()
    expect(page.locator("table.sorted tbody tr").first).to_contain_text("Zebra")


def test_rows_are_found_by_words_and_by_verdict(open_page: Open, site: Path) -> None:
    page = open_page(site / "index.html", "?q=birch")
    expect(page.locator("#shown")).to_have_text("1 of 3")
    assert vendors(page) == ["Birch <AI>"]
    page.get_by_role("button", name="Clear").first.click()
    page.locator("label.chip", has_text="nonconformant").click()
    expect(page.locator("#shown")).to_have_text("2 of 3")


def test_without_scripts_everything_is_there(open_page: Open, site: Path) -> None:
    page = open_page(site / "index.html", java_script_enabled=False)
    assert vendors(page) == ["Zebra", "Acme", "Birch <AI>"]
    expect(page.locator("#tools")).to_be_hidden()
    page.get_by_text("1 earlier version").click()
    expect(page.locator("#earlier table")).to_be_visible()


def test_it_prints_tables_as_tables_and_what_is_folded(open_page: Open, site: Path) -> None:
    page = open_page(site / "index.html", viewport={"width": 690, "height": 980})
    page.emulate_media(media="print")
    expect(page.locator("table.sorted thead")).to_be_visible()
    expect(page.locator("#tools")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#earlier table").bounding_box() is not None
