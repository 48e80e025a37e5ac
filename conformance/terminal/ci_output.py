"""Reports a run to the CI system around it, if that is GitHub Actions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.report import Results


def report_to_ci(results: Results, redact: Callable[[str], str], *, err: bool = False) -> None:
    """Print annotations where GITHUB_ACTIONS is `true`, and add to the file that GITHUB_STEP_SUMMARY names.

    `err` prints them on standard error, which GitHub reads as well. A summary that cannot be written does not change
    the run: the console says so.
    """
    if not _in_github_actions():
        return
    from conformance.report.github import annotation_lines, step_summary
    from conformance.report.record import parse_results, results_text

    # Redacted first: an escape within a secret would hide it from a later redaction.
    redacted = parse_results(json.loads(redact(results_text(results))))
    shown = for_log(redact)
    for line in annotation_lines(redacted):
        click.echo(shown(line), err=err)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(redact(step_summary(redacted)))
    except OSError as error:
        click.echo(f"chat-conformance: the job summary cannot be written ({error.strerror}).", err=True)


def for_log(redact: Callable[[str], str]) -> Callable[[str], str]:
    """`redact`, and under GitHub Actions also without workflow commands in what a target wrote."""
    if not _in_github_actions():
        return redact
    from conformance.report.github import defused

    return lambda text: defused(redact(text))


def _in_github_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"
