"""Workers that are processes of this machine, each of which can die or be ended without the others."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context, parent_process
from typing import Generic

from conformance.fleet.engine import End, Piece, Result

_MOST_RUNS = 100
"""Runs after which a process is replaced by a new one, so that nothing can pile up in it."""


@dataclass(slots=True)
class _Process(Generic[Piece, Result]):
    """A pool of one process: where a process of a larger pool dies, the pool ends all the others."""

    number: int
    pool: ProcessPoolExecutor
    pid: Future[int]
    runs: int = 0
    task: Piece | None = None
    future: Future[Result] | None = None
    until: float = 0.0

    @property
    def name(self) -> str:
        return f"process {self.number}"


@dataclass(slots=True)
class LocalWorkers(Generic[Piece, Result]):
    """So many processes; each begins when it has something to do. `work` is what they do with a piece.

    A process is replaced by a new one after `most` pieces.
    """

    count: int
    work: Callable[[Piece], Result]
    most: int = _MOST_RUNS
    _processes: list[_Process[Piece, Result]] = field(default_factory=list)
    _scratch: tempfile.TemporaryDirectory[str] = field(
        default_factory=lambda: tempfile.TemporaryDirectory(
            prefix="chat-conformance-fleet-", ignore_cleanup_errors=True
        )
    )
    """Where the processes keep what they need for a run; one that is killed cannot clean up."""

    def free(self) -> int:
        """How many processes have nothing to do, or are not begun yet."""
        return self.count - sum(one.task is not None for one in self._processes)

    def begin(self, task: Piece, longest: float) -> str:
        """Let a process judge a task."""
        process = next((one for one in self._processes if one.task is None), None)
        if process is not None and process.runs >= self.most:
            self._end(process, kill=False)
            process = None
        if process is None:
            process = self._new()
        process.task, process.until = task, time.monotonic() + longest
        process.runs += 1
        process.future = process.pool.submit(self.work, task)
        return process.name

    def ended(self, wait_for: float) -> Sequence[End[Piece, Result]]:
        """What has ended since; a process that is over its time is ended."""
        busy = [one for one in self._processes if one.future is not None]
        wait([one.future for one in busy if one.future is not None], timeout=wait_for, return_when=FIRST_COMPLETED)
        return [ended for one in busy if (ended := self._look_at(one)) is not None]

    def close(self) -> None:
        """End the processes, also those that judge."""
        for process in tuple(self._processes):
            self._end(process, kill=process.task is not None)
        self._scratch.cleanup()

    def _new(self) -> _Process[Piece, Result]:
        numbers = {one.number for one in self._processes}
        number = next(one for one in range(1, self.count + 1) if one not in numbers)
        # A forked process would inherit the locks of this process's threads.
        pool = ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_begin_process, initargs=(self._scratch.name,)
        )
        process: _Process[Piece, Result] = _Process(number, pool, pool.submit(os.getpid))
        self._processes.append(process)
        return process

    def _look_at(self, process: _Process[Piece, Result]) -> End[Piece, Result] | None:
        task, future = process.task, process.future
        assert task is not None
        assert future is not None
        if not future.done():
            if time.monotonic() < process.until:
                return None
            self._end(process, kill=True)
            return End(task, process.name, gave_up=True)
        process.task = process.future = None
        error = future.exception()
        if isinstance(error, BrokenProcessPool):
            self._end(process, kill=False)
            return End(task, process.name)
        return End(task, process.name, future.result())

    def _end(self, process: _Process[Piece, Result], *, kill: bool) -> None:
        self._processes.remove(process)
        if kill:
            with contextlib.suppress(BrokenProcessPool, ProcessLookupError):
                os.kill(process.pid.result(), signal.SIGKILL)
        process.pool.shutdown(wait=False, cancel_futures=True)


def _begin_process(scratch: str) -> None:
    """What a process does first. Ctrl-C in a terminal reaches all: the one that distributes decides what is ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = scratch
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    """No process goes on judging when the one that would keep its results was killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
