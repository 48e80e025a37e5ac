"""Does a soak: in this process, on several processes of this machine, or on the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from conformance.fleet.engine import Crew, End, spread
from conformance.shipped import program_digest
from conformance.soak.settings import Share, SoakSettings
from conformance.soak.sharing import ShareResult, do_share, no_result, send_share

if TYPE_CHECKING:
    from conformance.running.run import Run

_TO_BEGIN = 120.0
"""Seconds that a worker may take to begin and to end, beside its requests."""


@dataclass(frozen=True, slots=True)
class Where:
    """On how many processes, or on which cluster."""

    workers: int = 1
    scheduler: str | None = None


def results_of(
    settings: SoakSettings, where: Where, run: Run, files: Mapping[str, bytes], scratch: Path
) -> list[ShareResult]:
    """Do all shares at the same time; gives what came of each. Ctrl-C ends them with what there is.

    Raises:
        FleetError: the workers cannot be used.
        SoakError: a test of the suite broke.
    """
    if where.scheduler is None and where.workers == 1:
        share = Share(0, 1, settings, run.target.dialect)
        return [send_share(share, run, scratch / "evidence", lambda: False)]
    with _crew(where, scratch) as (crew, stop, end_all):
        count = max(1, min(crew.free(), settings.users))
        program = program_digest()
        shares = [Share(number, count, settings, run.target.dialect, files, program, stop) for number in range(count)]
        longest = settings.seconds + settings.limits.deadline + _TO_BEGIN
        with _at_ctrl_c(end_all):
            done = spread(shares, crew, _lost, tries=1, longest=lambda _: longest)
            return sorted((one.outcome for one in done), key=lambda one: one.number)


def _lost(ended: End[Share, ShareResult], _: int) -> ShareResult:
    why = "did not come to its end in time" if ended.gave_up else "died"
    return no_result(ended.task.number, f"The worker of {ended.task.name} {why}; what its answers were is lost.")


@contextlib.contextmanager
def _crew(where: Where, scratch: Path) -> Iterator[tuple[Crew[Share, ShareResult], str, Callable[[], object]]]:
    """The workers, what stops their shares by its name, and how that is done."""
    if where.scheduler is not None:
        from conformance.fleet.dask_workers import dask_workers

        with dask_workers(where.scheduler, do_share) as cluster:
            from distributed import Event

            event = Event(f"chat-conformance-{uuid.uuid4().hex}", client=cluster.client)
            yield cluster, event.name, event.set
        return
    from conformance.fleet.local_workers import LocalWorkers

    stop = Path(tempfile.mkdtemp(dir=scratch)) / "stop"
    local = LocalWorkers(where.workers, do_share)
    try:
        yield local, str(stop), stop.touch
    finally:
        local.close()


@contextlib.contextmanager
def _at_ctrl_c(end_all: Callable[[], object]) -> Iterator[None]:
    """Let the first Ctrl-C end the shares, and the second this program."""
    before = signal.getsignal(signal.SIGINT)

    def stop(_: int, __: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        end_all()

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
