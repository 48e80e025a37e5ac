"""Tells the run to the CI system that it happens in, where there is one that wants to know: GitHub Actions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.report import Results


def report_to_ci(results: Results, redact: Callable[[str], str]) -> None:
    """Print annotations where GITHUB_ACTIONS is `true`, and add to the file that GITHUB_STEP_SUMMARY names.

    A summary that cannot be written costs the run nothing: the console says so.
    """
    if not _in_github_actions():
        return
    from conformance.report.github import annotation_lines, step_summary
    from conformance.report.record import parse_results, results_text

    # Of the redacted record: an escape within a secret would hide it from a redaction that came later.
    told = parse_results(json.loads(redact(results_text(results))))
    shown = for_log(redact)
    for line in annotation_lines(told):
        click.echo(shown(line))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(redact(step_summary(told)))
    except OSError as error:
        click.echo(f"chat-conformance: the step's summary cannot be written ({error.strerror}).", err=True)


def for_log(redact: Callable[[str], str]) -> Callable[[str], str]:
    """`redact`, and where a runner reads the log for commands, such that it finds none in what a target wrote."""
    if not _in_github_actions():
        return redact
    from conformance.report.github import defused

    return lambda text: defused(redact(text))


def _in_github_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
