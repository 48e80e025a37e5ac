"""`chat-conformance lab`: judges every fault and trap of a profile, and writes the kill matrix."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.lab.workers import Progress

RULES_HOLD, RULES_BROKEN = 0, 1


def run_lab(
    profile: str,
    *,
    only: tuple[str, ...],
    out: Path | None,
    workers: int | None,
    extra: Path | None,
    accept: bool,
) -> int:
    """Judge the faults and traps of a profile; returns the exit status.

    Raises:
        UsageFailure: there is no such profile, no target matches, or the directory cannot be written to.
        ContractError: the catalogue is unusable.
    """
    from conformance.commands.failures import UsageFailure
    from conformance.contract import shipped_profiles
    from conformance.lab.console import lab_text
    from conformance.lab.matrix import matrix_of
    from conformance.lab.rules import breaches
    from conformance.lab.targets import contract_of, selected, targets_of
    from conformance.lab.workers import default_workers, see_all
    from conformance.lab.write import write_matrix

    if profile not in shipped_profiles():
        raise UsageFailure(f"the lab has faults for {', '.join(shipped_profiles())}; choose one of them.")
    every = targets_of(profile, extra)
    targets = selected(every, only)
    if len(targets) == 1:
        raise UsageFailure(f"no fault of {profile} matches {' or '.join(only)}; --only takes ids and globs of faults.")
    began = time.monotonic()
    with _progress() as progress:
        seen = see_all(targets, workers or default_workers(), extra=extra, progress=progress)
    seconds = round(time.monotonic() - began, 1)
    matrix = matrix_of(contract_of(profile), targets, seen, partial=len(targets) < len(every), seconds=seconds)
    if accept:
        from conformance.lab.accept import accept_effects

        for path in accept_effects([matrix], extra):
            click.echo(f"written: {path}")
    written = {} if out is None else write_matrix(matrix, out)
    click.echo(lab_text(matrix, breaches(matrix), written))
    return RULES_BROKEN if breaches(matrix) else RULES_HOLD


@contextlib.contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on the terminal, or nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("judging faults", total=None)
        yield lambda finished, total: bar.update(task, completed=finished, total=total)
