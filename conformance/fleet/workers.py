"""What is asked of workers, whichever they are: how many are free, to begin a task, and what has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from conformance.fleet.task import Outcome, Task


class FleetError(Exception):
    """The workers of a fleet, or the place of its results, cannot be used; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A task that a worker has ended, or can end no more.

    Without an outcome, the worker is lost; `gave_up` says that it was given up after the longest time of a run.
    """

    task: Task
    worker: str
    outcome: Outcome | None = None
    gave_up: bool = False


class Workers(Protocol):
    """Some workers, each of which judges one task at a time."""

    def free(self) -> int:
        """How many could begin a task now."""

    def begin(self, task: Task, longest: float) -> str:
        """Let a free worker judge a task, for so many seconds at most; gives the worker's name."""

    def ended(self, wait: float) -> Sequence[Ended]:
        """The tasks that have ended since, after waiting so many seconds at most for the first."""

    def close(self) -> None:
        """End all work: what is not ended is lost."""
