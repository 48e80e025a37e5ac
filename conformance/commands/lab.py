"""`chat-conformance lab`: judges every fault and trap of a profile, and writes the kill matrix."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.lab.evidence_checks import Proof
    from conformance.lab.judging import Seen
    from conformance.lab.matrix import Matrix
    from conformance.lab.targets import LabTarget
    from conformance.lab.workers import Progress

RULES_HOLD, RULES_BROKEN = 0, 1


@dataclass(frozen=True, slots=True)
class LabOptions:
    """What the command line asks of a lab."""

    only: tuple[str, ...] = ()
    """Ids or globs of faults; all of them where there are none."""
    out: Path | None = None
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


def run_lab(profiles: tuple[str, ...], options: LabOptions) -> int:
    """Judge the faults and traps of profiles, of all that are shipped where none is named; returns the exit status.

    Raises:
        UsageFailure: there is no such profile, no target matches, or the directory cannot be written to.
        ContractError: the catalogue is unusable.
    """
    from conformance.contract import shipped_profiles
    from conformance.lab.console import lab_text
    from conformance.lab.rules import breaches
    from conformance.lab.write import write_matrix
    from conformance.terminal.failures import UsageFailure

    names = tuple(dict.fromkeys(profiles or shipped_profiles()))
    unknown = [name for name in names if name not in shipped_profiles()]
    if unknown:
        raise UsageFailure(f"{unknown[0]} has no faults; the lab has some for {', '.join(shipped_profiles())}.")
    if options.accept and set(names) != set(shipped_profiles()):
        raise UsageFailure("--accept needs what every profile shows; leave PROFILE out.")
    if options.suite_command is not None:
        return _score_tool(options.suite_command, names, options.only, options.extra, options.workers)
    if options.mutate:
        return _mutate(names)
    from conformance.lab.evidence_checks import Proof

    proof = Proof(options.judge_again, options.reproduce)
    once = options.accept  # what is seen is to be declared, whatever the rules say of it
    matrices = judged(names, options.only, workers=options.workers, extra=options.extra, proof=proof, once=once)
    if options.accept:
        from conformance.lab.update_effects import accept_effects

        for path in accept_effects(matrices, options.extra):
            click.echo(f"written: {path}")
    for matrix in matrices:
        written = {}
        if options.out is not None:
            written = write_matrix(matrix, options.out / matrix.contract.profile.name)
        click.echo(lab_text(matrix, breaches(matrix), written) + "\n")
    return RULES_BROKEN if any(breaches(matrix) for matrix in matrices) else RULES_HOLD


def _mutate(profiles: Sequence[str]) -> int:
    """Remove and invert each test function of the suite; the exit status is 0 where the lab notices every time."""
    from conformance.lab.mutation import mutants_of

    survivors = 0
    for profile in profiles:
        with _progress("mutating tests") as progress:
            mutants = mutants_of(profile, progress)
        for mutant in mutants:
            if mutant.survived:
                survivors += 1
                click.echo(f"survived in {profile}: {mutant.test} {mutant.mutation}")
        told = sum(mutant.survived for mutant in mutants)
        click.echo(f"{profile}: {len(mutants)} mutants of {len(mutants) // 2} tests, {told} survived")
    return RULES_BROKEN if survivors else RULES_HOLD


def _score_tool(
    command: str, profiles: Sequence[str], only: Sequence[str], extra: Path | None, workers: int | None
) -> int:
    """Let another tool judge the same targets; the exit status is 0 where it caught all and accused none."""
    from conformance.contract.model import Tier
    from conformance.lab.other_tools import score_of_command, tool_score_text
    from conformance.lab.workers import default_workers

    every = [target for some in _chosen(profiles, only, extra).values() for target in some]
    targets = [target for target in every if target.fault is not None or target.tier is Tier.STANDARD]
    score = score_of_command(command, targets, workers=workers or default_workers())
    click.echo(tool_score_text(score))
    perfect = len(score.caught) == len(score.faults) and not score.accused and not score.unusable
    return RULES_HOLD if perfect else RULES_BROKEN


def _chosen(profiles: Sequence[str], only: Sequence[str], extra: Path | None) -> dict[str, tuple[LabTarget, ...]]:
    from conformance.lab.targets import selected, targets_of
    from conformance.terminal.failures import UsageFailure

    chosen = {name: selected(targets_of(name, extra), only) for name in profiles}
    if not any(target.fault for targets in chosen.values() for target in targets):
        raise UsageFailure(f"no fault matches {' or '.join(only)}; --only takes ids and globs of faults.")
    return chosen


def judged(
    profiles: Sequence[str],
    only: Sequence[str] = (),
    *,
    workers: int | None = None,
    extra: Path | None = None,
    keep: Path | None = None,
    proof: Proof | None = None,
    once: bool = False,
) -> list[Matrix]:
    """The kill matrix of each profile, of all its targets or of those that match one of `only`.

    A target that breaks a rule is judged once more, with the machine to itself, for times deceive on one that is busy;
    what came of that counts, and the matrix says so. With `once` it is not.

    Raises:
        UsageFailure: no target matches.
        ContractError: the catalogue is unusable.
    """
    from conformance.lab.evidence_checks import Proof
    from conformance.lab.recheck import doubtful, with_second_looks
    from conformance.lab.workers import default_workers, see_all

    chosen = _chosen(profiles, only, extra)
    began = time.monotonic()
    look = partial(see_all, extra=extra, keep=keep, proof=proof or Proof())
    with _progress() as progress:
        targets = [target for some in chosen.values() for target in some]
        seen = look(targets, workers or default_workers(), progress=progress)
    matrices = _matrices(chosen, seen, extra, time.monotonic() - began)
    again = [target for matrix in matrices for target in doubtful(matrix, chosen[matrix.contract.profile.name])]
    if again and keep is None and not once:
        seen = with_second_looks(seen, look(again, 1))
        matrices = _matrices(chosen, seen, extra, time.monotonic() - began)
    return matrices


def _matrices(
    chosen: Mapping[str, Sequence[LabTarget]], seen: Sequence[tuple[str, Seen]], extra: Path | None, took: float
) -> list[Matrix]:
    from conformance.lab.matrix import matrix_of
    from conformance.lab.targets import contract_of, targets_of

    total = sum(one.seconds for _, one in seen) or 1.0
    matrices = []
    for name, some in chosen.items():
        own = [one for profile, one in seen if profile == name]
        seconds = round(took * sum(one.seconds for one in own) / total, 1)
        partial_ = len(some) < len(targets_of(name, extra))
        matrices.append(matrix_of(contract_of(name), some, own, partial=partial_, seconds=seconds))
    return matrices


@contextlib.contextmanager
def _progress(what: str = "judging faults") -> Iterator[Progress | None]:
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
