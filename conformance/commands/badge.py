"""`chat-conformance badge`: writes the badge of a run from its results.json."""

from __future__ import annotations

from pathlib import Path

import click


def write_badge(results: Path, out: Path | None) -> int:
    """Write badge.json and badge.svg, beside the record or in `out`; returns the exit status.

    Raises:
        ResultsError: the record cannot be used.
        OSError: a file cannot be written.
    """
    from conformance.report import badge_json, badge_svg, read_results, write_atomically

    record = results / "results.json" if results.is_dir() else results
    read = read_results(record)
    folder = record.parent if out is None else out
    for name, text in (("badge.json", badge_json(read)), ("badge.svg", badge_svg(read))):
        write_atomically(folder / name, text)
        click.echo(str(folder / name))
    return 0
