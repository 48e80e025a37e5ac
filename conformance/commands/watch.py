"""`chat-conformance watch`: plans and makes the run of a day for each target, and tells what has changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.terminal.exits import UsageFailure, as_usage_failures, print_error, secrets_around

if TYPE_CHECKING:
    from conformance.fleet.task import Task
    from conformance.watch.drift import Drift
    from conformance.watch.entry import Entry
    from conformance.watch.metrics import Watched as Measured
    from conformance.watch.targets import Watched
    from conformance.watch.tracker import Rules

NOTHING, DRIFT, UNUSABLE, UNDECIDED, BROKE = 0, 1, 2, 3, 4
_GRAVEST = (DRIFT, BROKE, UNUSABLE, UNDECIDED, NOTHING)


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """The options of the command line; those of a budget override the file."""

    out: Path
    targets: tuple[str, ...] = ()
    max_requests: int | None = None
    max_tokens: int | None = None
    tier: str | None = None
    day: str | None = None
    metrics: Path | None = None
    otlp: bool = False
    issue: Path | None = None
    may_cost_much: bool = False


@dataclass(slots=True)
class _Told:
    """What the runs of all targets came to."""

    statuses: list[int] = field(default_factory=list)
    measured: list[Measured] = field(default_factory=list)
    issues: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The exit status: drift counts most, then what could not be judged."""
        return next((one for one in _GRAVEST if one in self.statuses), UNDECIDED)


def show_turns(file: Path, options: WatchOptions) -> int:
    """Print what the next run of each target judges, and what its turns are; sends nothing.

    Raises:
        UsageFailure: the file or the budget cannot be used.
    """
    from conformance.watch.console import choice_lines
    from conformance.watch.day_run import plan_turns
    from conformance.watch.history import read_history
    from conformance.watch.targets import folder_of

    watched = _watched(file, options)
    for task in watched.tasks:
        with _as_usage_failures():
            entries = read_history(folder_of(options.out, task))
            turns = plan_turns(task, watched.budget, os.environ)
        for line in choice_lines(_name(task), turns.of(len(entries)), turns):
            click.echo(line)
        for number, choice in enumerate(turns.choices if len(turns.choices) > 1 else (), start=1):
            click.echo(f"  turn {number}: {choice.name}, at most {choice.requests} requests, {choice.tokens} tokens")
    click.echo("Nothing was sent.")
    return NOTHING


def run_day(file: Path, options: WatchOptions) -> int:
    """Make the run of the day for each target that has none yet, and tell what has changed; returns the exit status.

    Raises:
        UsageFailure: the file, the day or the folder of the histories cannot be used.
    """
    watched, today = _watched(file, options), _day(options.day)
    _require_libraries(options)
    told = _Told()
    for task in watched.tasks:
        told.statuses.append(_of_target(task, watched, options, today, told))
    return _finish(told, options)


def show_report(options: WatchOptions) -> int:
    """Print what the histories in a folder tell, without a run; returns the exit status of the last runs.

    Raises:
        UsageFailure: there is no history, or it cannot be read.
    """
    from conformance.watch.history import FILE_NAME

    _require_libraries(options)
    folders = sorted(path.parent for path in options.out.glob(f"*/*/{FILE_NAME}"))
    wanted = [one for one in folders if not options.targets or one.parent.name in options.targets]
    if not wanted:
        raise UsageFailure(f"{options.out} has no history of a watch; give the --out of `watch run`.")
    told = _Told()
    for folder in wanted:
        told.statuses.append(_report_of(folder, f"{folder.parent.name}, {folder.name}", told, everything=True))
    return _finish(told, options)


def _watched(file: Path, options: WatchOptions) -> Watched:
    from conformance.contract.model import Tier
    from conformance.watch.targets import read_watch
    from conformance.watch.turns import Budget

    budget = Budget(options.max_requests, options.max_tokens)
    tier = None if options.tier is None else Tier(options.tier)
    return read_watch(file, options.targets, budget, tier=tier, costly=options.may_cost_much)


def _day(given: str | None) -> date:
    from conformance.moments import day

    if given is None:
        return datetime.now(UTC).date()
    found = day(given)
    if found is None:
        raise UsageFailure(f"--date {given!a:.40} is not a day; give one such as 2026-11-29.")
    return found


def _name(task: Task) -> str:
    return f"{task.target}, {task.profile}"


def _of_target(task: Task, watched: Watched, options: WatchOptions, today: date, told: _Told) -> int:
    """The day's run of one target; whatever is wrong with it is printed, and does not stop the others."""
    from conformance.running.ownership import owned
    from conformance.watch.errors import WatchError
    from conformance.watch.targets import folder_of

    folder = folder_of(options.out, task)
    try:
        with as_usage_failures(), owned(folder):
            _add_run(task, watched, folder, today)
            return _report_of(folder, _name(task), told)
    except WatchError as error:
        return print_error(f"{_name(task)}: {error}", error.status)
    except UsageFailure as failure:
        return print_error(f"{_name(task)}: {failure}", UNUSABLE)


