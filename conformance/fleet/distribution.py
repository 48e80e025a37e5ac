"""Distributes tasks over workers: one run for each deployment at a time, and again what was lost with its worker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from conformance.fleet.task import UNDECIDED, Outcome, Task
from conformance.fleet.workers import Ended, Workers

_WAIT = 0.25
"""Seconds between two looks at the workers, at most."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A task with what came of it, by which worker, and how often it was begun."""

    task: Task
    outcome: Outcome
    worker: str = ""
    tries: int = 1


Begun = Callable[[Task, str], None]
"""Is told of each task that begins, and the worker's name."""


def _nothing(_: Task, __: str) -> None:
    return None


def _no_look() -> None:
    return None


def distribute(
    tasks: Sequence[Task],
    workers: Workers,
    *,
    tries: int = 3,
    longest: Callable[[Task], float] = lambda _: 3600.0,
    begun: Begun = _nothing,
    look: Callable[[], None] = _no_look,
) -> Iterator[Judged]:
    """Judge every task once; gives each as it ends. `look` is called several times a second.

    The tasks of one deployment never run at the same time, and others do not wait for them. A task whose worker died
    begins again, `tries` times in all; what a lost worker did does not count.
    """
    waiting: dict[str, deque[Task]] = {}
    for task in tasks:
        waiting.setdefault(task.lane, deque()).append(task)
    running: dict[str, Task] = {}
    begun_before: dict[str, int] = {}
    while waiting or running:
        free = workers.free() if waiting.keys() - running.keys() else 0
        for lane in [lane for lane in waiting if lane not in running][:free]:
            task = waiting[lane].popleft()
            if not waiting[lane]:
                del waiting[lane]
            running[lane] = task
            begun_before[task.name] = begun_before.get(task.name, 0) + 1
            begun(task, workers.begin(task, longest(task)))
        for ended in workers.ended(_WAIT):
            if running.get(ended.task.lane) != ended.task:
                continue  # a worker that was thought to be lost has ended after all
            del running[ended.task.lane]
            tried = begun_before[ended.task.name]
            if ended.outcome is None and not ended.gave_up and tried < tries:
                waiting[ended.task.lane] = deque((ended.task, *waiting.get(ended.task.lane, ())))
                continue
            yield Judged(ended.task, ended.outcome or _lost(ended, tried, longest(ended.task)), ended.worker, tried)
        look()


def _lost(ended: Ended, tries: int, longest: float) -> Outcome:
    if ended.gave_up:
        why = f"The worker was given up: it had not come to the end of the run after {longest:g} s (longest_run)."
    else:
        why = f"The worker died while it judged; it was begun {tries} times."
    return Outcome(UNDECIDED, problem=why)
