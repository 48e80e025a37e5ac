"""Tells on the console what a run came to, and where its reports are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.running.finish import FinishedRun
    from conformance.running.suite_run import SuiteRun


def tell(suite_run: SuiteRun, finished: FinishedRun, run_log: Path) -> None:
    """Print the summary of a run."""
    from rich.console import Console

    from conformance.report import print_summary
    from conformance.running.finish import timeline_for
    from conformance.terminal.ci_output import for_log

    session = suite_run.session
    console = Console()
    print_summary(
        finished.results,
        suite_run.exchanges,
        console,
        curl=finished.curl,
        reports={**finished.written, "run log": run_log, "evidence": session.evidence_directory},
        timeline=timeline_for(suite_run),
        redact=for_log(session.redactor.text),
    )