def _add_run(task: Task, watched: Watched, folder: Path, today: date) -> None:
    """Make the run of the day and add its line, where there is none; or only the line, where a crash left the run."""
    from dataclasses import asdict, replace

    from conformance.watch.console import choice_lines
    from conformance.watch.day_run import entry_of_run, judge_day, plan_turns, unlisted_run
    from conformance.watch.history import append, read_history
    from conformance.watch.issue import sentences
    from conformance.watch.tracker import track

    entries = read_history(folder)
    if entries and entries[-1].day > today:
        raise UsageFailure(f"{folder} has a run of {entries[-1].day} already; a history only goes forward.")
    if entries and entries[-1].day == today:
        click.echo(f"{_name(task)}: judged on {today} already.")
        return
    place = unlisted_run(folder, today, entries)
    if place is None:
        turns = plan_turns(task, watched.budget, os.environ, costs_matter=False)
        choice = turns.of(len(entries))
        for line in choice_lines(_name(task), choice, turns):
            click.echo(line)
        place = judge_day(task, choice, watched.budget, folder, today)
    entry, _ = entry_of_run(place, today, task.program)
    tracker, _ = track(entries, watched.rules)
    append(folder, replace(entry, rules=asdict(watched.rules), told=sentences(tracker.step(entry))))


def _report_of(folder: Path, name: str, told: _Told, *, everything: bool = False) -> int:
    """Print what the history of a target tells of its last run, or of all; returns the exit status of the last."""
    from conformance.watch.console import drift_lines, run_line
    from conformance.watch.history import read_history
    from conformance.watch.metrics import Watched as Measured
    from conformance.watch.tracker import Rules, track

    with _as_usage_failures():
        entries = read_history(folder)
    rules = Rules(**entries[-1].rules)
    tracker, changes = track(entries, rules)
    for entry, drift in zip(entries[:-1] if everything else (), changes, strict=False):
        for one in drift:
            click.echo(f"{name}: {entry.day}: {one.sentence}")
    last, drift = entries[-1], changes[-1]
    click.echo(run_line(name, last))
    for line in drift_lines(name, drift, tracker):
        click.echo(line)
    target, profile = folder.parent.name, folder.name
    told.measured.append(Measured(target, profile, last, drift, tracker.suspected, len(entries)))
    if drift:
        _write_issue(folder, name, last, drift, rules, told)
        return DRIFT
    return UNDECIDED if tracker.suspected or _is_undecided(last) else NOTHING


def _is_undecided(entry: Entry) -> bool:
    """Whether a run did not come to a verdict; that of a part never has one, unless something is broken."""
    if not entry.choice.only:
        return entry.verdict == "inconclusive"
    return any(row.outcome in {"inconclusive", "blocked"} for row in entry.rows.values())


def _write_issue(folder: Path, name: str, entry: Entry, drift: Sequence[Drift], rules: Rules, told: _Told) -> None:
    from conformance.report import read_results, write_atomically
    from conformance.watch.issue import Watched as Issued
    from conformance.watch.issue import drift_markdown

    run = folder / entry.run
    with _as_usage_failures():
        issued = Issued(name, entry, read_results(run / "results.json"), run)
        redact = _redact()
        text = redact(drift_markdown(issued, drift, rules, redact))
    path = folder / f"drift-{entry.day}.md"
    write_atomically(path, text)
    told.issues.append(text)
    click.echo(f"{name}: issue: {path}")


def _redact() -> Callable[[str], str]:
    from conformance.evidence import Redactor
    from conformance.reading.secret_forms import masked_forms

    redactor = Redactor(secrets_around())
    return lambda text: masked_forms(redactor.text(text))


def _require_libraries(options: WatchOptions) -> None:
    """Say at once that a library is missing, before anything is sent."""
    from conformance.watch.metrics import metrics_text
    from conformance.watch.spans import otlp_exporter

    with _as_usage_failures():
        if options.metrics is not None:
            metrics_text(())
        if options.otlp:
            otlp_exporter().shutdown()


def _finish(told: _Told, options: WatchOptions) -> int:
    """Write issues, metrics and spans where they were asked for; returns the exit status.

    What cannot be written or sent is printed and counts in the status. It hides no drift, which is told only once.
    """
    from conformance.report import write_atomically
    from conformance.watch.metrics import metrics_text
    from conformance.watch.spans import export_spans, otlp_exporter

    issue, metrics = options.issue, options.metrics
    if issue is not None and told.issues:
        told.statuses.append(_put(lambda: write_atomically(issue, "\n".join(told.issues))))
    if metrics is not None:
        told.statuses.append(_put(lambda: write_atomically(metrics, metrics_text(told.measured))))
    if options.otlp and told.measured:
        told.statuses.append(_put(lambda: export_spans(told.measured, otlp_exporter())))
    return told.status


def _put(output: Callable[[], object]) -> int:
    """Make one of the outputs; the status that it means, after a sentence if it cannot be made."""
    from conformance.watch.errors import WatchError

    try:
        with as_usage_failures():
            output()
    except WatchError as error:
        return print_error(str(error), error.status)
    except UsageFailure as failure:
        return print_error(str(failure), UNUSABLE)
    return NOTHING


@contextlib.contextmanager
def _as_usage_failures() -> Iterator[None]:
    """Turn the errors of bad input into one kind, those of a watch among them.

    Raises:
        UsageFailure: for each of them.
    """
    from conformance.watch.errors import WatchError

    try:
        with as_usage_failures():
            yield
    except WatchError as error:
        raise UsageFailure(str(error)) from error
