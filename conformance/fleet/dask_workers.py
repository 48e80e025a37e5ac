"""Workers of a Dask cluster, which the user has: on Kubernetes, on hosts with SSH, on Slurm or in a cloud."""

from __future__ import annotations

import contextlib
import gc
import logging
import pickle
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic

from conformance.fleet.engine import End, FleetError, Piece, Result
from conformance.quoting import one_line

if TYPE_CHECKING:
    from distributed import Client

_WAIT_FOR_WORKERS = 60.0
EXTRA = "pip install 'chat-conformance[fleet]'"


@dataclass(slots=True)
class Job(Generic[Piece]):
    """A task with the worker that has it, and until when it may take."""

    task: Piece
    worker: str
    until: float
    future: Any


@dataclass(slots=True)
class DaskWorkers(Generic[Piece, Result]):
    """The workers of a cluster, as they come and go. A task is for one worker: when that goes, it is lost.

    Dask would repeat a task of a lost worker by itself; who distributes does so for every kind of worker, and counts.
    """

    client: Client
    work: Callable[[Piece], Result]
    jobs: list[Job[Piece]] = field(default_factory=list)
    """What its workers are judging."""
    _stuck: set[str] = field(default_factory=set)

    def free(self) -> int:
        """How many workers have no task of this fleet."""
        return len(self._idle())

    def begin(self, task: Piece, longest: float) -> str:
        """Let a worker judge a task; what is sent are its bytes, which hold no key."""
        worker = self._idle()[0]
        future = self.client.submit(
            _work_on_bytes,
            self.work,
            pickle.dumps(task),
            key=f"chat-conformance-{uuid.uuid4().hex}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
        )
        self.jobs.append(Job(task, worker, time.monotonic() + longest, future))
        return worker

    def ended(self, wait: float) -> Sequence[End[Piece, Result]]:
        """What has ended since, or was lost with its worker."""
        from distributed import wait as wait_for

        if self.jobs:
            with self.client.as_current(), contextlib.suppress(TimeoutError):
                wait_for([job.future for job in self.jobs], timeout=wait, return_when="FIRST_COMPLETED")
        else:
            time.sleep(wait)
        present = self._present()
        return [ended for job in tuple(self.jobs) if (ended := self._look_at(job, present)) is not None]

    def close(self) -> None:
        """Take back what has not begun; a run that has goes to its end on its worker, and its result is dropped."""
        with contextlib.suppress(Exception):
            self.client.cancel([job.future for job in self.jobs], force=True)
        self.jobs.clear()
        with contextlib.suppress(Exception):
            self.client.close()

    def _present(self) -> set[str]:
        try:
            return set(self.client.nthreads())
        except Exception as error:
            raise FleetError(
                "the scheduler went away; what was judged is kept: give the same command once it is back."
            ) from error

    def _idle(self) -> list[str]:
        busy = {job.worker for job in self.jobs} | self._stuck
        return sorted(self._present() - busy)

    def _look_at(self, job: Job[Piece], present: set[str]) -> End[Piece, Result] | None:
        status = job.future.status
        if status == "finished":
            self._forget(job)
            return End(job.task, job.worker, job.future.result())
        if status == "pending" and job.worker in present:
            if time.monotonic() < job.until:
                return None
            self._give_up(job)
            return End(job.task, job.worker, gave_up=True)
        error = job.future.exception(timeout=10) if status == "error" else None
        self._forget(job)
        if error is not None and not _is_loss(error):
            raise FleetError(
                f"the worker {job.worker} cannot run a task ({type(error).__name__}: {one_line(str(error), 200)});"
                " install the same version of chat-conformance there, and where the scheduler is."
            )
        job.future.cancel()
        return End(job.task, job.worker)

    def _give_up(self, job: Job[Piece]) -> None:
        """End the worker's process where a nanny begins a new one; otherwise nothing is sent to it any more."""
        self._forget(job)
        self._stuck.add(job.worker)
        job.future.cancel()
        with contextlib.suppress(Exception):
            self.client.restart_workers([job.worker], timeout=30)
            self._stuck.discard(job.worker)

    def _forget(self, job: Job[Piece]) -> None:
        self.jobs.remove(job)


@contextlib.contextmanager
def dask_workers(
    address: str, work: Callable[[Piece], Result], *, patience: float = 10.0
) -> Iterator[DaskWorkers[Piece, Result]]:
    """The workers of the cluster with the scheduler at this address, which answers within `patience` seconds.

    Raises:
        FleetError: Dask is not installed, nobody answers there, or no worker is there after a minute.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise FleetError(f"--scheduler needs Dask; install it: {EXTRA}.") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is told here in one sentence
    try:
        client = Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise FleetError(
            f"no Dask scheduler answers at {one_line(address, 100)} ({type(error).__name__}); start one with"
            " `dask scheduler`, and give its address, such as tcp://10.0.0.5:8786."
        ) from error
    workers = DaskWorkers(client, work)
    try:
        try:
            client.wait_for_workers(1, timeout=_WAIT_FOR_WORKERS)
        except TimeoutError as error:
            raise FleetError(
                f"the scheduler at {one_line(address, 100)} has no worker; start some with `dask worker {address}`."
            ) from error
        yield workers
    finally:
        workers.close()


def _is_loss(error: BaseException) -> bool:
    from distributed.scheduler import KilledWorker, NoValidWorkerError

    return isinstance(error, (KilledWorker, NoValidWorkerError))


def _work_on_bytes(work: Callable[[Piece], Result], task: bytes) -> Result:
    try:
        return work(pickle.loads(task))  # noqa: S301 - what the scheduler sends is trusted as the cluster is
    finally:
        gc.collect()  # a Dask worker lets garbage lie three times as long as usual
