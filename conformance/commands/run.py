"""`chat-conformance run`: opens a run, judges it under pytest, and prints the verdict."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.quoting import log_line
from conformance.running.pytest_session import Ended, collect, judge
from conformance.terminal.exits import UsageFailure, as_usage_failures, print_error, sentence

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from conformance.report import Results
    from conformance.running.run import Run, RunSettings
    from conformance.terminal.run_output import RunOutput, Shown

_EXIT = {"passed": 0, "failed": 1, "undecided": 3}
"""The exit status by the status of the gate, which follows the verdict except for baselines and waivers."""
USAGE, SUITE_BROKE = 2, 4


def run_suite(settings: RunSettings, shown: Shown | None = None) -> int:
    """Judge the target, and show what comes of it; returns the exit status."""
    from conformance.running.open_files import check_open_files
    from conformance.running.opening import open_run, substitutes
    from conformance.terminal.run_output import RunOutput, Shown

    try:
        with as_usage_failures():
            check_open_files(settings)
        with as_usage_failures(), open_run(settings, os.environ) as run:
            output = RunOutput(run, shown or Shown(), substitutes(run, os.environ))
            if not settings.force or run.recorded is not None:
                return _judge(run, output)
            return _judge_anew(run, output)
    except UsageFailure as failure:
        return _refuse(failure)


def show_plan(settings: RunSettings) -> int:
    """Print what a run would send, and what it may cost; sends nothing. Returns the exit status."""
    from conformance.running.opening import open_run
    from conformance.terminal.run_output import print_plan

    try:
        with as_usage_failures(), open_run(replace(settings, out=None), os.environ) as run:
            suite_run, ended = collect(run)
            if suite_run.broken or ended.failed:
                return _suite_broke(run, suite_run.broken, ended)
            print_plan(run.plan(suite_run.needs), run)
    except UsageFailure as failure:
        return _refuse(failure)
    return 0


def _judge_anew(run: Run, output: RunOutput) -> int:
    """Judge into a folder that may hold an earlier run, which is replaced once the new one went to its end."""
    from conformance.running.earlier_run import kept_aside, replacing

    out = run.settings.out
    assert out is not None
    with replacing(out):
        status = _judge(run, output)
    for folder in kept_aside(out):
        click.echo(f"chat-conformance: this run did not go to its end; the earlier one is kept in {folder}.", err=True)
    return status


def _judge(run: Run, output: RunOutput) -> int:
    from conformance.running.earlier_run import RUN_LOG
    from conformance.running.finish import finish
    from conformance.running.retry_findings import retried, retry_findings
    from conformance.terminal.ci_output import report_to_ci
    from conformance.terminal.run_output import unreachable

    out, key = run.settings.out, _bundle_key(run.settings)
    assert out is not None
    baseline = _baseline(run)
    _make(out)
    with output.watching() as watch, _keeping_evidence(run):
        suite_run, ended = judge(run, watch, log=out / RUN_LOG)
        if not (ended.interrupted or ended.failed or suite_run.broken or suite_run.unusable):
            retry_findings(suite_run)
    if suite_run.unusable is not None:
        raise UsageFailure(sentence(suite_run.unusable)) from suite_run.unusable
    shown = retried(suite_run)
    broken = [*suite_run.broken, *shown.broken]
    if broken or ended.failed:
        return _suite_broke(run, broken, ended)
    with _keeping_evidence(run):
        finished = finish(suite_run, interrupted=ended.interrupted, write=True, tries=shown.tries, baseline=baseline)
    if suite_run.unreachable is not None:
        unreachable(finished.results, suite_run.unreachable)
    output.finished(suite_run, finished)
    report_to_ci(finished.results, run.redactor.text, err=output.shown.as_json)
    if run.settings.bundle is not None:
        from conformance.bundle.packing import write_bundle

        for sentence_of_bundle in write_bundle(suite_run, finished.written, key):
            click.echo(log_line(sentence_of_bundle), err=output.shown.as_json)
    output.end(finished)
    assert finished.results.gate is not None
    return _EXIT[finished.results.gate.status]


def _bundle_key(settings: RunSettings) -> Ed25519PrivateKey | None:
    """The key that signs a run's bundle; None also where there is no bundle, which costs no import then."""
    if settings.bundle is None and settings.sign is None:
        return None
    from conformance.bundle.packing import bundle_key

    return bundle_key(settings)


def _baseline(run: Run) -> Results | None:
    """The record whose findings are known; read before anything is sent, so that a mistake in it costs nothing."""
    if run.settings.baseline is None:
        return None
    from conformance.compare import check_baseline
    from conformance.report import read_results

    baseline = read_results(run.settings.baseline)
    check_baseline(baseline, run.contract.profile.name)
    return baseline


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise UsageFailure(f"{out} cannot be written to ({error.strerror}); choose another --out.") from error


@contextlib.contextmanager
def _keeping_evidence(run: Run) -> Iterator[None]:
    """Say of a report that cannot be written that the evidence is there, from which it can be made again."""
    try:
        yield
    except OSError as error:
        again = run.settings.replay or run.settings.out
        raise UsageFailure(
            f"{error.filename or run.settings.out} cannot be written ({error.strerror}); the evidence is kept: make"
            f" room, then judge it again with --replay {again}."
        ) from error


def _suite_broke(run: Run, broken: Sequence[str], ended: Ended) -> int:
    redact = run.redactor.text
    what = "the suite itself broke; this says nothing about the target. Please report it:"
    click.echo(f"chat-conformance: {what}", err=True)
    for line in broken or ended.printed.strip().splitlines()[-15:]:
        click.echo(f"  {log_line(redact(line))}", err=True)
    return SUITE_BROKE


def _refuse(failure: UsageFailure) -> int:
    return print_error(str(failure), USAGE)
