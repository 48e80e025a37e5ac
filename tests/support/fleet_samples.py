"""Tasks of a fleet that nobody has to judge, workers that do as a test says, and judges for real workers."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from conformance.contract.model import Tier
from conformance.fleet.task import Outcome, Task
from conformance.fleet.workers import Ended
from conformance.running.run import RunSettings
from conformance.targets import NamedTarget

CONFORMANT = Outcome(0, "conformant", scope="openai, smoke tier", seconds=1.0, requests=11)


def task(target: str, url: str | None = None, tier: Tier = Tier.SMOKE) -> Task:
    """A run of a target; without a URL, each target has a deployment of its own."""
    base_url = url or f"http://{target}.example/v1"
    named = NamedTarget(target, base_url, None, "FLEET.toml:1", secrets={"CONFORMANCE_API_KEY": "SOME_KEY"})
    settings = RunSettings("openai", base_url=base_url, named=named, tier=tier)
    return Task(target, "openai", "2026.11.0", settings, "openai", program="this")


@dataclass
class StubWorkers:
    """Workers that end their tasks in the order in which a test says, or else in that in which they began.

    `deaths` says how often the worker of a target dies before one comes to the end.
    """

    count: int
    deaths: dict[str, int] = field(default_factory=dict)
    hanging: frozenset[str] = frozenset()
    begun: list[str] = field(default_factory=list)
    together: list[frozenset[str]] = field(default_factory=list)
    """The deployments that were judged at the same time, each time something began."""
    _running: deque[Task] = field(default_factory=deque)

    def free(self) -> int:
        return self.count - len(self._running)

    def begin(self, task: Task, longest: float) -> str:
        self._running.append(task)
        self.begun.append(task.target)
        self.together.append(frozenset(one.lane for one in self._running))
        assert len(self._running) <= self.count
        assert len(self.together[-1]) == len(self._running), "two runs of one deployment at once"
        return f"worker {task.target}"

    def ended(self, wait: float) -> Sequence[Ended]:
        task = next((one for one in self._running if one.target not in self.hanging), None)
        if task is None:
            hanging = self._running.popleft()
            return [Ended(hanging, "worker", gave_up=True)]
        self._running.remove(task)
        if self.deaths.get(task.target, 0) > 0:
            self.deaths[task.target] -= 1
            return [Ended(task, "worker")]
        return [Ended(task, "worker", CONFORMANT)]

    def close(self) -> None:
        self._running.clear()


# --- judges for workers that are processes ----------------------------------------------------------------------

SCRATCH = "FLEET_TEST_FOLDER"
"""The variable with the folder in which judges leave traces."""


def judge_by_name(task: Task) -> Outcome:
    """Dies the first time for `dies-once`, always for `dies`, never ends for `hangs`; otherwise all is well."""
    trace = Path(os.environ[SCRATCH]) / f"{task.target}-{os.getpid()}"
    again = any(trace.parent.glob(f"{task.target}-*"))
    trace.touch()
    if task.target == "dies" or (task.target == "dies-once" and not again):
        os.kill(os.getpid(), signal.SIGKILL)
    if task.target == "hangs":
        threading.Event().wait()
    return CONFORMANT


RELEASED = threading.Event()
"""Set when the judge of a worker in this process may end."""
HELD = threading.Event()
"""Set when that judge has begun."""
FIRST: list[str] = []


def judge_until_released(task: Task) -> Outcome:
    """Holds the first task until it is released; all others end at once."""
    FIRST.append(task.target)
    if len(FIRST) == 1:
        HELD.set()
        RELEASED.wait(60)
    return CONFORMANT
