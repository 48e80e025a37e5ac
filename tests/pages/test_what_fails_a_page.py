"""The checks of the page tests can fail: a page that does wrong is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from page_watch import watch
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

WRONG = """<!doctype html><html lang="en"><title>Wrong</title><main><h1>Wrong</h1><button></button>
<img src="http://127.0.0.1:9/x.png" alt=""><script>
console.error("complained"); alert("here"); setTimeout(() => { throw new Error("thrown"); });
</script></main></html>"""


def test_a_page_that_does_wrong_is_noticed(
    tmp_path: Path, browser: Browser, grave_faults: Callable[[Page], list[str]]
) -> None:
    path = tmp_path / "wrong.html"
    path.write_text(WRONG, encoding="utf-8")
    context = browser.new_context()
    page = context.new_page()
    problems = watch(page, path)
    page.goto(path.as_uri())
    faults = grave_faults(page)
    context.close()
    for problem in ("complained", "threw", "opened a dialog: here", "asked for http://127.0.0.1:9/x.png"):
        assert any(problem in one for one in problems), (problem, problems)
    assert any(fault.startswith("button-name") for fault in faults), faults
