"""Spreads the targets of a lab over processes, and hands over what was seen of each as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from conformance.contract.model import Tier
from conformance.lab.evidence_checks import NO_PROOF, Proof
from conformance.lab.judging import Seen, see
from conformance.lab.targets import LabTarget, targets_of

_BATCH = 6
"""Targets that a worker takes at once: few enough that the last ones do not leave the others without work."""
_WAITING_BATCH = 4
Progress = Callable[[int, int], None]


def default_workers() -> int:
    """One for each processor that this process may use, and one more, for each waits now and then; eight at most."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, processors + 1)


def see_all(
    targets: Sequence[LabTarget],
    workers: int,
    *,
    extra: Path | None = None,
    keep: Path | None = None,
    proof: Proof = NO_PROOF,
    progress: Progress | None = None,
) -> list[tuple[str, Seen]]:
    """The profile of each target, and what the run against it comes to, in any order.

    A worker finds the targets by their ids again. `keep` is where evidence stays, and `proof` what
    it has to show.
    """
    seen: list[tuple[str, Seen]] = []
    for profile, some in _seen(targets, workers, extra, keep, proof):
        seen += [(profile, one) for one in some]
        if progress is not None:
            progress(len(seen), len(targets))
    return seen


def _seen(
    targets: Sequence[LabTarget], workers: int, extra: Path | None, keep: Path | None, proof: Proof
) -> Iterator[tuple[str, list[Seen]]]:
    batches = list(_batches(targets))
    if workers <= 1 or len(batches) <= 1:
        for profile, batch in batches:
            yield profile, see(batch, keep, proof)
        return
    # A process that is forked would take over the threads' locks of this one.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures: dict[Future[list[Seen]], str] = {
            pool.submit(_see_some, profile, [target.id for target in batch], extra, keep, proof): profile
            for profile, batch in batches
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _batches(targets: Sequence[LabTarget]) -> Iterator[tuple[str, Sequence[LabTarget]]]:
    """Targets of one profile and tier each; those that wait come first: they take longest, and little else."""
    groups: dict[tuple[str, Tier, bool], list[LabTarget]] = {}
    for target in sorted(targets, key=lambda target: not target.waits):
        groups.setdefault((target.profile, target.tier, target.waits), []).append(target)
    for (profile, _, waits), some in groups.items():
        size = _WAITING_BATCH if waits else _BATCH
        for start in range(0, len(some), size):
            yield profile, some[start : start + size]


def _see_some(profile: str, ids: Sequence[str], extra: Path | None, keep: Path | None, proof: Proof) -> list[Seen]:
    wanted = set(ids)
    return see([target for target in targets_of(profile, extra) if target.id in wanted], keep, proof)
