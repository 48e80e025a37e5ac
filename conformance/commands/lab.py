"""`chat-conformance lab`: judges every fault and allowed variation of a profile, and writes the kill matrix."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.lab.kept_results import KeptResults
    from conformance.lab.share import Share
    from conformance.lab.targets import LabTarget
    from conformance.lab.workers import Progress

RULES_HOLD, RULES_BROKEN = 0, 1


@dataclass(frozen=True, slots=True)
class LabOptions:
    """The options of the command line."""

    only: tuple[str, ...] = ()
    """Ids or globs of faults; empty for all of them."""
    changed: str | None = None
    """The revision since which something must have changed that a fault depends on."""
    out: Path | None = None
    part: str | None = None
    """Which share of the faults, or of the tests to mutate: `1/3` and `2/3` and `3/3` are all of them."""
    workers: int | None = None
    extra: Path | None = None
    """A further file of rows."""
    accept: bool = False
    suite_command: str | None = None
    mutate: bool = False
    judge_again: bool = False
    """Whether the evidence of each run is judged again, which must give the same record."""
    reproduce: bool = False
    """Whether the command of each finding is run, which must send the bytes of its request."""
    scheduler: str | None = None
    """The address of a Dask scheduler; None for processes of this machine."""
    clients: bool = False
    """Whether the answers of the faults are shown to clients, in place of judging them."""


def run_lab(profiles: tuple[str, ...], options: LabOptions) -> int:
    """Judge the faults and allowed variations of the named profiles, or of all that are shipped.

    A user's own document has the faults of its keywords.

    Returns the exit status.

    Raises:
        UsageFailure: there is no such profile, no target matches, or the directory cannot be written to.
        ContractError: the catalogue cannot be used.
    """
    from conformance.contract import shipped_profiles
    from conformance.terminal.exits import UsageFailure

    names = tuple(dict.fromkeys(profiles or shipped_profiles()))
    own = [name for name in names if name not in shipped_profiles()]
    if own and (options.mutate or options.changed is not None):
        option = "--mutate" if options.mutate else "--changed"
        raise UsageFailure(f"{option} is about the shipped profiles; leave {own[0]} out.")
    if options.part is not None and options.accept:
        raise UsageFailure("--accept needs every fault; leave --part out.")
    if options.accept and not options.clients and set(names) != set(shipped_profiles()):
        raise UsageFailure("--accept needs the results of every profile; leave PROFILE out.")
    if options.changed is not None and (options.accept or options.mutate):
        option = "--accept" if options.accept else "--mutate"
        raise UsageFailure(f"{option} needs the results of every profile and test; leave --changed out.")
    if options.scheduler is not None and (options.workers or options.extra or own):
        raise UsageFailure(
            "--scheduler judges shipped faults on the workers that the cluster has; leave --workers, --extra and"
            " documents of your own out."
        )
    if options.clients:
        return _show_clients(names, options)
    if options.mutate:
        return _mutate(names, options.part)
    chosen = _chosen(names, options)
    return _judge(chosen, options) if options.suite_command is None else _score_tool(chosen, options)


def _judge(chosen: dict[str, tuple[LabTarget, ...]], options: LabOptions) -> int:
    from conformance.lab.assembly import RECHECKED, kill_matrices
    from conformance.lab.console import lab_text
    from conformance.lab.evidence_checks import EvidenceChecks
    from conformance.lab.record import write_matrix
    from conformance.lab.rules import AS_DECLARED, rule_violations

    kept = _kept(chosen, options)
    with _progress("judging faults") as progress, _as_usage_failures():
        matrices = kill_matrices(
            chosen,
            workers=options.scheduler or options.workers,
            extra=options.extra,
            checks=EvidenceChecks(options.judge_again, options.reproduce),
            # What is about to be declared need not be as declared; what times hid is no effect.
            recheck=RECHECKED - {AS_DECLARED} if options.accept else RECHECKED,
            kept=kept,
            progress=progress,
        )
    if options.accept:
        from conformance.lab.update_effects import accept_effects

        for path in accept_effects(matrices, options.extra):
            click.echo(f"written: {path}")
    for matrix in matrices:
        written = {}
        if options.out is not None:
            written = write_matrix(matrix, options.out / matrix.contract.profile.name)
        click.echo(lab_text(matrix, rule_violations(matrix), written) + "\n")
    if kept is not None:
        kept.discard()
    return RULES_BROKEN if any(rule_violations(matrix) for matrix in matrices) else RULES_HOLD


@contextlib.contextmanager
def _as_usage_failures() -> Iterator[None]:
    """Say in one sentence that a cluster cannot be used."""
    from conformance.fleet.engine import FleetError
    from conformance.terminal.exits import UsageFailure

    try:
        yield
    except FleetError as error:
        raise UsageFailure(str(error)) from error


def _kept(chosen: dict[str, tuple[LabTarget, ...]], options: LabOptions) -> KeptResults | None:
    """What a lab that was stopped has left in the folder of this one; None without a folder."""
    from conformance.lab.kept_results import FILE_NAME, KeptResults

    if options.out is None or options.judge_again or options.reproduce:
        return None
    kept = KeptResults(options.out / FILE_NAME, options.extra)
    before = len(kept.of(target for targets in chosen.values() for target in targets))
    if before:
        click.echo(f"Going on with {options.out}: {before} targets were judged before.")
    return kept


def _mutate(profiles: Sequence[str], part: str | None) -> int:
    """Remove and invert each test function of the suite; the exit status is 0 if the lab notices every mutation."""
    from conformance.lab.mutation import mutants_of

    survivors = 0
    share = _share(part)
    for profile in profiles:
        with _progress("mutating tests") as progress:
            mutants = mutants_of(profile, progress, share)
        surviving = [mutant for mutant in mutants if mutant.survived]
        survivors += len(surviving)
        for mutant in surviving:
            click.echo(f"survived in {profile}: {mutant.test} {mutant.mutation}")
        click.echo(f"{profile}: {len(mutants)} mutants of {len(mutants) // 2} tests, {len(surviving)} survived")
    return RULES_BROKEN if survivors else RULES_HOLD


def _score_tool(chosen: dict[str, tuple[LabTarget, ...]], options: LabOptions) -> int:
    """Let another tool judge the targets; the exit status is 0 if it caught every fault, without a false alarm."""
    from conformance.contract.model import Tier
    from conformance.lab.other_tools import score_of_command, tool_score_text
    from conformance.lab.workers import default_workers

    assert options.suite_command is not None
    every = [target for some in chosen.values() for target in some]
    targets = [target for target in every if target.fault is not None or target.tier is Tier.STANDARD]
    score = score_of_command(options.suite_command, targets, workers=options.workers or default_workers())
    click.echo(tool_score_text(score))
    perfect = len(score.caught) == len(score.faults) and not score.false_alarms and not score.unusable
    return RULES_HOLD if perfect else RULES_BROKEN


def _show_clients(names: Sequence[str], options: LabOptions) -> int:
    """Make the table of faults and clients, and write it to --out, or with --accept into the package."""
    from conformance.clients.catalogue import shipped_clients
    from conformance.clients.prediction import TABLE
    from conformance.lab.client_table import client_table, table_summary, table_text
    from conformance.report.files import write_atomically
    from conformance.terminal.exits import UsageFailure

    if len(names) != 1:
        raise UsageFailure("--clients is about one profile; name it, such as: lab openai --clients.")
    control, *targets = _chosen(names, options)[names[0]]
    rows = [one for one in targets if one.fault is not None and not one.fault.generated]
    with _progress("recording answers") as progress:
        table = client_table(control, rows, shipped_clients(), progress, lambda words: click.echo(words, err=True))
    if not table.clients:
        raise UsageFailure("no client is installed; run: chat-conformance clients --install")
    click.echo(table_summary(table))
    path = TABLE if options.accept else options.out / TABLE.name if options.out else None
    if path is not None:
        write_atomically(path, table_text(table))
        click.echo(f"written: {path}")
    return RULES_HOLD


def _chosen(profiles: Sequence[str], options: LabOptions) -> dict[str, tuple[LabTarget, ...]]:
    from conformance.lab.targets import selected, targets_of
    from conformance.terminal.exits import UsageFailure

    chosen = {name: selected(targets_of(name, options.extra), options.only) for name in profiles}
    if options.part is not None:
        chosen = {name: part_of(targets, options.part) for name, targets in chosen.items()}
    if not any(target.fault for targets in chosen.values() for target in targets):
        raise UsageFailure(f"no fault matches {' or '.join(options.only)}; --only takes ids and globs of faults.")
    return chosen if options.changed is None else _changed(chosen, options.changed)


def part_of(targets: Sequence[LabTarget], part: str) -> tuple[LabTarget, ...]:
    """The targets without a fault, and a share (`1/3`) of the others.

    Raises:
        UsageFailure: it is not a share.
    """
    share = _share(part)
    controls = [target for target in targets if target.fault is None]
    return (*controls, *(target for target in targets if target.fault is not None and share.has(target.id)))


def _share(part: str | None) -> Share:
    from conformance.lab.share import WHOLE, Share
    from conformance.terminal.exits import UsageFailure

    try:
        return WHOLE if part is None else Share.parsed(part)
    except ValueError as error:
        raise UsageFailure(f"--part {error}") from error


def _changed(chosen: dict[str, tuple[LabTarget, ...]], revision: str) -> dict[str, tuple[LabTarget, ...]]:
    from conformance.lab.changed import changed_targets
    from conformance.lab.checkout import CheckoutError, checkout_since
    from conformance.terminal.exits import UsageFailure

    try:
        targets, line = changed_targets(chosen, checkout_since(revision))
    except CheckoutError as error:
        raise UsageFailure(str(error)) from error
    click.echo(line)
    return targets


@contextlib.contextmanager
def _progress(what: str) -> Iterator[Progress | None]:
    """A progress bar on the terminal, or nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda finished, total: bar.update(task, completed=finished, total=total)
