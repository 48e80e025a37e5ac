"""The page of a certificate: one sheet of A4 whatever it says, and expired by itself in a browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from certificate_samples import long_certificate, sample_certificate
from playwright.sync_api import Page, expect

from conformance.certificates import Certificate, Revocation, standing
from conformance.certificates.page import certificate_page

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC).replace(microsecond=0)
Open = Callable[..., Page]


def written(certificate: Certificate, folder: Path, *, revoked: str | None = None, now: datetime = NOW) -> Path:
    revocation = None
    if revoked is not None:
        revocation = Revocation(certificate.id, "0" * 64, certificate.issuer, revoked, NOW.isoformat())
    path = folder / "certificate.html"
    path.write_text(certificate_page(standing(certificate, revocation, now), "0" * 64), encoding="utf-8")
    return path


@pytest.mark.parametrize("revoked", [None, "because " * 62], ids=["valid", "revoked"])
@pytest.mark.parametrize("certificate", [sample_certificate(NOW), long_certificate(NOW)], ids=["usual", "long"])
def test_it_prints_on_one_sheet(certificate: Certificate, revoked: str | None, open_page: Open, tmp_path: Path) -> None:
    page = open_page(written(certificate, tmp_path, revoked=revoked))
    assert b"/Count 1\n" in page.pdf(prefer_css_page_size=True)


def test_it_is_accessible_wide_narrow_and_dark(
    open_page: Open, all_faults: Callable[[Page], list[str]], tmp_path: Path
) -> None:
    path = written(long_certificate(NOW), tmp_path)
    for options in ({}, {"color_scheme": "dark"}, {"viewport": {"width": 360, "height": 800}}):
        page = open_page(path, **options)
        assert all_faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_page_that_was_saved_says_itself_that_the_certificate_has_expired(open_page: Open, tmp_path: Path) -> None:
    old = replace(
        sample_certificate(NOW),
        issued=(NOW - timedelta(days=9)).isoformat(),
        expires=(NOW - timedelta(days=2)).isoformat(),
    )
    path = written(old, tmp_path, now=NOW - timedelta(days=5))
    assert "Valid until" in path.read_text(encoding="utf-8")
    page = open_page(path)
    expect(page.locator("h1")).to_contain_text("Expired")
    expect(page.locator("#until")).to_have_text(f"This certificate expired at {old.expires}.")


def test_a_page_says_that_the_certificate_was_revoked_and_why(open_page: Open, tmp_path: Path) -> None:
    page = open_page(written(sample_certificate(NOW), tmp_path, revoked="<b>forged</b> runs"))
    expect(page.locator("h1")).to_contain_text("Revoked")
    expect(page.locator("#until")).to_contain_text("because: <b>forged</b> runs")
