"""The log of the tests in a real browser: readable rows, the command below a finding, the pages' look."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from command_line import CLI, call
from deployments import Answer, empty_object, http_deployment
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.network]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of a run against a deployment that answers everything with an empty object."""
    folder = tmp_path_factory.mktemp("log")
    with http_deployment(empty_object) as url:
        call((*CLI, "run", "openai", "--base-url", url, "--tier", "smoke", "--out", "out"), folder)
    return folder / "out" / "run-log.html"


def test_a_row_says_what_was_required_and_what_came(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    expect(page.get_by_role("heading", level=1)).to_contain_text(" tests")
    row = page.locator(".requirement[data-outcome=failed]").first
    row.locator("> summary").click()
    expect(row.get_by_role("group", name="What the test says")).to_contain_text("source: ")
    expect(row.get_by_role("link")).to_have_attribute(
        "href", "compliance.html#" + row.locator("code").first.inner_text()
    )
    assert "('" not in page.locator("main").inner_text()


def test_below_a_finding_are_its_command_and_its_evidence(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    row = page.locator(".requirement[data-outcome=failed]").filter(has=page.locator("[aria-label=Command]")).first
    row.locator("> summary").click()
    expect(row.get_by_role("group", name="Command")).to_contain_text("curl ")
    expect(row.get_by_text("in evidence/exchanges.jsonl")).to_be_visible()


def test_what_passed_is_folded_and_can_be_filtered_for(page_file: Path, open_page: Any) -> None:
    page = open_page(page_file)
    expect(page.locator(".requirement[data-outcome=passed]").first).to_be_hidden()
    page.locator("[name=outcome][value=passed]").check()
    expect(page.locator(".requirement[data-outcome=passed]").first).to_be_visible()
    expect(page.locator(".requirement[data-outcome=failed]").first).to_be_hidden()


def test_a_log_without_a_test_says_where_the_reason_is(tmp_path: Path, open_page: Any) -> None:
    def refuse(_: dict[str, str], __: bytes) -> Answer:
        return 401, {"Content-Type": "application/json"}, b'{"error":{"message":"no such key"}}'

    with http_deployment(refuse) as url:
        call((*CLI, "run", "openai", "--base-url", url, "--tier", "smoke", "--out", "out"), tmp_path)
    page = open_page(tmp_path / "out" / "run-log.html")
    expect(page.get_by_text("No test ran: there was nothing to judge.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing_on_any_screen(
    page_file: Path, open_page: Any, all_faults: Any, scheme: str, width: int
) -> None:
    page = open_page(page_file, color_scheme=scheme, viewport={"width": width, "height": 800})
    for row in page.locator(".requirement[data-outcome=failed] > summary").all()[:3]:
        row.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert all_faults(page) == []
