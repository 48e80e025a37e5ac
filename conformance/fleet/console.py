"""Prints a fleet: a line for each run that ends, what is under way as a table on a terminal, and the summary."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from conformance.fleet.distribution import Judged
from conformance.fleet.fleet_record import SideBySide
from conformance.fleet.task import BROKE, FAILED, PASSED, UNDECIDED, UNUSABLE, Task
from conformance.quoting import log_line
from conformance.report.quantities import counted, duration

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_WORDS: Final = {
    PASSED: "conformant",
    FAILED: "nonconformant",
    UNDECIDED: "inconclusive",
    UNUSABLE: "not judged",
    BROKE: "the suite broke",
}
_STYLES: Final = {PASSED: "green", FAILED: "red", UNDECIDED: "yellow", UNUSABLE: "yellow", BROKE: "magenta"}
_MOST_SHOWN, _MOST_IDS = 12, 3


def word(judged: Judged) -> str:
    """How a run ended, in a word; its gate counts, which a baseline and waivers may let through."""
    verdict = judged.outcome.verdict
    return _WORDS[judged.outcome.status] if verdict is None or judged.outcome.status != PASSED else verdict


@dataclass(slots=True)
class FleetOutput:
    """What is printed while a fleet goes on."""

    console: Console
    total: int
    done: list[Judged] = field(default_factory=list)
    _running: dict[str, tuple[str, float]] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """Show a table of what is under way, on a terminal."""
        if not self.console.is_terminal:
            yield
            return
        from rich.live import Live

        with Live(get_renderable=self._table, console=self.console, refresh_per_second=2, transient=True):
            yield

    def begun(self, task: Task, worker: str) -> None:
        """A worker has begun a task."""
        self._running[task.name] = (worker, time.monotonic())

    def ended(self, judged: Judged) -> None:
        """A task has ended."""
        self._running.pop(judged.task.name, None)
        self.done.append(judged)
        style = _STYLES[judged.outcome.status]
        self.console.print(self._line(judged), style=style, markup=False, highlight=False, soft_wrap=True)

    def _line(self, judged: Judged) -> str:
        outcome = judged.outcome
        about = (
            f"{word(judged):<14} {judged.task.name}: {counted(outcome.requests, 'request')}, {outcome.seconds:.1f} s"
        )
        again = f", begun {judged.tries} times" if judged.tries > 1 else ""
        if outcome.failed and outcome.status == FAILED:
            why = f"; {', '.join(outcome.failed[:_MOST_IDS])}" + (" …" if len(outcome.failed) > _MOST_IDS else "")
        else:
            why = f"; {outcome.problem}" if outcome.problem is not None else ""
        return log_line(f"[{len(self.done)}/{self.total}] {about}{again}{why}")

    def _table(self) -> Table:
        from rich import box
        from rich.markup import escape
        from rich.table import Table

        counts = Counter(word(one) for one in self.done)
        totals = ", ".join(f"{count} {name}" for name, count in counts.items()) or "none ended yet"
        title = f"{len(self.done)} of {self.total} runs in {duration(time.monotonic() - self._began)}: {totals}"
        table = Table(
            "worker", "target", "profile", "tier", "s", title=title, title_justify="left", box=box.SIMPLE_HEAD
        )
        by_name = dict(list(self._running.items())[:_MOST_SHOWN])
        for name, (worker, began) in by_name.items():
            target, profile, tier = (escape(part) for part in name.rsplit(", ", 2))
            table.add_row(escape(worker), target, profile, tier, f"{time.monotonic() - began:.0f}")
        return table


def print_summary(
    console: Console, tasks: Sequence[Task], results: Sequence[Judged], pages: Sequence[SideBySide], place: str
) -> None:
    """Print every target beside what it came to under each profile and tier, and then what to do next."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    columns = list(dict.fromkeys((task.profile, task.version, task.tier.value) for task in tasks))
    cells = {(one.task.target, one.task.profile, one.task.version, one.task.tier.value): one for one in results}
    heads = (f"{escape(profile)} {escape(version)}\n{tier}" for profile, version, tier in columns)
    table = Table("target", *heads, box=box.SIMPLE_HEAD, pad_edge=False)
    rows = list(dict.fromkeys(task.target for task in tasks))
    for target in _worst_first(rows, results)[:_MOST_ROWS]:
        table.add_row(escape(target), *(_cell(cells.get((target, *column))) for column in columns))
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"{len(rows) - _MOST_ROWS} more targets are not shown; fleet.json has all.", highlight=False)
    for line in _endings(tasks, results, pages, place):
        console.print(log_line(line), markup=False, highlight=False, soft_wrap=True)


_MOST_ROWS = 100


def _worst_first(targets: list[str], results: Sequence[Judged]) -> list[str]:
    order = list(_WORDS)
    worst = {target: len(order) for target in targets}
    for one in results:
        rank = {FAILED: 0, BROKE: 1, UNUSABLE: 2, UNDECIDED: 3, PASSED: 4}[one.outcome.status]
        worst[one.task.target] = min(worst[one.task.target], rank)
    return sorted(targets, key=worst.__getitem__)


def _cell(judged: Judged | None) -> str:
    if judged is None:
        return "-"
    failed = f" ({len(judged.outcome.failed)})" if judged.outcome.failed else ""
    style = _STYLES[judged.outcome.status]
    return f"[{style}]{word(judged)}{failed}[/{style}]"


def _endings(
    tasks: Sequence[Task], results: Sequence[Judged], pages: Sequence[SideBySide], place: str
) -> Iterator[str]:
    counts = Counter(word(one) for one in results)
    spent = sum(one.outcome.requests for one in results), sum(one.outcome.completion_tokens for one in results)
    totals = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no run"
    yield f"{totals}; {counted(spent[0], 'request')} and {counted(spent[1], 'completion token')} in all."
    for page in pages:
        more = f" ({page.left_out} more are left out)" if page.left_out else ""
        differ = f"{counted(page.differing, 'requirement')} differ"
        yield f"Side by side: {place}/{page.page}: {counted(page.runs, 'run')}{more}, {differ}."
    yield from _next_steps(tasks, results, place)


def _next_steps(tasks: Sequence[Task], results: Sequence[Judged], place: str) -> Iterator[str]:
    by_status: dict[int, list[Judged]] = {}
    for one in results:
        by_status.setdefault(one.outcome.status, []).append(one)
    if missing := len(tasks) - len(results):
        yield f"Next: {counted(missing, 'run')} did not come to the end; the same command makes them and no others."
    if failed := by_status.get(FAILED):
        task = failed[0].task
        page = f"{place}/{task.version}/{task.profile}/{task.target}/{task.tier.value}-report.html"
        yield f"Next: read why in the page of each, such as {page}."
    if by_status.get(UNUSABLE):
        yield f"Next: set up what was not judged: {by_status[UNUSABLE][0].outcome.problem}"
    if by_status.get(UNDECIDED):
        yield "Next: --again repeats what is inconclusive, once these targets can be reached and answer in time."
    if by_status.get(BROKE):
        yield "Next: the suite itself broke, which says nothing about these targets; please report it."
