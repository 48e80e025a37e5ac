"""A page of which redaction withheld a part is replaced by one that says so."""

from __future__ import annotations

from conformance.report.html import assembled


def test_a_page_whose_parts_cannot_be_told_says_that_it_is_withheld() -> None:
    page = assembled(["<p>one</p>", "<p>***"], "", "")
    assert "This page is withheld" in page
    assert "one" not in page


def test_a_whole_page_is_put_together() -> None:
    page = assembled(["<policy>", "<style>", "<script>", "<rest>"], "a { color: red }", "run()")
    assert page.startswith("<policy>default-src 'none'")
    assert page.endswith("run()<rest>")
