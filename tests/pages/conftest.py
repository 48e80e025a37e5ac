"""A real browser for the tests of pages. Whatever a page complains of, or asks the network for, fails its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from page_watch import watch
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from programs import chromium

# A test waits no longer than it must, and on a slow or busy machine that may be long: so may the start of the browser.
expect.set_options(timeout=30_000)

Open = Callable[..., Page]

_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]
_GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window, as the system has it.

    No longer than for a module: while Playwright runs, its event loop runs in this thread, and no other can begin.
    """
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=_FLAGS, timeout=180_000)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a file, or a place in it; `options` are those of a Playwright context (`color_scheme`, `viewport`, ...).

    When the test ends, no page that it opened may have written an error to the console, thrown one, opened a dialog,
    or asked for anything but itself.
    """
    watched: list[list[str]] = []
    contexts: list[BrowserContext] = []

    def opened(path: Path, fragment: str = "", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        watched.append(watch(page, path))
        page.goto(path.as_uri() + fragment)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [problem for problems in watched for problem in problems] == []


@pytest.fixture(scope="session")
def grave_faults() -> Callable[[Page], list[str]]:
    """The serious and critical accessibility faults of a page by axe-core: the rule, and where."""
    return lambda page: [text for impact, text in _violations(page) if impact in _GRAVE]


@pytest.fixture(scope="session")
def all_faults() -> Callable[[Page], list[str]]:
    """All accessibility faults of a page by axe-core, the small ones, too."""
    return lambda page: [text for _, text in _violations(page)]


def _violations(page: Page) -> list[tuple[str, str]]:
    return [
        (fault["impact"], f"{fault['id']}: {node['target']} {node.get('failureSummary', '')}")
        for fault in Axe().run(page).response["violations"]
        for node in fault["nodes"][:5]
    ]
