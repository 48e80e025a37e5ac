"""Makes the pages of comparisons: runs side by side, and what changed between two. Neither needs a network."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

from conformance.compare.differences import ChangeKind, Differences
from conformance.compare.matrix import RunMatrix, first_words
from conformance.compare.render import TITLES, summary
from conformance.contract.model import Level
from conformance.report.html import GLYPHS, MEANINGS, TEMPLATES, VERDICTS, assembled, html_environment
from conformance.suite.outcome import Outcome

_OWN = Path(__file__).parent / "templates"
_TONES = {ChangeKind.REGRESSION: "nonconformant", ChangeKind.UNDECIDED: "inconclusive"}


def matrix_page(shown: RunMatrix) -> str:
    """The whole page as HTML text. It looks like the compliance page, plus what a matrix needs."""
    boundary = uuid.uuid4().hex
    levels = {row.level for _, rows in shown.sections for row in rows}
    html = (
        html_environment(_OWN)
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
    return _with_filter(html.split(boundary))


def diff_page(found: Differences) -> str:
    """The whole page as HTML text. It looks like the compliance page, plus what differences need."""
    boundary = uuid.uuid4().hex
    groups = [(kind, *TITLES[kind], found.of(kind)) for kind in ChangeKind if found.of(kind)]
    levels = {change.level for change in found.changes}
    html = (
        html_environment(_OWN)
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
    return _with_filter(html.split(boundary))


def _with_filter(parts: Sequence[str]) -> str:
    """A page whose rows can be filtered, from the parts between its policy, style and script."""
    style = "".join(path.read_text(encoding="utf-8") for path in (TEMPLATES / "compliance.css", _OWN / "matrix.css"))
    script = (TEMPLATES / "filter.js").read_text(encoding="utf-8")
    return assembled(parts, style, script)
