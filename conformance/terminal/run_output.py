"""Prints what `run` shows: the plan before anything is sent, or the summary at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.probes import Plan
    from conformance.running.finish import FinishedRun
    from conformance.running.run import Run
    from conformance.running.suite_run import SuiteRun


def print_plan(plan: Plan, run: Run) -> None:
    """Print each probe with its intent and worst-case cost, then the totals and what would be judged by."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("probe", "intent", "tokens", "request", box=box.SIMPLE_HEAD, pad_edge=False)
    for probe in plan.probes:
        about = f"{probe.about}; {len(probe.instead)} more if refused" if probe.instead else probe.about
        table.add_row(probe.name, probe.intent.value, str(probe.completion_tokens), escape(about))
    console = Console()
    console.print(table)
    console.print(
        f"{len(plan.probes)} requests to {escape(run.target.base_url)}; at worst {plan.worst_case_requests} requests"
        f" (without retries) and {plan.worst_case_tokens} completion tokens. Nothing was sent."
    )
    profile = run.contract.profile
    by = f", release {run.release.version}" if run.release else f" {profile.version}"
    console.print(f"Judged by {escape(profile.name)}{escape(by)}, {run.tier.value} tier.")


def print_run_summary(suite_run: SuiteRun, finished: FinishedRun, run_log: Path) -> None:
    """Print the summary of a run, and where its reports are."""
    from rich.console import Console

    from conformance.report import print_summary
    from conformance.running.finish import timeline_for
    from conformance.terminal.ci_output import for_log

    run = suite_run.run
    console = Console()
    print_summary(
        finished.results,
        suite_run.exchanges,
        console,
        curl=finished.curl,
        reports={**finished.written, "run log": run_log, "evidence": run.evidence_directory},
        timeline=timeline_for(suite_run),
        redact=for_log(run.redactor.text),
    )
