"""Makes badges, and that of a run: the JSON for a shields.io endpoint badge, and an SVG."""

from __future__ import annotations

import html
import json
from dataclasses import dataclass
from typing import Any

from conformance.contract.model import Level
from conformance.quoting import one_line
from conformance.report.results import Results
from conformance.suite.outcome import BROKEN, Outcome, Verdict

GREEN, RED, DARK_YELLOW, GREY = "#1a7f37", "#cf222e", "#6e6000", "#57606a"
"""White text on each has a contrast of at least 4.5:1 (WCAG 2.2 section 1.4.3)."""
_COLORS = {Verdict.CONFORMANT: GREEN, Verdict.NONCONFORMANT: RED, Verdict.INCONCLUSIVE: DARK_YELLOW}
_LONGEST_LABEL = 100
_LABEL_COLOR = "#444d56"
_HEIGHT, _PADDING, _SIZE = 20, 8, 11
_NARROW, _WIDE = frozenset("ijl.,:;'|!()[]1tfr /"), frozenset("mwMW%@—")


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says: label and message, each one line, and the colour behind the message.

    `is_error` says that nothing good is known. `cache_seconds` is how long a service may show what it fetched.
    """

    label: str
    message: str
    color: str
    is_error: bool = False
    cache_seconds: int | None = None


def badge_json(results: Results) -> str:
    """The badge for https://shields.io/badges/endpoint-badge: `schemaVersion`, `label`, `message`, `color`."""
    return shields_badge(_badge(results))


def badge_label(results: Results) -> str:
    """What the verdict is about: profile, release, tier, and what it leaves out."""
    return one_line(results.about, _LONGEST_LABEL)


def badge_message(results: Results) -> str:
    """The verdict and the figure behind it; only a whole, unfiltered conformant run is green."""
    musts = [row for row in results.requirements if row.level is Level.MUST]
    failed = sum(row.outcome in BROKEN for row in musts)
    waived = sum(row.outcome is Outcome.WAIVED for row in musts)
    passed = sum(row.outcome is Outcome.PASSED for row in musts)
    if results.verdict is Verdict.CONFORMANT:
        return f"{passed} MUST passed" + (f", {waived} waived" if waived else "")
    if results.verdict is Verdict.NONCONFORMANT:
        return f"{failed} MUST failed" if failed else "warnings in a strict run"
    return "inconclusive"


def badge_svg(results: Results) -> str:
    """The badge as an SVG with a title for screen readers; it loads nothing and runs nothing."""
    return drawn_badge(_badge(results))


def _badge(results: Results) -> Badge:
    undecided = results.verdict is Verdict.INCONCLUSIVE
    return Badge(badge_label(results), badge_message(results), _COLORS[results.verdict], is_error=undecided)


def shields_badge(badge: Badge) -> str:
    """A badge as JSON for a shields.io endpoint."""
    document: dict[str, Any] = {
        "schemaVersion": 1,
        "label": badge.label,
        "message": badge.message,
        "color": badge.color.removeprefix("#"),
        "isError": badge.is_error,
    }
    if badge.cache_seconds is not None:
        document["cacheSeconds"] = badge.cache_seconds
    return json.dumps(document, indent=1) + "\n"


def drawn_badge(badge: Badge) -> str:
    """A badge as an SVG with a title for screen readers; it loads nothing and runs nothing."""
    label, message = badge.label, badge.message
    left, right = _width(label), _width(message)
    width = left + right
    title = html.escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" role="img" aria-label="{title}">'
        f"<title>{title}</title>"
        f'<clipPath id="round"><rect width="{width}" height="{_HEIGHT}" rx="3"/></clipPath>'
        '<g clip-path="url(#round)">'
        f'<rect width="{left}" height="{_HEIGHT}" fill="{_LABEL_COLOR}"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{badge.color}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{_SIZE}">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 2 * _PADDING}">{html.escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 2 * _PADDING}">{html.escape(message)}</text>'
        "</g></svg>\n"
    )


def _width(text: str) -> int:
    """About how wide the text is, in pixels; `textLength` fits the viewer's font to it."""
    widths = (4.2 if char in _NARROW else 10.5 if char in _WIDE else 7.0 for char in text)
    return round(sum(widths)) + 2 * _PADDING
