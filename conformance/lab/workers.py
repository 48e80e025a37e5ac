"""Distributes the targets of a lab over processes, and collects what was seen of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

from conformance.contract.model import Tier
from conformance.fleet.dask_workers import dask_workers
from conformance.fleet.engine import Crew, End, spread
from conformance.fleet.local_workers import LocalWorkers
from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks
from conformance.lab.judging import JudgedTarget, LabError, judge_targets
from conformance.lab.kept_results import KeptResults
from conformance.lab.targets import LabTarget, targets_of
from conformance.shipped import program_digest

_BATCH = 6
"""Targets that a worker takes at once: few enough that no worker is idle for long while another finishes."""
_WAITING_BATCH = 4
_MOST_BATCHES = 1_000_000
"""Batches after which a process is replaced: it keeps what it has collected."""
Progress = Callable[[int, int], None]
Workers = int | str
"""So many processes of this machine, or the workers of the Dask cluster with the scheduler at this address."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Targets of one profile and tier that a worker judges at once; it looks them up by their ids."""

    number: int
    profile: str
    ids: tuple[str, ...]
    extra: Path | None
    checks: EvidenceChecks
    program: str

    @property
    def name(self) -> str:
        """The name of the batch, for a message."""
        return f"batch {self.number} ({self.profile}: {self.ids[0]} and {len(self.ids) - 1} more)"

    @property
    def lane(self) -> str:
        """Each batch has deployments of its own."""
        return self.name


def default_workers() -> int:
    """One for each processor that this process may use, and one more, because each waits at times; at most eight."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, processors + 1)


def judge_all(
    targets: Sequence[LabTarget],
    workers: Workers,
    *,
    extra: Path | None = None,
    checks: EvidenceChecks = NO_CHECKS,
    progress: Progress | None = None,
    alone: bool = False,
    kept: KeptResults | None = None,
) -> list[tuple[str, JudgedTarget]]:
    """Judge targets of any profiles and tiers; returns the profile of each and its result, in any order.

    A worker looks the targets up by their ids. `checks` says how the evidence of each is checked. With `alone`,
    no two targets of a worker are served at the same time. What `kept` knows is not judged again, and each further
    result is kept as it comes.

    Raises:
        LabError: a batch was lost with its worker, again and again.
        FleetError: the cluster cannot be used.
    """
    judged = [] if kept is None else kept.of(targets)
    missing = targets if kept is None else kept.missing(targets)
    for profile, some in _judged(missing, workers, extra, checks, alone=alone):
        if kept is not None:
            kept.add(profile, some)
        judged += [(profile, one) for one in some]
        if progress is not None:
            progress(len(judged), len(targets))
    return judged


def _judged(
    targets: Sequence[LabTarget],
    workers: Workers,
    extra: Path | None,
    checks: EvidenceChecks,
    *,
    alone: bool,
) -> Iterator[tuple[str, list[JudgedTarget]]]:
    batches = [(one.profile, [one]) for one in targets] if alone else list(_batches(targets))
    if not isinstance(workers, str) and (workers <= 1 or len(batches) <= 1):
        for profile, batch in batches:
            yield profile, judge_targets(batch, checks=checks)
        return
    program = program_digest()
    pieces = [
        Batch(number, profile, tuple(target.id for target in batch), extra, checks, program)
        for number, (profile, batch) in enumerate(batches, 1)
    ]
    with _crew(workers, len(pieces)) as crew:
        for done in spread(pieces, crew, _lost):
            yield done.task.profile, done.outcome


def _crew(workers: Workers, batches: int) -> AbstractContextManager[Crew[Batch, list[JudgedTarget]]]:
    if isinstance(workers, str):
        return dask_workers(workers, judge_batch)
    return closing(LocalWorkers(min(workers, batches), judge_batch, most=_MOST_BATCHES))


def _lost(ended: End[Batch, list[JudgedTarget]], tries: int) -> list[JudgedTarget]:
    why = "hung" if ended.gave_up else f"died {tries} times"
    raise LabError(f"the worker of {ended.task.name} {why}")


def _batches(targets: Sequence[LabTarget]) -> Iterator[tuple[str, Sequence[LabTarget]]]:
    """Batches of one profile and tier; targets that wait come first, because they take longest and little else."""
    groups: dict[tuple[str, Tier, bool], list[LabTarget]] = {}
    for target in sorted(targets, key=lambda target: not target.waits):
        groups.setdefault((target.profile, target.tier, target.waits), []).append(target)
    for (profile, _, waits), some in groups.items():
        size = _WAITING_BATCH if waits else _BATCH
        for start in range(0, len(some), size):
            yield profile, some[start : start + size]


def judge_batch(batch: Batch) -> list[JudgedTarget]:
    """Judge a batch in this process.

    Raises:
        LabError: the lab broke, or this worker has another state of the program.
    """
    if batch.program != program_digest():
        raise LabError("this worker has another state of chat-conformance; install the same there")
    wanted = set(batch.ids)
    targets = [target for target in targets_of(batch.profile, batch.extra) if target.id in wanted]
    return judge_targets(targets, checks=batch.checks)
