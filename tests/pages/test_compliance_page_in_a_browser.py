"""The compliance page in a real browser: filters, search, addresses, evidence on demand, curl, keyboard, print."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import report_sample as sample
from command_line import CLI, call
from playwright.sync_api import Page, expect

from conformance.report import Results, compliance_page
from conformance.suite.outcome import Outcome
from conformance.wire.exchange import Answer, Exchange, Read

pytestmark = pytest.mark.browser

Open = Callable[..., Page]
Faults = Callable[[Page], list[str]]

SHOWN = ".requirement:not([hidden])"


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of a run that is wrong in several ways, of a target that is hostile in all of its texts."""
    return written(tmp_path_factory.mktemp("page") / "compliance.html", sample.sample_results(), sample.exchanges())


def written(path: Path, results: Results, exchanges: list[Exchange]) -> Path:
    path.write_text(compliance_page(results, exchanges, curl=sample.curl), encoding="utf-8")
    return path


def ids(page: Page) -> list[str]:
    return [node.get_attribute("id") or "" for node in page.locator(SHOWN).all()]


# --- filters and search --------------------------------------------------------------------------------------------


def test_the_filters_leave_what_fits_all_of_them(page_file: Path, open_page: Open) -> None:
    page, results = open_page(page_file), sample.sample_results()
    expect(page.locator(SHOWN)).to_have_count(len(results.requirements))
    page.locator("[name=outcome][value=failed]").check()
    wanted = {row.id for row in results.requirements if row.outcome == "failed"}
    assert set(ids(page)) == wanted
    page.locator("[name=outcome][value=warning]").check()
    wanted |= {row.id for row in results.requirements if row.outcome == "warning"}
    assert set(ids(page)) == wanted
    page.locator("select[name=section]").select_option("stream")
    assert set(ids(page)) == {row_id for row_id in wanted if row_id.startswith("stream.")}
    page.locator("select[name=level]").select_option("SHOULD")
    assert ids(page) == ["stream.role-first"]
    expect(page.locator("#shown")).to_have_text(f"1 of {len(results.requirements)}")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(SHOWN)).to_have_count(len(results.requirements))


