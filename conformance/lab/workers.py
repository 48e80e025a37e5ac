"""Distributes the targets of a lab over processes, and collects what was seen of each."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from conformance.contract.model import Tier
from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks
from conformance.lab.judging import JudgedTarget, judge_targets
from conformance.lab.kept_results import KeptResults
from conformance.lab.targets import LabTarget, targets_of

_BATCH = 6
"""Targets that a worker takes at once: few enough that no worker is idle for long while another finishes."""
_WAITING_BATCH = 4
Progress = Callable[[int, int], None]


def default_workers() -> int:
    """One for each processor that this process may use, and one more, because each waits at times; at most eight."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, processors + 1)


def judge_all(
    targets: Sequence[LabTarget],
    workers: int,
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
    workers: int,
    extra: Path | None,
    checks: EvidenceChecks,
    *,
    alone: bool,
) -> Iterator[tuple[str, list[JudgedTarget]]]:
    batches = [(one.profile, [one]) for one in targets] if alone else list(_batches(targets))
    if workers <= 1 or len(batches) <= 1:
        for profile, batch in batches:
            yield profile, judge_targets(batch, checks=checks)
        return
    # A forked process would inherit the locks of this process's threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures: dict[Future[list[JudgedTarget]], str] = {
            pool.submit(_judge_batch, profile, [target.id for target in batch], extra, checks): profile
            for profile, batch in batches
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _batches(targets: Sequence[LabTarget]) -> Iterator[tuple[str, Sequence[LabTarget]]]:
    """Batches of one profile and tier; targets that wait come first, because they take longest and little else."""
    groups: dict[tuple[str, Tier, bool], list[LabTarget]] = {}
    for target in sorted(targets, key=lambda target: not target.waits):
        groups.setdefault((target.profile, target.tier, target.waits), []).append(target)
    for (profile, _, waits), some in groups.items():
        size = _WAITING_BATCH if waits else _BATCH
        for start in range(0, len(some), size):
            yield profile, some[start : start + size]


def _judge_batch(profile: str, ids: Sequence[str], extra: Path | None, checks: EvidenceChecks) -> list[JudgedTarget]:
    wanted = set(ids)
    return judge_targets([target for target in targets_of(profile, extra) if target.id in wanted], checks=checks)
