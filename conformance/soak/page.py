"""Makes the page of a soak from its record: one HTML file that needs no network."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from conformance.report.html import assembled, html_environment, scripts, styles
from conformance.soak.pictures import FOOT, HEIGHT, LEFT, WIDTH, memory_picture, times_pictures
from conformance.terminal.exits import INCONCLUSIVE

PAGE: Final = "soak.html"
_OWN = Path(__file__).parent / "templates"
_MOST_FINDINGS = 5
_TONES = {0: ("conformant", "✓"), 1: ("nonconformant", "✕"), INCONCLUSIVE: ("inconclusive", "?")}
_STREAMS = {
    "cut": "broke off, or fell silent",
    "unended": "lack their end: a finish reason, or the sentinel",
    "foreign": "have words of another request",
}


def soak_page(
    record: Mapping[str, Any], commands: Mapping[str, str], redact: Callable[[str], str] = lambda text: text
) -> str:
    """The whole page as HTML text.

    `commands` has what sends the request of an exchange again, by its id. `redact` takes secrets out of everything but
    the page's own style and script.
    """
    boundary = uuid.uuid4().hex
    rows = record["requirements"]
    tone, glyph = _TONES[record["status"]]
    html = (
        html_environment(_OWN)
        .get_template("soak.html.j2")
        .render(
            record=record,
            tone=tone,
            glyph=glyph,
            broken=[row for row in rows if row["broken"]],
            kept=[row for row in rows if row["judged"] and not row["broken"]],
            undecided=[row for row in rows if not row["judged"]],
            streams=[(words, record["streams"][name]) for name, words in _STREAMS.items()],
            pictures=times_pictures(record["times"]),
            memory=memory_picture(record["sender"]["workers"]),
            commands=commands,
            most_findings=_MOST_FINDINGS,
            one_in=lambda rate: "never" if rate <= 0 else f"1 in {1 / rate:,.0f}",
            width=WIDTH,
            height=HEIGHT,
            foot=FOOT,
            left=LEFT,
            boundary=boundary,
        )
    )
    return assembled(redact(html).split(boundary), styles("soak.css", own=_OWN), scripts())
