"""`chat-conformance diff`: what changed between two runs, and why."""

from __future__ import annotations

from pathlib import Path

import click

REGRESSED, UNDECIDED = 1, 3
PAGE, RECORD = "diff.html", "diff.json"


def show_differences(old: Path, new: Path, *, as_json: bool, as_markdown: bool, out: Path | None = None) -> int:
    """Print what changed; with `out`, also write its page and its JSON to this folder.

    Returns the exit status: 1 on regressions, 3 where a MUST is no longer decided, else 0.

    Raises:
        UsageFailure: the options do not go together.
        ResultsError: a record cannot be read.
        CompareError: the runs are of different profiles.
        OSError: a file cannot be written.
    """
    from conformance.compare import ChangeKind, differences, read_runs, render
    from conformance.terminal.exits import UsageFailure
    from conformance.terminal.output import print_json

    if as_json and as_markdown:
        raise UsageFailure("--json and --markdown are alternatives; give one of them.")
    before, after = read_runs([old, new])
    found = differences(before.results, after.results)
    if as_json:
        print_json(render.as_json(found))
    else:
        click.echo((render.as_markdown if as_markdown else render.as_text)(found), nl=False)
    if out is not None:
        from conformance.compare import diff_page
        from conformance.report import write_atomically

        for name, text in ((PAGE, diff_page(found)), (RECORD, render.as_json(found))):
            write_atomically(out / name, text)
        click.echo(f"{out / PAGE}\n{out / RECORD}", err=as_json or as_markdown)
    if found.of(ChangeKind.REGRESSION):
        return REGRESSED
    return UNDECIDED if any(change.level == "MUST" for change in found.of(ChangeKind.UNDECIDED)) else 0
