"""The commands that watch deployments, a run a day, with their options."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from conformance.terminal.exits import exit_status

_FILE = click.Path(path_type=Path)
_OUT = Path("reports") / "watch"
_Command = TypeVar("_Command", bound=Callable[..., Any])

_TARGET = click.option(
    "--target", "targets", metavar="NAME", multiple=True, help="Only these targets, by name or glob.  [default: all]"
)
_HISTORY = click.option(
    "--out",
    metavar="DIR",
    type=_FILE,
    default=_OUT,
    show_default=True,
    help="Where the histories are: a folder for each target, and in it one for each contract.",
)
_METRICS = click.option(
    "--metrics",
    metavar="FILE",
    type=_FILE,
    help="Write Prometheus metrics for the textfile collector, such as /var/lib/node_exporter/conformance.prom; needs"
    " the extra `watch`.",
)
_OTLP = click.option(
    "--otlp",
    is_flag=True,
    help="Send a span of OpenTelemetry for each run to OTEL_EXPORTER_OTLP_ENDPOINT; needs the extra `watch`.",
)
_ISSUE = click.option(
    "--issue", metavar="FILE", type=_FILE, help="Write the issues on all that has changed to this file as well."
)
_OF_A_DAY = (
    click.argument("file", metavar="[FILE]", type=_FILE, default=Path("conformance.toml")),
    _TARGET,
    _HISTORY,
    click.option(
        "--max-requests", type=click.IntRange(1), help="Requests of a day for each target, at most; overrides the file."
    ),
    click.option(
        "--max-tokens",
        type=click.IntRange(1),
        help="Completion tokens of a day for each target, at most (by the worst case of each request).",
    ),
    click.option(
        "--tier",
        type=click.Choice(["smoke", "standard", "exhaustive"]),
        help="The tier that is wanted, by parts where a day's budget is less.  [default: the file's, or standard]",
    ),
    click.option("--yes", "may_cost_much", is_flag=True, help="Agree to a run that may cost more than 100,000 tokens."),
)


def _of_a_day(command: _Command) -> _Command:
    for option in reversed(_OF_A_DAY):
        command = option(command)
    return command


@click.group()
def watch() -> None:
    """Judge deployments every day within a budget, and tell what has changed since when.

    Whatever starts programs by the clock calls `watch run` once a day: cron, a timer of systemd, a workflow on a
    schedule, a CronJob. FILE has targets as conformance.toml has them, and may have a table [watch].

    Exit status: 0 nothing has changed, 1 drift found, 2 wrong usage or configuration, 3 undecided: a run came to no
    verdict, or a change is suspected and not confirmed yet, 4 the suite broke.
    """


@watch.command("plan")
@_of_a_day
def plan(*, file: Path, **options: Any) -> int:
    """Say what the next run of each target judges, what it may cost, and why; sends nothing.

    Where the budget of a day does not allow the tier, the smoke tier has every other turn, and the parts of the tier
    take the others. Exit status: 0, or 2 for wrong usage or configuration.
    """
    from conformance.commands.watch import WatchOptions, show_turns

    return exit_status(lambda: show_turns(file, WatchOptions(**options)))


@watch.command("run")
@_of_a_day
@click.option(
    "--date",
    "day",
    metavar="DAY",
    help="The day that the runs are made for (2026-11-29), for one that was missed or for a rehearsal."
    "  [default: today, in UTC]",
)
@_METRICS
@_OTLP
@_ISSUE
def run(*, file: Path, **options: Any) -> int:
    """Make the run of the day for each target, add it to its history, and tell what has changed.

    A target that was judged on this day is not judged again. What has changed is told once, with the run that confirms
    it, and written as an issue beside the history.

    Exit status: 0 nothing has changed, 1 drift found, 2 wrong usage or configuration, 3 undecided: a run came to no
    verdict, or a change is suspected and not confirmed yet, 4 the suite broke.
    """
    from conformance.commands.watch import WatchOptions, run_day

    return exit_status(lambda: run_day(file, WatchOptions(**options)))


@watch.command("report")
@_TARGET
@_HISTORY
@_METRICS
@_OTLP
@_ISSUE
def report(**options: Any) -> int:
    """Say what the histories tell: every change so far, and the last run of each target; sends nothing.

    Exit status: that of the last runs.
    """
    from conformance.commands.watch import WatchOptions, show_report

    return exit_status(lambda: show_report(WatchOptions(**options)))
