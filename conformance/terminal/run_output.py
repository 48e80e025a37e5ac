"""Prints what `run` shows: the plan, a header before anything is sent, progress, the summary, and the verdict."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.quoting import log_line
from conformance.report.console import PAGE, RECORD, Detail, print_ending, print_summary
from conformance.report.finding_blocks import evidence_of
from conformance.report.printer import Printer
from conformance.report.quantities import counted, duration, listed
from conformance.running.earlier_run import RUN_LOG
from conformance.running.run_time import run_time
from conformance.running.watch import Watch
from conformance.terminal.output import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from conformance.probes import Plan
    from conformance.report import Results
    from conformance.running.finish import FinishedRun
    from conformance.running.run import Run
    from conformance.running.suite_run import SuiteRun
    from conformance.wire import Exchange, RunTime
    from conformance.wire.observe import Progress, SoFar


_OFTEN = 5
"""So many refusals for load say that the run is too fast for its target."""


@dataclass(frozen=True, slots=True)
class Shown:
    """How a run is shown: with how much detail, as the record alone, and whether its page is opened at the end."""

    detail: Detail = Detail.USUAL
    as_json: bool = False
    opens_page: bool = False
    progress: bool = False


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
        f"{len(plan.probes)} requests to {escape(log_line(run.target.base_url))}; at worst"
        f" {plan.worst_case_requests} requests (without retries) and {plan.worst_case_tokens} completion tokens."
        " Nothing was sent."
    )
    console.print(f"It ends {_ends(run_time(run, plan))}.", highlight=False)
    profile = run.contract.profile
    by = f", release {run.release.version}" if run.release else f" {profile.version}"
    console.print(f"Judged by {escape(log_line(profile.name + by))}, {run.tier.value} tier.")


@dataclass
class RunOutput:
    """The output of one run, from its header to its last line.

    It prints on what was the standard output when it was made: pytest's own output goes elsewhere meanwhile.
    """

    run: Run
    shown: Shown
    substitutes: Sequence[tuple[str, str]] = ()
    """Variables that are not set, each with what the reference deployment's public value stands for."""
    _console: Console = field(init=False)

    def __post_init__(self) -> None:
        """Take over the standard output."""
        from rich.console import Console

        self._console = Console(file=sys.stdout)

    @contextlib.contextmanager
    def watching(self) -> Iterator[Watch]:
        """Print the header before the first request, and progress on a terminal; gives what is called for it."""
        with _progress(shown=self.shown.progress) as progress:
            yield Watch(planned=self._print_header, progress=progress)

    def finished(self, suite_run: SuiteRun, finished: FinishedRun) -> None:
        """Print what the run found, all but its last lines."""
        if self.shown.as_json:
            return
        from conformance.running.finish import timeline_for
        from conformance.terminal.ci_output import for_log

        if self._nothing_was_planned(suite_run):
            self._print_header(None)
        if suite_run.unreachable is not None:
            return
        if self.run.recorded is None and (busy := _refused_for_load(suite_run.exchanges)) >= _OFTEN:
            printer = Printer(self._console, for_log(self.run.redactor.text))
            printer.line(_too_fast(busy), label="Note")
        further = {RUN_LOG: self._in_folder(RUN_LOG), "evidence": self.run.evidence_directory}
        print_summary(
            finished.results,
            evidence_of(suite_run.exchanges, finished.curl, timeline_for(suite_run)),
            self._console,
            reports={**finished.written, **{name: path for name, path in further.items() if path.exists()}},
            redact=for_log(self.run.redactor.text),
            detail=self.shown.detail,
        )

    def end(self, finished: FinishedRun) -> None:
        """Print the last lines, or the record where that is wanted; then open the page."""
        from conformance.terminal.ci_output import for_log

        reports = finished.written
        if self.shown.as_json:
            print_json(reports[RECORD].read_text(encoding="utf-8"))
        else:
            print_ending(finished.results, self._console, reports=reports, redact=for_log(self.run.redactor.text))
        if self.shown.opens_page:
            _open(reports[PAGE])

    def _in_folder(self, name: str) -> Path:
        assert self.run.settings.out is not None
        return self.run.settings.out / name

    def _nothing_was_planned(self, suite_run: SuiteRun) -> bool:
        """Whether nothing announced a plan: the evidence of an earlier run is judged, or nothing is selected."""
        return self.run.recorded is not None or suite_run.observed is None

    def _print_header(self, plan: Plan | None) -> None:
        if self.shown.as_json or self.shown.detail is Detail.QUIET:
            return
        from conformance.terminal.ci_output import for_log

        run, printer = self.run, Printer(self._console, for_log(self.run.redactor.text))
        target, profile = run.target, run.contract.profile
        where = "the embedded reference deployment" if target.embedded else target.base_url
        printer.line(f"{target.name} at {where}" if target.name else where, label="Target")
        scored_by = f", release {run.release.version}" if run.release is not None else f" {profile.version}"
        model = [f"model {target.model}"] if target.model else []
        about = [f"{profile.name}{scored_by}", f"{run.tier.value} tier", *model]
        printer.line(", ".join(about), label="Profile")
        if run.challenge is not None:
            made_for = f"the challenge for {run.challenge.issued_for}, which holds until {run.challenge.expires}"
            printer.line(made_for, label="Made for")
        printer.line(self._cost(plan), label="Sends")
        if plan is not None:
            printer.line(_ends(run_time(run, plan)), label="Ends")
        if self.substitutes:
            printer.line(_substituted(self.substitutes), label="Note")
        if short := run.redactor.short_secrets:
            printer.line(_short(short), label="Note")

    def _cost(self, plan: Plan | None) -> str:
        if plan is None:
            return "nothing" if self.run.recorded is None else "nothing: judges recorded evidence again"
        from conformance.running.preflight import MOST_REQUESTS

        requests, tokens = plan.worst_case_requests, plan.worst_case_tokens
        cost = f"at most {counted(requests, 'request')} and {counted(tokens, 'completion token')}"
        if self.run.resumed is not None:
            return f"{cost}, less what was sent before, besides retries"
        return f"{cost}, besides the preflight ({MOST_REQUESTS} at most) and retries"


