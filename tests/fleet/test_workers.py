"""Real workers, processes here and those of a Dask cluster: one that dies or hangs takes no other with it."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fleet_samples
import pytest
from deployments import closed_port
from fleet_samples import CONFORMANT, SCRATCH, judge_by_name, judge_until_released, task

from conformance.fleet.dask_workers import DaskWorkers, dask_workers
from conformance.fleet.distribution import distribute
from conformance.fleet.local_workers import LocalWorkers
from conformance.fleet.task import Outcome, Task
from conformance.fleet.workers import FleetError


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(SCRATCH, str(tmp_path))
    return tmp_path


@pytest.mark.process
def test_a_process_that_dies_loses_its_run_alone_and_one_that_hangs_is_ended(scratch: Path) -> None:
    tasks = [task(name) for name in ("hangs", "dies-once", "dies", "well")]
    with contextlib.closing(LocalWorkers(2, judge_by_name)) as workers:
        longest = {"hangs": 1.0}
        judged = {
            one.task.target: one
            for one in distribute(tasks, workers, tries=2, longest=lambda one: longest.get(one.target, 60.0))
        }
    assert judged["well"].outcome == judged["dies-once"].outcome == CONFORMANT
    assert (judged["well"].tries, judged["dies-once"].tries, judged["dies"].tries) == (1, 2, 2)
    assert judged["dies"].outcome.status == judged["hangs"].outcome.status == 3
    assert judged["hangs"].tries == 1
    assert len(list(scratch.glob("well-*"))) == 1
    assert len(list(scratch.glob("hangs-*"))) <= 1, "none where its process was slower to begin than it may take"


@pytest.mark.dask
@pytest.mark.network
def test_a_dask_worker_that_goes_away_loses_its_run_which_another_one_makes() -> None:
    distributed = importlib.import_module("distributed")  # an extra, which may be missing where this is left out
    local = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    judged = []
    with _quiet(), distributed.LocalCluster(**local) as cluster, dask_workers_of(cluster) as workers:
        for one in distribute([task("a"), task("b"), task("c")], workers):
            judged.append(one)
            if len(judged) == 1:
                assert fleet_samples.HELD.wait(30)
                (held,) = (job.worker for job in workers.jobs if job.task.target == fleet_samples.FIRST[0])
                workers.client.retire_workers([held], close_workers=True)
                fleet_samples.RELEASED.set()
    by_name = {one.task.target: one for one in judged}
    assert len(judged) == len(by_name) == 3
    assert by_name[fleet_samples.FIRST[0]].tries == 2
    assert all(one.outcome == CONFORMANT for one in judged)


@pytest.mark.network
@pytest.mark.dask
def test_a_scheduler_that_does_not_answer_is_told_in_one_sentence() -> None:
    with closed_port() as url, pytest.raises(FleetError, match=r"^no Dask scheduler answers at tcp://127"):
        contextlib.ExitStack().enter_context(_impatient_workers(url.replace("http", "tcp")))


def _impatient_workers(address: str) -> contextlib.AbstractContextManager[DaskWorkers[Task, Outcome]]:
    return dask_workers(address, judge_by_name, patience=0.2)


@contextlib.contextmanager
def dask_workers_of(cluster: Any) -> Iterator[DaskWorkers[Task, Outcome]]:
    with dask_workers(cluster.scheduler_address, judge_until_released) as workers:
        yield workers


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask warns of a port that is taken, and of what is not closed at its end; neither is ours."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
