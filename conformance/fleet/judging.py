"""Judges one task in this process, without printing, and gives its result: what every kind of worker runs."""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import time
import traceback
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from conformance.bundle.packing import write_bundle
from conformance.compare import check_baseline
from conformance.fleet.task import BROKE, BUNDLE, FAILED, PASSED, UNDECIDED, UNUSABLE, Outcome, Task
from conformance.fleet.worker_keys import worker_environment
from conformance.quoting import one_line
from conformance.report import Results, read_results
from conformance.running.earlier_run import RUN_LOG
from conformance.running.finish import FinishedRun, finish
from conformance.running.observed import INTERRUPTED
from conformance.running.open_files import check_open_files
from conformance.running.opening import open_run
from conformance.running.pytest_session import judge
from conformance.running.retry_findings import retried, retry_findings
from conformance.running.run import Run, RunSettings
from conformance.shipped import program_digest
from conformance.suite.outcome import BROKEN
from conformance.terminal.exits import UsageFailure, as_usage_failures, sentence, without_keys

_STATUS = {"passed": PASSED, "failed": FAILED, "undecided": UNDECIDED}
_ONE_AT_A_TIME = threading.Lock()
"""A run has its process for itself: pytest and its output belong to the process. A Dask worker has several threads."""
_FILES = ("waivers", "baseline")
_LONGEST_PROBLEM = 300


def judge_task(task: Task) -> Outcome:
    """Judge a task; whatever goes wrong is told in the outcome, in one sentence without keys."""
    began = time.monotonic()
    with _ONE_AT_A_TIME:
        try:
            outcome = _judged(task)
        except UsageFailure as failure:
            outcome = Outcome(UNUSABLE, problem=str(failure))
        except KeyboardInterrupt:
            outcome = Outcome(UNDECIDED, problem="It was interrupted.", interrupted=True)
        except Exception:  # noqa: BLE001 - a defect of this program, reported as one
            last = one_line(without_keys(traceback.format_exc()).strip().splitlines()[-1], _LONGEST_PROBLEM)
            outcome = Outcome(BROKE, problem=f"The suite itself broke: {last}")
    return replace(outcome, seconds=round(time.monotonic() - began, 3))


def _judged(task: Task) -> Outcome:
    if task.program != program_digest():
        raise UsageFailure(
            "This worker has another state of chat-conformance than the one that began the fleet; install the same"
            " there."
        )
    with as_usage_failures(), run_settings_here(task, os.environ) as (settings, environ):
        check_open_files(settings)
        with open_run(settings, environ) as run:
            return _finished(run, *_run_to_its_end(run))


@contextlib.contextmanager
def run_settings_here(task: Task, environ: Mapping[str, str]) -> Iterator[tuple[RunSettings, dict[str, str]]]:
    """The settings of a task's run in this process, with files of this machine, and the environment with its keys.

    Raises:
        TargetError: a key cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="chat-conformance-run-") as scratch:
        settings = _on_this_worker(task, Path(scratch))
        yield settings, worker_environment(settings, task.key_folder, environ)


def _on_this_worker(task: Task, scratch: Path) -> RunSettings:
    """The settings with files of this worker: what the task brings is written to its scratch folder."""
    for name, content in task.files.items():
        path = scratch / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    own = {name: scratch / "files" / path for name in _FILES if (path := getattr(task.settings, name)) is not None}
    profile = task.settings.profile
    shipped = profile.partition("#")[0] not in task.files
    return replace(
        task.settings,
        profile=profile if shipped else f"{scratch / 'files'}{os.sep}{profile}",
        out=scratch / "run",
        bundle=None if task.settings.baseline else scratch / BUNDLE,
        **own,
    )


def _run_to_its_end(run: Run) -> tuple[FinishedRun, tuple[str, ...]]:
    """The run's record, and what the suite says of itself where it broke."""
    out, baseline = run.settings.out, None
    assert out is not None
    out.mkdir(parents=True, exist_ok=True)
    if run.settings.baseline is not None:
        baseline = read_results(run.settings.baseline)
        check_baseline(baseline, run.contract.profile.name)
    suite_run, ended = judge(run, log=out / RUN_LOG)
    if suite_run.unusable is not None:
        raise UsageFailure(sentence(suite_run.unusable)) from suite_run.unusable
    if not (ended.interrupted or ended.failed or suite_run.broken):
        retry_findings(suite_run)
    tries = retried(suite_run)
    broken = (*suite_run.broken, *tries.broken, *(ended.printed.strip().splitlines()[-1:] if ended.failed else ()))
    finished = finish(suite_run, interrupted=ended.interrupted, write=True, tries=tries.tries, baseline=baseline)
    if run.settings.bundle is not None and not broken:
        write_bundle(suite_run, finished.written, None)
    return finished, tuple(one_line(run.redactor.text(line), _LONGEST_PROBLEM) for line in broken)


def _finished(run: Run, finished: FinishedRun, broken: tuple[str, ...]) -> Outcome:
    if broken:
        return Outcome(BROKE, problem=f"The suite itself broke: {broken[0]}")
    results, settings = finished.results, run.settings
    assert results.gate is not None
    assert settings.out is not None
    files = {RUN_LOG: (settings.out / RUN_LOG).read_bytes()} if (settings.out / RUN_LOG).exists() else {}
    if settings.bundle is not None and settings.bundle.exists():
        files[BUNDLE] = settings.bundle.read_bytes()
    else:
        files |= {name: path.read_bytes() for name, path in finished.written.items()}
    return Outcome(
        status=_STATUS[results.gate.status],
        verdict=results.verdict.value,
        scope=results.about,
        problem=_why(results, run),
        interrupted=results.interrupted == INTERRUPTED,  # at the end of its time, it has come to its end
        started=results.started,
        requests=results.exchanges.count,
        completion_tokens=results.exchanges.completion_tokens,
        received=results.exchanges.bytes,
        failed=tuple(row.id for row in results.requirements if row.outcome in BROKEN),
        bundled=BUNDLE in files,
        files=packed(files),
    )


def _why(results: Results, run: Run) -> str | None:
    """Why a run is not conformant, in one sentence without what a target may have put into it."""
    if results.verdict.value == "conformant" or not results.reasons:
        return None
    return one_line(run.redactor.text(results.reasons[0]), _LONGEST_PROBLEM)


def packed(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Files as they travel: compressed, but for the bundle, which is already."""
    return {name: content if name == BUNDLE else zlib.compress(content) for name, content in files.items()}