def _refused_for_load(exchanges: Iterable[Exchange]) -> int:
    from conformance.probes.model import REFUSED_FOR_LOAD

    return sum(one.answer is not None and one.answer.status in REFUSED_FOR_LOAD for one in exchanges)


def _too_fast(busy: int) -> str:
    return f"{busy} answers were 429 or 503: send more slowly, with --rate or a smaller --concurrency"


def _ends(time: RunTime) -> str:
    """When a run ends at the latest, in words."""
    latest = f"within {duration(time.deadline)}"
    if time.may_lose >= time.deadline:
        return latest
    return f"{latest}, or when {duration(time.may_lose)} are lost to answers that do not come to their end"


def unreachable(results: Results, reason: str) -> None:
    """Say on standard error that nobody listens at the target's address."""
    click.echo(f"chat-conformance: inconclusive: {log_line(reason)}", err=True)
    for why in results.gate.reasons if results.gate else ():
        click.echo(f"chat-conformance: {log_line(why)}", err=True)


def _substituted(substitutes: Sequence[tuple[str, str]]) -> str:
    names = listed([name for name, _ in substitutes])
    verb = "is" if len(substitutes) == 1 else "are"
    nouns = listed([noun for _, noun in substitutes])
    used = "is" if len(substitutes) == 1 else "are"
    return f"{names} {verb} not set; the reference deployment's public demo {nouns} {used} used"


def _short(names: Sequence[str]) -> str:
    verb = "has" if len(names) == 1 else "have"
    return (
        f"{listed(list(names))} {verb} fewer than 8 characters: in files, such a secret is only masked where it stands"
        " alone, and not in every coding; use a longer one"
    )


def _open(page: Path) -> None:
    if click.launch(str(page.resolve())) != 0:
        click.echo(f"chat-conformance: no program opens a page here; open {page} yourself.", err=True)


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Progress | None]:
    """A progress bar on the terminal, or nothing."""
    if not shown:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unexpected]} unexpected"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("sending", total=None, unexpected=0)

        def tell(so_far: SoFar) -> None:
            bar.update(task, completed=so_far.finished, total=so_far.total, unexpected=so_far.unexpected)

        yield tell
