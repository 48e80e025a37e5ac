"""Prints what the recorded runs found: for each deployment a Markdown table of the requirements that it breaks.

python benchmarks/field/findings.py > benchmarks/field/FINDINGS.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent)]

from recorded_runs import RUNS, RecordedRun  # noqa: E402 - beside this file, not installed

_NOTABLE = ("failed", "warning", "inconclusive", "untested")
_LONGEST = 160
"""Characters of a cell; the record has the whole text."""

_HEAD = """\
# Findings in the field

Made by `findings.py` from the records below `recorded/`; README.md says how they came about and what reading the
bytes made of them. Each row shows the first finding of a requirement and how many there are.
"""


def report() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *("\n".join(_deployment(run)) for run in RUNS)])


def _deployment(run: RecordedRun) -> Iterator[str]:
    results = run.results()
    totals = ", ".join(f"{count} {outcome}" for outcome, count in results["counts"]["total"].items())
    exchanges = results["exchanges"]
    yield f"## {run.title}\n"
    version, day = results["profile"]["version"], results["started"][:10]
    yield f"Profile `{run.profile}` {version}, {results['tier']} tier, on {day}."
    yield f"Verdict: **{results['verdict']}** ({totals}); {exchanges['count']} requests.\n"
    rows = [row for row in results["requirements"] if row["outcome"] in _NOTABLE]
    if not rows:
        yield "No requirement is broken.\n"
        return
    yield "| requirement | level | expected | got | exchange |"
    yield "| --- | --- | --- | --- | --- |"
    yield from (_row(row) for row in rows)
    yield ""


def _row(row: Mapping[str, Any]) -> str:
    findings = row["findings"]
    if not findings:
        return _cells(f"`{row['id']}`", row["level"], row["outcome"], _text("; ".join(row["messages"])), "")
    first = findings[0]
    exchange = _code(first["exchange"]) if first["exchange"] else ""
    if len(findings) > 1:
        exchange += f" and {len(findings) - 1} more"
    return _cells(f"`{row['id']}`", row["level"], _text(first["expected"]), _text(first["actual"]), exchange)


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Text of a target in a cell: on one line, shortened, and never read as Markdown."""
    line = " ".join(text.split())
    return _code(line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…")


def _code(text: str) -> str:
    """A code span that holds whatever the text holds; a table needs its bars escaped even there."""
    fence = "`"
    while fence in text:
        fence += "`"
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}".replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    print(report(), end="")
