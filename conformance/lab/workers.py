"""Spreads the targets of a lab over processes, and hands over what was seen of each as it comes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from conformance.lab.observing import Seen, see
from conformance.lab.targets import LabTarget, targets_of

_BATCH = 6
"""Targets that a worker takes at once: few enough that the last ones do not leave the others without work."""
_WAITING_BATCH = 8
Progress = Callable[[int, int], None]


def default_workers() -> int:
    """One for each processor that this process may use, four at most."""
    return min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def see_all(
    targets: Sequence[LabTarget],
    workers: int,
    *,
    extra: Path | None = None,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> list[Seen]:
    """What the runs against all targets come to, in any order.

    `targets` are of one profile; a worker finds them by their ids again. `keep` is where evidence stays.
    """
    seen: list[Seen] = []
    for some in _seen(targets, workers, extra, keep):
        seen += some
        if progress is not None:
            progress(len(seen), len(targets))
    return seen


def _seen(targets: Sequence[LabTarget], workers: int, extra: Path | None, keep: Path | None) -> Iterator[list[Seen]]:
    if workers <= 1 or len(targets) <= 1:
        yield from ([one] for one in see(targets, keep))
        return
    # A process that is forked would take over the threads' locks of this one.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        futures: list[Future[list[Seen]]] = [
            pool.submit(_see_some, targets[0].profile, [target.id for target in batch], extra, keep)
            for batch in _batches(targets)
        ]
        for future in as_completed(futures):
            yield future.result()


def _batches(targets: Sequence[LabTarget]) -> Iterable[Sequence[LabTarget]]:
    """Those that wait come first: they take longest, and need the processor least."""
    waiting = [target for target in targets if target.waits]
    others = [target for target in targets if not target.waits]
    for some, size in ((waiting, _WAITING_BATCH), (others, _BATCH)):
        for start in range(0, len(some), size):
            yield some[start : start + size]


def _see_some(profile: str, ids: Sequence[str], extra: Path | None, keep: Path | None) -> list[Seen]:
    wanted = set(ids)
    return list(see([target for target in targets_of(profile, extra) if target.id in wanted], keep))