def test_the_search_finds_ids_statements_and_findings(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("done-once")
    expect(page.locator(SHOWN)).to_have_count(1)
    page.locator("#search").fill("EXACTLY one [DONE]")
    expect(page.locator(SHOWN)).to_have_count(1)
    page.locator("#search").fill("/srv/app/main.py")
    expect(page.locator(SHOWN)).to_have_attribute("id", "error.no-leak")
    page.locator("#search").fill("nothing has this")
    expect(page.locator("#nothing")).to_be_visible()
    page.get_by_role("button", name="Clear the filters").click()
    expect(page.locator("#nothing")).to_be_hidden()


# --- deep links ----------------------------------------------------------------------------------------------------


def test_a_deep_link_opens_its_requirement(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file, "#stream.done-once")
    row = page.locator("[id='stream.done-once']")
    expect(row).to_have_attribute("open", "")
    expect(row.locator("> summary")).to_be_focused()
    expect(row).to_be_in_viewport()


def test_a_link_to_what_is_filtered_away_clears_the_filters(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.locator("[name=outcome][value=passed]").check()
    expect(page.locator("[id='stream.done-once']")).to_be_hidden()
    page.locator("#fix").get_by_role("link", name="A stream that succeeds has exactly one [DONE] event.").click()
    expect(page.locator("[id='stream.done-once']")).to_be_visible()
    expect(page.locator("[id='stream.done-once']")).to_have_attribute("open", "")


def test_every_requirement_has_a_link_of_its_own_that_can_be_copied(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    row = page.locator("[id='error.envelope']")
    row.locator("> summary").click()
    link = row.get_by_role("link", name="Link to this requirement")
    assert link.get_attribute("href") == "#error.envelope"
    link.click()
    assert page.url.endswith("#error.envelope")


# --- addresses -----------------------------------------------------------------------------------------------------


def test_filters_and_search_survive_a_reload(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.locator("[name=outcome][value=failed]").check()
    page.locator("[name=outcome][value=warning]").check()
    page.locator("select[name=section]").select_option("stream")
    page.locator("#search").fill("role")
    expect(page.locator(SHOWN)).to_have_count(1)
    page.wait_for_url("**q=role**")
    page.reload()
    expect(page.locator(SHOWN)).to_have_count(1)
    assert ids(page) == ["stream.role-first"]
    expect(page.locator("#search")).to_have_value("role")
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.locator(SHOWN)).to_have_count(len(sample.sample_results().requirements))
    page.wait_for_url(lambda url: "?" not in url)


def test_a_single_exchange_has_an_address(page_file: Path, open_page: Open) -> None:
    page = opened_exchange(open_page(page_file))
    expect(page.locator(".exchange[open]")).to_have_count(1)
    assert "exchange=stream%2Fplain%231" in page.url
    assert page.url.endswith("#stream.done-once")
    page.reload()
    opened = page.locator("[id='stream.done-once'] .exchange[open]")
    expect(opened).to_have_count(1)
    expect(opened.locator(".name")).to_have_text("stream/plain#1")
    expect(opened).to_be_in_viewport()


def test_back_leads_to_the_filters_that_a_link_cleared(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.locator("[name=outcome][value=passed]").check()
    page.locator("#fix").get_by_role("link", name="A stream that succeeds has exactly one [DONE] event.").click()
    expect(page.locator("[id='stream.done-once']")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=outcome][value=passed]")).to_be_checked()
    expect(page.locator("[id='stream.done-once']")).to_be_hidden()
    page.go_forward()
    expect(page.locator("[id='stream.done-once']")).to_be_visible()
    expect(page.locator("[name=outcome][value=passed]")).not_to_be_checked()


@pytest.mark.parametrize("fragment", ["?outcome=nonsense&level=MIGHT&exchange=nothing", "#%E0%A4%A", "?q=%00#nowhere"])
def test_an_address_that_names_nothing_breaks_nothing(page_file: Path, open_page: Open, fragment: str) -> None:
    page = open_page(page_file, fragment)
    expect(page.locator("#tools")).to_be_visible()
    expect(page.locator(".exchange[open]")).to_have_count(0)


def test_the_contents_lead_to_each_part_of_the_page(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file, viewport={"width": 1500, "height": 800})
    links = page.get_by_role("navigation", name="Contents").locator("> ul > li > a")
    assert links.count() > 8
    for link in links.all():
        link.click()
        place = page.locator((link.get_attribute("href") or "").replace("#", "section[id='") + "']")
        expect(place).to_be_in_viewport()
        expect(link).to_be_in_viewport()


# --- folds ---------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_folded_until_it_is_asked_for(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    kept = page.locator(".requirement[data-outcome=passed]")
    expect(kept.first).to_be_hidden()
    page.locator("[name=outcome][value=passed]").check()
    expect(kept.first).to_be_visible()
    page.locator("[name=outcome][value=passed]").uncheck()
    expect(kept.first).to_be_hidden()


def test_a_link_opens_what_its_target_is_folded_into(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file, "#stream.utf8")
    expect(page.locator("[id='stream.utf8']")).to_be_in_viewport()
    expect(page.locator("[id='stream.utf8']")).to_have_attribute("open", "")


# --- evidence ------------------------------------------------------------------------------------------------------


def opened_exchange(page: Page, requirement: str = "stream.done-once") -> Page:
    row = page.locator(f"[id='{requirement}']")
    row.locator("> summary").click()
    row.locator(".finding a.goto").first.click()
    return page


def test_exchanges_are_made_only_when_they_are_looked_at(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    expect(page.locator(".exchange")).to_have_count(0)
    page.locator("[id='stream.done-once'] > summary").click()
    expect(page.locator(".exchange")).not_to_have_count(0)
    expect(page.locator(".exchange pre")).to_have_count(0)
    opened_exchange(page, "error.envelope")
    expect(page.locator(".exchange[open] pre")).not_to_have_count(0)


def test_a_finding_leads_to_its_exchange_with_the_offending_part_marked(page_file: Path, open_page: Open) -> None:
    page = opened_exchange(open_page(page_file))
    exchange = page.locator(".exchange[open]")
    expect(exchange).to_have_count(1)
    expect(exchange.locator("mark").filter(has_text="data: [DONE]")).to_have_count(1)
    expect(exchange.get_by_role("group", name="Wire trace").locator("tr.bad")).not_to_have_count(0)
    expect(exchange.get_by_role("img", name="Arrival of the body over time")).to_be_visible()
    expect(exchange.locator("svg .tick.bad")).not_to_have_count(0)


def test_copy_curl_puts_the_command_on_the_clipboard(page_file: Path, open_page: Open) -> None:
    page = opened_exchange(open_page(page_file, permissions=["clipboard-read", "clipboard-write"]))
    page.get_by_role("button", name="Copy curl").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    wanted = next(sample.curl(one) for one in sample.exchanges() if one.id == "stream/plain#1")
    assert copied == wanted


def test_where_the_clipboard_is_closed_the_command_is_selected(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('closed')); }")
    opened_exchange(page)
    page.get_by_role("button", name="Copy curl").first.click()
    page.wait_for_function('getSelection().toString().startsWith("curl --request POST \'https://api.example.test")')


# --- for everyone --------------------------------------------------------------------------------------------------


def open_much(page: Page) -> Page:
    for requirement in ("stream.done-once", "error.envelope", "access.key-wrong", "completion.finish-reason"):
        row = page.locator(f"[id='{requirement}']")
        row.evaluate("row => { for (let at = row; at; at = at.parentElement.closest('details')) at.open = true }")
        expect(row.locator(".exchange")).not_to_have_count(0)
        for exchange in row.locator(".exchange").all():
            exchange.locator("> summary").click()
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault(page_file: Path, open_page: Open, all_faults: Faults, scheme: str) -> None:
    page = open_much(open_page(page_file, color_scheme=scheme))
    assert all_faults(page) == []


def test_axe_finds_no_fault_in_the_page_of_a_real_run(tmp_path: Path, open_page: Open, all_faults: Faults) -> None:
    # In a process of its own: the browser's driver has an event loop in this one.
    call((*CLI, "run", "kodexa", "--out", str(tmp_path / "out")), tmp_path)
    page = open_page(tmp_path / "out" / "compliance.html", viewport={"width": 768, "height": 900})
    for details in page.locator("details.keywords").all():
        details.locator("> summary").click()
    expect(page.locator("details.keywords[open] table")).not_to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth") <= 768
    assert all_faults(page) == []


def test_the_keyboard_reaches_and_opens_a_requirement(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the requirements")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.requirement > summary')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator(".requirement[open]")).to_have_count(1)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_runs_over_the_side(page_file: Path, open_page: Open, width: int) -> None:
    page = open_much(open_page(page_file, viewport={"width": width, "height": 800}))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_scripts_the_page_still_says_everything(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file, java_script_enabled=False)
    expect(page.locator("noscript p.notice")).to_be_visible()
    expect(page.locator(".requirement")).to_have_count(len(sample.sample_results().requirements))
    page.locator("[id='stream.done-once'] > summary").click()
    expect(page.get_by_text("2 events [DONE]").first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_in_print_everything_can_be_read(page_file: Path, open_page: Open, scripts: bool) -> None:
    page = open_page(page_file, java_script_enabled=scripts)
    assert page.pdf().startswith(b"%PDF")
    page.emulate_media(media="print")
    expect(page.locator("#tools")).to_be_hidden()
    for row in sample.sample_results().requirements:
        expect(page.locator(f"[id='{row.id}'] > summary")).to_be_visible()
    expect(page.locator("[id='stream.done-once']").get_by_text("2 events [DONE]")).to_be_visible()
    expect(page.locator("#streams svg.strip").first).to_be_visible()


def test_a_setup_that_cannot_be_judged_is_printed_on_one_sheet(tmp_path: Path, open_page: Open) -> None:
    sampled = sample.sample_results()
    untested = tuple(replace(row, outcome=Outcome.UNTESTED, findings=()) for row in sampled.requirements)
    page = open_page(written(tmp_path / "compliance.html", replace(sampled, requirements=untested), []))
    page.emulate_media(media="print")
    for place in ("requirements", "gaps"):
        expect(page.locator(f"#{place}")).to_be_hidden()
    expect(page.locator("#tested")).to_be_visible()
    assert page.pdf().count(b"/Type /Page\n") == 1


# --- pictures ------------------------------------------------------------------------------------------------------


def test_each_stream_says_what_its_picture_shows(page_file: Path, open_page: Open) -> None:
    page = open_page(page_file)
    cut = page.locator(".streams li").filter(has_text="stream/cut#1")
    expect(cut.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"4 events, .*no \[DONE\]; truncated"))
    expect(cut.locator("use.none")).to_have_count(2)
    expect(cut.get_by_text("no [DONE]")).to_be_visible()
    whole = page.locator(".streams li").filter(has_text="stream/plain#1")
    expect(whole.locator("use.done")).to_have_count(1)
    box = whole.locator("path.event").bounding_box()
    assert box is not None
    assert box["width"] > 5
    whole.get_by_role("link", name="stream/plain#1").click()
    expect(page.locator(".exchange[open] .name")).to_have_text("stream/plain#1")


# --- a target that means harm --------------------------------------------------------------------------------------


def test_nothing_of_a_hostile_target_becomes_markup(page_file: Path, open_page: Open) -> None:
    page = open_much(open_page(page_file))
    assert page.locator("img, iframe, object, embed, form:not(#tools), base, link").count() == 0
    assert page.locator("script:not([type='application/json'])").count() == 1
    assert page.locator("style").count() == 1
    assert page.locator("[onerror], [onload], [onclick], [style]").count() == 0
    assert page.locator("a[href^='javascript' i], a[href^='data' i]").count() == 0
    assert "\x1b" not in page.content()
    assert page.locator("text=<img src=x onerror=alert(2)>").count() > 0


def large() -> tuple[Results, list[Exchange]]:
    """2,000 requirements and 20 MB of bodies."""
    results = sample.sample_results(1980)
    piece = b'{"id":"chatcmpl-1","choices":[{"index":0,"text":"lorem ipsum dolor sit amet"}]}\n' * 2600
    answer = Answer(200, "OK", "HTTP/1.1", (("Content-Type", "application/json"),), 0.1, (Read(0.2, piece),))
    many = [replace(sample.exchanges()[0], id=f"large/{number}#1", answer=answer) for number in range(100)]
    rows = tuple(
        replace(row, exchanges=(f"large/{number % 100}#1",)) for number, row in enumerate(results.requirements)
    )
    return replace(results, requirements=rows), many


def test_two_thousand_requirements_and_twenty_megabytes_stay_usable(tmp_path: Path, open_page: Open) -> None:
    results, exchanges = large()
    assert len(results.requirements) >= 2000
    assert sum(len(one.answer.body) for one in exchanges if one.answer) > 20_000_000
    page = open_page(written(tmp_path / "large.html", results, exchanges))
    assert page.evaluate("document.getElementsByTagName('*').length") < 60_000
    page.locator("#search").fill("temperature maximum")
    expect(page.locator("#shown")).to_contain_text(" of ")
    assert 0 < page.locator(SHOWN).count() < 500
    page.locator(SHOWN).filter(visible=True).first.locator("> summary").click()
    page.locator(".exchange > summary").first.click()
    shown = page.locator(".exchange[open] pre[aria-label='Response body']")
    expect(shown.locator(".omitted")).to_have_count(1)
    assert len(shown.inner_text()) < 40_000
