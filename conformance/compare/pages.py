"""Makes the pages of comparisons: runs side by side, and what changed between two. Neither needs a network."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from conformance.compare.differences import ChangeKind, Differences
from conformance.compare.matrix import RunMatrix, both_axes
from conformance.compare.render import MOST_CHANGES, TITLES, left_out, summary
from conformance.compare.side_by_side import columns, ordered, parts
from conformance.contract.model import Level
from conformance.report.html import GLYPHS, MEANINGS, VERDICTS, assembled, html_environment, scripts, styles
from conformance.suite.outcome import Finding, Outcome

_OWN = Path(__file__).parent / "templates"
_TONES = {ChangeKind.REGRESSION: "nonconformant", ChangeKind.UNDECIDED: "inconclusive"}
_MOST_WORDS = 600


def matrix_page(shown: RunMatrix) -> str:
    """The whole page as HTML text. It looks like the compliance page, plus what a matrix needs."""
    boundary = uuid.uuid4().hex
    order = ordered(shown)
    groups = parts(shown, order)
    rows = [row for _, found in shown.sections for row in found]
    html = (
        html_environment(_OWN)
        .get_template("matrix.html.j2")
        .render(
            matrix=shown,
            both_axes=both_axes,
            columns=columns(shown, order),
            parts=groups,
            outcomes=[one for one in Outcome if any(one in run.results.totals for run in shown.runs)],
            level_options=_options({row.level for row in rows}),
            section_options=[(section.value, section.value) for section, _ in shown.sections],
            glyphs=GLYPHS,
            meanings=MEANINGS,
            verdicts=VERDICTS,
            most_words=_MOST_WORDS,
            boundary=boundary,
        )
    )
    return assembled(html.split(boundary), styles("matrix.css", own=_OWN), scripts())


def diff_page(found: Differences) -> str:
    """The whole page as HTML text. It looks like the compliance page, plus what differences need."""
    boundary = uuid.uuid4().hex
    changed = [(kind, found.of(kind)) for kind in ChangeKind]
    groups = [(kind, *TITLES[kind], changes[:MOST_CHANGES]) for kind, changes in changed if changes]
    html = (
        html_environment(_OWN)
        .get_template("diff.html.j2")
        .render(
            found=found,
            summary=summary(found),
            cut=left_out(found),
            tone=next((tone for kind, tone in _TONES.items() if found.of(kind)), "conformant"),
            groups=groups,
            alike=_alike,
            change_options=[(kind.value, title) for kind, title, _, _ in groups],
            runs=[("before", found.old), ("now", found.new)],
            level_options=_options({change.level for change in found.changes}),
            glyphs=GLYPHS,
            verdicts=VERDICTS,
            most_words=_MOST_WORDS,
            boundary=boundary,
        )
    )
    return assembled(html.split(boundary), styles("matrix.css", own=_OWN), scripts())


@dataclass(frozen=True, slots=True)
class _Found:
    """Findings that say the same, and the exchanges that show it."""

    expected: str
    actual: str
    exchanges: Sequence[str]


def _alike(findings: Iterable[Finding]) -> list[_Found]:
    exchanges: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        exchanges.setdefault((one.expected, one.actual), []).extend([one.exchange] if one.exchange else [])
    return [_Found(*said, names) for said, names in exchanges.items()]


def _options(levels: set[Level]) -> list[tuple[str, str]]:
    return [(level.value, level.value) for level in Level if level in levels]
