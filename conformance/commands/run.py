"""`chat-conformance run`: opens a session, runs the suite under pytest, and tells the verdict."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.running.pytest_session import Ended, run_pytest
from conformance.terminal.exits import UsageFailure, as_usage_failures, sentence

if TYPE_CHECKING:
    from conformance.report import Results
    from conformance.running.session import Session
    from conformance.running.settings import RunSettings
    from conformance.running.suite_run import Progress, SuiteRun

_EXIT = {"passed": 0, "failed": 1, "undecided": 3}
"""The exit status by the status of the gate, which is that of the verdict but for baselines and waivers."""
USAGE, SUITE_BROKE = 2, 4
RUN_LOG = "run-log.html"


def run_suite(settings: RunSettings) -> int:
    """Judge the target; returns the exit status."""
    from conformance.running.session import open_session

    try:
        with as_usage_failures(), open_session(settings, os.environ) as session:
            return _judge(session)
    except UsageFailure as failure:
        return _refuse(failure)


def show_plan(settings: RunSettings) -> int:
    """Print what a run would send, and what it may cost; sends nothing. Returns the exit status."""
    from conformance.running.session import open_session
    from conformance.running.suite_run import SuiteRun
    from conformance.terminal.run_output import print_plan

    try:
        with as_usage_failures(), open_session(replace(settings, out=None), os.environ) as session:
            suite_run = SuiteRun(session)
            ended = run_pytest(suite_run, ["--collect-only"])
            if suite_run.broken or ended.failed:
                return _suite_broke(suite_run, ended)
            print_plan(session.plan(suite_run.needs), session.target.base_url)
    except UsageFailure as failure:
        return _refuse(failure)
    return 0


def _judge(session: Session) -> int:
    from conformance.commands.bundle import bundle_key, write_bundle
    from conformance.running.finish import finish
    from conformance.running.retry_findings import try_again
    from conformance.running.suite_run import SuiteRun
    from conformance.terminal.ci_output import report_to_ci

    out, key = session.settings.out, bundle_key(session.settings)
    assert out is not None
    baseline = _baseline(session)
    _make(out)
    with _progress(shown=session.settings.show_progress) as progress:
        suite_run = SuiteRun(session, progress)
        ended = run_pytest(suite_run, [f"--html={out / RUN_LOG}", "--self-contained-html"])
        if not (ended.interrupted or ended.failed or suite_run.broken or suite_run.unusable):
            try_again(suite_run)
    if suite_run.unusable is not None:
        raise UsageFailure(sentence(suite_run.unusable)) from suite_run.unusable
    if suite_run.broken or ended.failed:
        return _suite_broke(suite_run, ended)
    finished = finish(suite_run, interrupted=ended.interrupted, write=True, baseline=baseline)
    if suite_run.broken:
        return _suite_broke(suite_run, ended)
    if suite_run.unreachable is not None:
        click.echo(f"chat-conformance: inconclusive: {suite_run.unreachable}", err=True)
        for reason in finished.results.gate.reasons if finished.results.gate else ():
            click.echo(f"chat-conformance: {reason}", err=True)
    else:
        from conformance.terminal.run_output import print_run_summary

        print_run_summary(suite_run, finished, out / RUN_LOG)
    report_to_ci(finished.results, session.redactor.text)
    if session.settings.bundle is not None:
        for told in write_bundle(session, finished.written, key):
            click.echo(told)
    assert finished.results.gate is not None
    return _EXIT[finished.results.gate.status]


def _baseline(session: Session) -> Results | None:
    """The record whose findings are known; read before anything is sent, so that a mistake in it costs nothing."""
    if session.settings.baseline is None:
        return None
    from conformance.compare import check_baseline
    from conformance.report import read_results

    baseline = read_results(session.settings.baseline)
    check_baseline(baseline, session.contract.profile.name)
    return baseline


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageFailure(f"{out} cannot be written to ({error.strerror}); choose another --out.") from error


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    """A progress bar on the terminal, or nothing."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sending probes", total=None)
        yield lambda finished, total: bar.update(task, completed=finished, total=total)


def _suite_broke(suite_run: SuiteRun, ended: Ended) -> int:
    redact = suite_run.session.redactor.text
    what = "the suite itself broke; this says nothing about the target. Please report it:"
    click.echo(f"chat-conformance: {what}", err=True)
    for line in suite_run.broken or ended.printed.strip().splitlines()[-15:]:
        click.echo(f"  {redact(line)}", err=True)
    return SUITE_BROKE


def _refuse(failure: UsageFailure) -> int:
    click.echo(f"chat-conformance: {failure}", err=True)
    return USAGE
