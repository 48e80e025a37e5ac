"""`chat-conformance registry build`: judges a folder of bundles anew, and writes its site."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from conformance.bundle.confinement import USUAL_BOUNDS, Bounds
from conformance.quoting import log_line
from conformance.report.quantities import counted, duration
from conformance.terminal.exits import INCONCLUSIVE, UsageFailure

if TYPE_CHECKING:
    from conformance.registry import Answers, Registry
    from conformance.registry.judging import Outcome
    from conformance.registry.layout import BundleFile

BUILT, REFUSED = 0, 1
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """The options of the command line."""

    out: Path
    cache: Path | None = None
    """Where answers are kept; beside the site where it is None."""
    workers: int | None = None
    strict: bool = False
    """Whether a file that cannot be taken is a failure."""
    bounds: Bounds = USUAL_BOUNDS


def build_registry(folder: Path, options: RegistryOptions) -> int:
    """Judge what is not known yet and write the site; returns the exit status.

    Raises:
        UsageFailure: the folder, the options or the place of the site cannot be used.
        ContractError: registry.yaml cannot be used.
        OSError: a file cannot be written.
    """
    from conformance.bundle import KeyFileError
    from conformance.registry import FeedError, SiteError, check_folder

    if not folder.is_dir():
        raise UsageFailure(f"{folder}: there is no such folder; give the one that has the vendors' folders.")
    try:
        check_folder(options.out)
        return _built(folder, options)
    except (FeedError, KeyFileError, SiteError) as error:
        raise UsageFailure(str(error)) from error


def _built(folder: Path, options: RegistryOptions) -> int:
    from conformance.registry import Cache, answers, read_layout, read_settings, registry_of, write_site

    began = time.monotonic()
    cache = Cache(options.out.with_name(f"{options.out.name}.cache") if options.cache is None else options.cache)
    settings = read_settings(folder)
    layout = read_layout(folder, (options.out, cache.folder))
    watcher = _Progress()
    try:
        with watcher.shown():
            found = answers(layout, cache, options.workers or _processors(), watcher, options.bounds)
    except KeyboardInterrupt:
        sentence = f"stopped; {watcher.left} bundles are left, which the same command judges (--out {options.out})."
        click.echo(f"chat-conformance: {log_line(sentence)}", err=True)
        return INCONCLUSIVE
    registry = registry_of(layout, folder, settings, found)
    cost = f"{counted(len(found.outcomes), 'bundle')}, {found.judged} judged, {found.kept} kept"
    files = write_site(registry, options.out, f"{cost}.")
    _print(registry, found, cost)
    click.echo(log_line(f"{options.out / 'index.html'}: {files} files in {duration(time.monotonic() - began)}"))
    return REFUSED if options.strict and registry.refused else BUILT


def _print(registry: Registry, found: Answers, cost: str) -> None:
    for one in registry.refused[:_MOST_NAMED]:
        click.echo(log_line(f"Not taken: {one.place}: {one.why}"))
    if len(registry.refused) > _MOST_NAMED:
        click.echo(f"Not taken: and {len(registry.refused) - _MOST_NAMED} more, which refused.html names")
    newest = [subject.newest.deciding.verdict.value for subject in registry.subjects]
    click.echo(f"{cost}; {counted(len(registry.refused), 'file')} not taken")
    verdicts = ", ".join(f"{newest.count(one)} {one}" for one in dict.fromkeys(sorted(newest)))
    click.echo(
        f"{counted(len(registry.subjects), 'product')} in the newest version: {verdicts or 'none'};"
        f" {counted(len(registry.changes), 'change')} of a verdict explained"
    )


class _Progress:
    """Shows on a terminal how far judging is, and nothing elsewhere."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(file=sys.stdout)
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        self._is_shown = console.is_terminal
        self._task = self._progress.add_task("judging", total=None)
        self.left = 0

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show it as long as the context."""
        if self._is_shown:
            with self._progress:
                yield
        else:
            yield

    def begin(self, bundles: int, known: int) -> None:
        """So many bundles are there, and so many are known."""
        self.left = bundles - known
        self._progress.update(self._task, total=bundles, completed=known)

    def ended(self, file: BundleFile, outcome: Outcome) -> None:
        """A bundle was judged."""
        self.left -= 1
        self._progress.update(self._task, advance=1, description=log_line(file.vendor[:30]))


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
