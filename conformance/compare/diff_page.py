"""Makes the page of what changed between two runs: one HTML file that needs no network."""

from __future__ import annotations

import uuid

from conformance.compare.differences import Differences, Kind
from conformance.compare.matrix_page import OWN, with_filter
from conformance.compare.render import TITLES, summary
from conformance.contract.model import Level
from conformance.report.html import GLYPHS, VERDICTS, html_environment

_TONES = {Kind.REGRESSION: "nonconformant", Kind.UNDECIDED: "inconclusive"}


def diff_page(found: Differences) -> str:
    """The whole page as HTML text. Its looks are those of the compliance page, and what differences need besides."""
    boundary = uuid.uuid4().hex
    groups = [(kind, *TITLES[kind], found.of(kind)) for kind in Kind if found.of(kind)]
    levels = {change.level for change in found.changes}
    html = (
        html_environment(OWN)
        .get_template("diff.html.j2")
        .render(
            found=found,
            summary=summary(found),
            tone=next((tone for kind, tone in _TONES.items() if found.of(kind)), "conformant"),
            groups=groups,
            runs=[("before", found.old), ("now", found.new)],
            levels=[level for level in Level if level in levels],
            glyphs=GLYPHS,
            verdicts=VERDICTS,
            boundary=boundary,
        )
    )
    return with_filter(html.split(boundary))
