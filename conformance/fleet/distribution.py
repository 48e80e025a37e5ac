"""Distributes tasks over workers: one run for each deployment at a time, and again what was lost with its worker."""

from __future__ import annotations

from collections import Counter, deque
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
    lanes = _Lanes(tasks)
    while lanes.left:
        lanes.fill(workers, longest, begun)
        done = [judged for ended in workers.ended(_WAIT) if (judged := lanes.end(ended, tries, longest)) is not None]
        lanes.fill(workers, longest, begun)  # no worker waits while results are kept
        yield from done
        look()


class _Lanes:
    """The tasks of each deployment that wait, and the one that runs."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._waiting: dict[str, deque[Task]] = {}
        for task in tasks:
            self._waiting.setdefault(task.lane, deque()).append(task)
        self._running: dict[str, Task] = {}
        self._begun: Counter[str] = Counter()

    @property
    def left(self) -> bool:
        """Whether anything waits or runs."""
        return bool(self._waiting or self._running)

    def fill(self, workers: Workers, longest: Callable[[Task], float], begun: Begun) -> None:
        """Give each free worker the next task of a deployment that none is judging."""
        ready = [lane for lane in self._waiting if lane not in self._running]
        for lane in ready[: workers.free()] if ready else ():
            task = self._waiting[lane].popleft()
            if not self._waiting[lane]:
                del self._waiting[lane]
            self._running[lane] = task
            self._begun[task.name] += 1
            begun(task, workers.begin(task, longest(task)))

    def end(self, ended: Ended, tries: int, longest: Callable[[Task], float]) -> Judged | None:
        """What came of a task; None where it is to begin again, or does not count."""
        task = ended.task
        if self._running.get(task.lane) != task:
            return None  # a worker that was thought to be lost has ended after all
        del self._running[task.lane]
        tried = self._begun[task.name]
        if ended.outcome is None and not ended.gave_up and tried < tries:
            self._waiting[task.lane] = deque((task, *self._waiting.get(task.lane, ())))
            return None
        return Judged(task, ended.outcome or _lost(ended, tried, longest(task)), ended.worker, tried)


def _lost(ended: Ended, tries: int, longest: float) -> Outcome:
    if ended.gave_up:
        why = f"The worker was given up: it had not come to the end of the run after {longest:g} s (longest_run)."
    else:
        why = f"The worker died while it judged; it was begun {tries} times."
    return Outcome(UNDECIDED, problem=why)
