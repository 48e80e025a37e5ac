"""Tasks of a fleet are judged once each, one at a time for each deployment, whatever becomes of workers."""

from __future__ import annotations

import random

import pytest
from fleet_samples import CONFORMANT, StubWorkers, task

from conformance.contract.model import Tier
from conformance.fleet.distribution import distribute
from conformance.fleet.task import Task
from conformance.fleet.workers import Ended


def test_every_task_is_judged_once_by_as_many_workers_as_there_are() -> None:
    workers = StubWorkers(3)
    judged = list(distribute([task(f"t{number}") for number in range(10)], workers))
    assert sorted(one.task.target for one in judged) == sorted(f"t{number}" for number in range(10))
    assert max(map(len, workers.together)) == 3


def test_runs_of_one_deployment_never_overlap_and_others_do_not_wait_for_them() -> None:
    url = "http://same.example/v1"
    tasks = [task("a", url), task("a", url, Tier.STANDARD), task("alias", url), task("b"), task("c")]
    workers = StubWorkers(2)
    judged = list(distribute(tasks, workers))
    assert len(judged) == len(tasks)
    assert {url, "http://b.example/v1"} in workers.together


def test_what_is_lost_with_its_worker_is_begun_again_and_counts_once() -> None:
    workers = StubWorkers(2, deaths={"unlucky": 2})
    judged = {one.task.target: one for one in distribute([task("unlucky"), task("other")], workers, tries=3)}
    assert judged["unlucky"].outcome == CONFORMANT
    assert judged["unlucky"].tries == 3
    assert judged["other"].tries == 1
    assert workers.begun.count("unlucky") == 3


def test_a_task_whose_workers_always_die_is_given_up_and_says_so() -> None:
    (judged,) = distribute([task("deadly")], StubWorkers(1, deaths={"deadly": 99}), tries=2)
    assert judged.outcome.status == 3
    assert judged.outcome.problem == "The worker died while it judged; it was begun 2 times."
    assert not judged.outcome.is_complete


def test_a_target_that_hangs_blocks_nobody_and_is_not_begun_again() -> None:
    workers = StubWorkers(2, hanging=frozenset({"hangs"}))
    judged = list(distribute([task("hangs"), *(task(f"t{number}") for number in range(5))], workers))
    assert [one.task.target for one in judged][-1] == "hangs"
    assert judged[-1].outcome.problem is not None
    assert "given up" in judged[-1].outcome.problem
    assert workers.begun.count("hangs") == 1


def test_a_worker_that_was_thought_lost_and_ends_after_all_does_not_count_twice() -> None:
    class Ghosts(StubWorkers):
        def ended(self, wait: float) -> list[Ended]:
            return [one for ended in super().ended(wait) for one in (ended, ended)]

    judged = list(distribute([task("a"), task("b")], Ghosts(2)))
    assert [one.task.target for one in judged] == ["a", "b"]


@pytest.mark.parametrize("seed", range(20))
def test_no_order_of_deaths_loses_or_repeats_a_result(seed: int) -> None:
    drawn = random.Random(seed)
    tasks: list[Task] = [
        task(f"t{number}", f"http://{drawn.randrange(6)}.example/v1") for number in range(drawn.randrange(1, 25))
    ]
    deaths = {one.target: drawn.randrange(3) for one in tasks}
    workers = StubWorkers(drawn.randrange(1, 5), deaths=dict(deaths))
    judged = list(distribute(tasks, workers, tries=3))
    assert sorted(one.task.target for one in judged) == sorted(one.target for one in tasks)
    assert all(one.tries == deaths[one.task.target] + 1 for one in judged)
