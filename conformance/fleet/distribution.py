"""Distributes the runs of a fleet over workers: one for each deployment at a time, and again what was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from conformance.fleet.engine import Begun, Done, spread
from conformance.fleet.task import UNDECIDED, Outcome, Task
from conformance.fleet.workers import Ended, Workers

Judged = Done[Task, Outcome]
"""A task with what came of it, by which worker, and how often it was begun."""


def _nothing(_: Task, __: str) -> None:
    return None


def distribute(
    tasks: Sequence[Task],
    workers: Workers,
    *,
    tries: int = 3,
    longest: Callable[[Task], float] = lambda _: 3600.0,
    begun: Begun[Task] = _nothing,
) -> Iterator[Judged]:
    """Judge every task once; gives each as it ends.

    The tasks of one deployment never run at the same time, and others do not wait for them. A task whose worker died
    begins again, `tries` times in all; what a lost worker did does not count.
    """

    def lost(ended: Ended, tried: int) -> Outcome:
        if ended.gave_up:
            seconds = f"{longest(ended.task):g} s (longest_run)"
            why = f"The worker was given up: it had not come to the end of the run after {seconds}."
        else:
            why = f"The worker died while it judged; it was begun {tried} times."
        return Outcome(UNDECIDED, problem=why)

    return spread(tasks, workers, lost, tries=tries, longest=longest, begun=begun)
