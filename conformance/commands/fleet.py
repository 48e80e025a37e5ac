"""`chat-conformance fleet`: judges the targets of a file on many workers, and prints them side by side."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.terminal.exits import INCONCLUSIVE, UsageFailure

if TYPE_CHECKING:
    from conformance.fleet.console import FleetOutput
    from conformance.fleet.distribution import Judged
    from conformance.fleet.planning import FleetPlan
    from conformance.fleet.storage import Storage
    from conformance.fleet.workers import Workers


@dataclass(frozen=True, slots=True)
class FleetOptions:
    """The options of the command line."""

    scheduler: str | None = None
    """The address of a Dask scheduler; None for processes of this machine."""
    workers: int | None = None
    out: str | None = None
    again: bool = False
    """Whether what is inconclusive is judged again."""
    plan_only: bool = False
    may_cost_much: bool = False


def run_fleet(file: Path, options: FleetOptions) -> int:
    """Judge what the file says and no result is kept of; returns the exit status.

    Raises:
        UsageFailure: the file, the workers or the place of the results cannot be used.
    """
    from conformance.fleet.planning import read_fleet
    from conformance.fleet.storage import storage_at
    from conformance.fleet.workers import FleetError

    if options.scheduler is not None and options.workers is not None:
        raise UsageFailure("--workers is about processes of this machine; a cluster has the workers it has.")
    plan = read_fleet(file, may_cost_much=options.may_cost_much)
    if options.plan_only:
        return _print_plan(plan)
    place = options.out or f"reports/{file.stem}"
    try:
        with storage_at(place) as storage:
            return _run(plan, storage, options)
    except FleetError as error:
        raise UsageFailure(str(error)) from error


def _print_plan(plan: FleetPlan) -> int:
    for task in plan.tasks:
        click.echo(f"{task.name}: {task.lane}")
    lanes = len({task.lane for task in plan.tasks})
    click.echo(f"{len(plan.tasks)} runs against {lanes} deployments, one at a time for each. Nothing was sent.")
    return 0


def _run(plan: FleetPlan, storage: Storage, options: FleetOptions) -> int:
    from rich.console import Console

    from conformance.fleet.console import FleetOutput, print_summary
    from conformance.fleet.fleet_record import exit_status, write_matrices, write_record
    from conformance.fleet.results_folder import known_results
    from conformance.fleet.task import UNDECIDED

    began = time.monotonic()
    known = known_results(storage, plan.tasks)
    if options.again:
        known = {name: one for name, one in known.items() if one.outcome.status != UNDECIDED}
    write_record(storage, plan.tasks, [*known.values()], 0.0)  # also shows that the place can be written to
    if known:
        click.echo(f"Going on with {storage.place}: {len(known)} of {len(plan.tasks)} runs were made before.")
    output = FleetOutput(Console(file=sys.stdout), len(plan.tasks), list(known.values()))
    stopped = _judge(plan, storage, options, output)
    write_record(storage, plan.tasks, output.done, time.monotonic() - began)
    if stopped:
        left = len(plan.tasks) - len(output.done)
        click.echo(
            f"chat-conformance: stopped; {left} runs are left, which the same command makes (--out {storage.place}).",
            err=True,
        )
        return INCONCLUSIVE
    print_summary(output.console, plan.tasks, output.done, write_matrices(storage, output.done), storage.place)
    click.echo(f"Results: {storage.place}")
    return exit_status(output.done, len(plan.tasks))


def _judge(plan: FleetPlan, storage: Storage, options: FleetOptions, output: FleetOutput) -> bool:
    """Judge what is missing, and keep each result as it comes; says whether somebody stopped it."""
    from conformance.fleet.distribution import distribute
    from conformance.fleet.results_folder import keep

    known = {one.task.name for one in output.done}
    missing = [task for task in plan.tasks if task.name not in known]
    if not missing:
        return False
    try:
        with _workers(options, len(missing)) as workers, output.live():
            for judged in distribute(
                missing,
                workers,
                tries=plan.tries,
                longest=lambda task: plan.longest[task.tier],
                begun=output.begun,
            ):
                keep(storage, judged, _beside(judged, output))
                output.ended(_without_files(judged))
    except KeyboardInterrupt:
        return True
    return False


def _beside(judged: Judged, output: FleetOutput) -> list[Judged]:
    """The other runs whose results stand in the same folder."""
    from conformance.fleet.results_folder import folder_of

    return [one for one in output.done if folder_of(one.task) == folder_of(judged.task)]


def _without_files(judged: Judged) -> Judged:
    """What is kept in memory of a run once its files are written."""
    from dataclasses import replace

    return replace(judged, outcome=replace(judged.outcome, files={}))


@contextlib.contextmanager
def _workers(options: FleetOptions, tasks: int) -> Iterator[Workers]:
    from conformance.fleet.judging import judge_task

    if options.scheduler is not None:
        from conformance.fleet.dask_workers import dask_workers

        with dask_workers(options.scheduler, judge_task) as cluster:
            yield cluster
        return
    from conformance.fleet.local_workers import LocalWorkers

    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    local = LocalWorkers(min(tasks, options.workers or processors + 1), judge_task)
    try:
        yield local
    finally:
        local.close()
