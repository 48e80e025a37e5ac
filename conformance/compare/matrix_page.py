"""Makes the matrix page: one HTML file that needs no network and shows runs side by side."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from conformance.compare.matrix import Matrix, first_words
from conformance.contract.model import Level
from conformance.report.html import GLYPHS, MEANINGS, TEMPLATES, VERDICTS, assembled, html_environment
from conformance.suite.outcome import Outcome

OWN = Path(__file__).parent / "templates"


def matrix_page(shown: Matrix) -> str:
    """The whole page as HTML text. Its looks are those of the compliance page, and what matrices need besides."""
    boundary = uuid.uuid4().hex
    levels = {row.level for _, rows in shown.sections for row in rows}
    html = (
        html_environment(OWN)
        .get_template("matrix.html.j2")
        .render(
            matrix=shown,
            outcomes=[one for one in Outcome if any(one in run.results.totals for run in shown.runs)],
            levels=[level for level in Level if level in levels],
            glyphs=GLYPHS,
            meanings=MEANINGS,
            verdicts=VERDICTS,
            first_words=first_words,
            boundary=boundary,
        )
    )
    return with_filter(html.split(boundary))


def with_filter(parts: Sequence[str]) -> str:
    """A page whose rows can be filtered, from the parts between its policy, style and script."""
    style = "".join(path.read_text(encoding="utf-8") for path in (TEMPLATES / "compliance.css", OWN / "matrix.css"))
    script = (TEMPLATES / "filter.js").read_text(encoding="utf-8")
    return assembled(parts, style, script)
