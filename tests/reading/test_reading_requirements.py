"""Whatever a reader can report is a row of the catalogue, and each row of streams and transport has its reader."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DERIVED = {"stream.chunk"}
"""Reported with the keyword's pointer: requirements that are derived from the chunk's schema."""
JUDGED_OVER_SEVERAL_STREAMS = {
    "stream.assembled",
    "stream.connection-reuse",
    "stream.delivered",
    "stream.delivered-coded",
    "stream.equivalent",
    "stream.finish-reason-length",
    "stream.id-unique",
    "stream.nothing-lost",
    "stream.own-answer",
    "stream.same-form",
    "stream.whitespace",
}


def test_readers_and_rows_name_the_same_requirements() -> None:
    sources = (path.read_text() for path in (ROOT / "conformance/reading").glob("*.py"))
    reported = {name for text in sources for name in re.findall(r'"((?:stream|transport)\.[a-z0-9-]+)"', text)}
    rows = [
        row["id"]
        for section in ("stream", "transport")
        for row in yaml.safe_load((ROOT / f"specs/requirements/{section}.yaml").read_text())
    ]
    assert reported - DERIVED == set(rows) - JUDGED_OVER_SEVERAL_STREAMS
    assert len(rows) == len(set(rows))
