"""Judges lab targets in this process: the suite is collected once, and its tests are run for each of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance.contract.model import Tier
from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks, failed_checks
from conformance.lab.observing import ObservedTarget, idle_run, observed_targets
from conformance.lab.targets import LabTarget
from conformance.running.pytest_session import run_pytest
from conformance.running.suite_run import SuiteRun
from conformance.suite.blocking import with_blockers
from conformance.suite.expect import Judgement

_LONGEST_MESSAGE = 400


class LabError(Exception):
    """The lab itself broke, so that it says nothing about the suite; the message says where and why."""


@dataclass(frozen=True, slots=True)
class JudgedTarget:
    """What came of the run against one target.

    `outcomes` has every requirement of the tier, `messages` the first message of each that has one. `seconds` is the
    time for observing and judging it, during which other targets may have been observed as well.
    """

    target: str
    outcomes: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0
    broken: tuple[str, ...] = ()
    """Defects of the suite itself that the run found."""
    failed_checks: tuple[str, ...] = ()
    """The checks of its evidence that failed."""
    tries: int = 1
    """How often it was judged; the last time counts."""
    blocked_by: dict[str, str] = field(default_factory=dict)
    """For each requirement that is blocked, the one that blocks it."""


def judge_targets(
    targets: Sequence[LabTarget], keep: Path | None = None, checks: EvidenceChecks = NO_CHECKS
) -> list[JudgedTarget]:
    """Run the suite against these targets, which are all of one profile and tier.

    Those that wait are observed at the same time, all others one by one. With `keep`, the evidence of each stays below
    it, in the folder that `evidence_folder` names. `checks` says how each run's evidence is checked.
    """
    if not targets:
        return []
    with TemporaryDirectory(prefix="chat-conformance-lab-") as scratch:
        suite_run = SuiteRun(idle_run(targets[0].profile, targets[0].tier))
        loop = _EveryTarget(suite_run, observed_targets(targets, keep or Path(scratch)), checks)
        ended = run_pytest(suite_run, (), loop)
    if len(loop.judged) < len(targets):
        why = suite_run.broken or ended.printed.strip().splitlines()[-15:]
        raise LabError(f"the lab broke at {targets[len(loop.judged)].id}: " + "; ".join(why))
    return loop.judged


def judge(
    suite_run: SuiteRun, one: ObservedTarget, items: Iterable[pytest.Item], config: pytest.Config
) -> JudgedTarget:
    """Judge one target with these tests, which a run of the suite has collected."""
    began, broken = time.monotonic(), len(suite_run.broken)
    suite_run.judge(one.run, one.observed, items, config)
    judgements = {one.requirement.id: one for one in with_blockers(suite_run.judgements.values())}
    return JudgedTarget(
        target=one.target.id,
        outcomes={
            name: judgement.outcome.value
            for name, judgement in sorted(judgements.items())
            if _counts(judgement, one.target)
        },
        messages={name: _message(judgement) for name, judgement in judgements.items() if judgement.messages},
        requests=len(one.observed.observations.exchanges),
        seconds=round(one.seconds + time.monotonic() - began, 3),
        broken=tuple(suite_run.broken[broken:]),
        blocked_by={name: one.blocked_by for name, one in judgements.items() if one.blocked_by is not None},
    )


class _EveryTarget:
    """Pytest's loop over the tests: judges each target with all that were collected."""

    def __init__(self, suite_run: SuiteRun, targets: Iterator[ObservedTarget], checks: EvidenceChecks) -> None:
        self._suite_run = suite_run
        self._targets = targets
        self._checks = checks
        self.judged: list[JudgedTarget] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge each target with all tests."""

        def judge_one(one: ObservedTarget) -> JudgedTarget:
            return judge(self._suite_run, one, session.items, session.config)

        for one in self._targets:
            judged = judge_one(one)
            self.judged.append(
                replace(judged, failed_checks=failed_checks(self._suite_run, judge_one, one, self._checks))
            )
        return True


def _counts(judgement: Judgement, target: LabTarget) -> bool:
    """Whether the run has sent what decides a requirement."""
    row = judgement.requirement
    return target.focus is None or Tier.STANDARD.includes(row.tier) or row.id in target.looked_at


def _message(judgement: Judgement) -> str:
    return judgement.messages[0][:_LONGEST_MESSAGE]
