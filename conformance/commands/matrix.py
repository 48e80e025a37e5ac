"""`chat-conformance matrix`: vendors or runs side by side, as one page and one JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

PAGE, RECORD = "matrix.html", "matrix.json"


def show_matrix(records: Sequence[Path], out: Path | None) -> int:
    """Write the page and the JSON of runs side by side, and print their paths; returns the exit status.

    Raises:
        ResultsError: a record cannot be read.
        OSError: a file cannot be written.
    """
    from conformance.compare import matrix, matrix_json, matrix_page, read_runs
    from conformance.compare.matrix import both_axes
    from conformance.quoting import log_line
    from conformance.report import write_atomically
    from conformance.report.quantities import counted

    shown = matrix(read_runs(records))
    folder = out or Path("reports") / f"matrix-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S')}"
    for name, text in ((PAGE, matrix_page(shown)), (RECORD, matrix_json(shown))):
        write_atomically(folder / name, text)
    for run in shown.runs:
        totals = ", ".join(f"{count} {outcome.value}" for outcome, count in run.results.totals.items())
        click.echo(log_line(f"{run.results.verdict.value:<14} {run.name} ({run.results.about}): {totals}"))
        if axes := both_axes(run):
            click.echo(f"{'':<14} {axes}")
    click.echo(f"{counted(shown.differing, 'requirement')} of {shown.size} differ between the runs.")
    click.echo(f"{folder / PAGE}\n{folder / RECORD}")
    return 0
