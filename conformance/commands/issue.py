"""`chat-conformance issue`: writes an issue about a finding, for the tracker of who can fix it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.terminal.exits import UsageFailure, secrets_around

if TYPE_CHECKING:
    from conformance.report import Results


def write_issue(run: Path, requirement: str, out: Path | None) -> int:
    """Print the issue about a requirement of a run, or write it to a file; returns the exit status.

    Raises:
        UsageFailure: the run did not find it broken, or is none.
        ResultsError, EvidenceError: the run cannot be read.
        OSError: the file cannot be written.
    """
    from conformance.evidence import Redactor, read_evidence
    from conformance.reading.secret_forms import masked_forms
    from conformance.report import read_results, write_atomically
    from conformance.report.issue import NoIssueError, issue_markdown
    from conformance.report.recorded_curl import recorded_curl

    if not run.is_dir():
        raise UsageFailure(f"{run} is not a folder; give the directory that a run wrote.")
    results = read_results(run / "results.json")
    evidence = read_evidence(run / "evidence")
    redactor = Redactor(secrets_around())

    def redact(text: str) -> str:
        return masked_forms(redactor.text(text))

    curl = recorded_curl(results, evidence.header)
    try:
        text = redact(issue_markdown(results, requirement, evidence.exchanges, curl=curl, redact=redact))
    except NoIssueError as error:
        raise UsageFailure(f"{error}{_near(results, requirement)}") from error
    if out is None:
        click.echo(text, nl=False)
    else:
        write_atomically(out, text)
        click.echo(str(out))
    click.echo("Read it before you send it: what is secret to you may not look like a key.", err=True)
    return 0


def _near(results: Results, requirement: str) -> str:
    ids = [row.id for row in results.requirements]
    near = [] if requirement in ids else difflib.get_close_matches(requirement, ids, n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(near)}?" if near else ""
