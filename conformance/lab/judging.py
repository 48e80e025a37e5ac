"""Judges lab targets in this process: the suite is collected once, and its tests are run for each of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks, gaps
from conformance.lab.observing import LEAN, Watched, idle_run, watched
from conformance.lab.targets import LabTarget
from conformance.running.pytest_session import run_pytest
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import Judgement
from conformance.suite.outcome import BROKEN

_LONGEST_MESSAGE = 400


class LabError(Exception):
    """The lab itself broke, so that nothing can be said of the suite; the message says where, and why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run against one target came to.

    `outcomes` has every requirement of the tier; `messages` the first message of each that has one. `seconds` is
    the time that observing and judging took, in which other targets may have been observed, too.
    """

    target: str
    outcomes: dict[str, str]
    messages: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    seconds: float = 0.0
    broken: tuple[str, ...] = ()
    """Defects of the suite itself that the run met."""
    gaps: tuple[str, ...] = ()
    """The checks of its evidence that failed."""
    tries: int = 1
    """How often it was judged; the last time counts."""

    @property
    def found(self) -> frozenset[str]:
        """The requirements that are broken."""
        return frozenset(name for name, outcome in self.outcomes.items() if outcome in BROKEN)


def see(targets: Sequence[LabTarget], keep: Path | None = None, checks: EvidenceChecks = NO_CHECKS) -> list[Seen]:
    """What the runs against these targets, all of one profile and tier, come to.

    Those that wait are observed at once, all others one by one. With `keep`, the evidence of each stays in a folder
    below it, named by `evidence_folder`. `checks` says how each run's evidence is checked.
    """
    if not targets:
        return []
    with TemporaryDirectory(prefix="chat-conformance-lab-") as scratch:
        suite_run = SuiteRun(idle_run(targets[0].profile, targets[0].tier))
        loop = _EveryTarget(suite_run, watched(targets, keep or Path(scratch)), checks)
        ended = run_pytest(suite_run, LEAN, loop)
    if len(loop.seen) < len(targets):
        why = suite_run.broken or ended.printed.strip().splitlines()[-15:]
        raise LabError(f"the lab broke at {targets[len(loop.seen)].id}: " + "; ".join(why))
    return loop.seen


def judge(suite_run: SuiteRun, one: Watched, items: Iterable[pytest.Item], config: pytest.Config) -> Seen:
    """What these tests, which a run of the suite has collected, come to on one target."""
    began, broken = time.monotonic(), len(suite_run.broken)
    suite_run.judge(one.run, one.observed, items, config)
    judgements = suite_run.judgements
    return Seen(
        target=one.target.id,
        outcomes={name: judgement.outcome.value for name, judgement in sorted(judgements.items())},
        messages={name: _message(judgement) for name, judgement in judgements.items() if judgement.messages},
        requests=len(one.observed.observations.exchanges),
        seconds=round(one.seconds + time.monotonic() - began, 3),
        broken=tuple(suite_run.broken[broken:]),
    )


class _EveryTarget:
    """Pytest's loop over the tests: judges each target by all that were collected."""

    def __init__(self, suite_run: SuiteRun, targets: Iterator[Watched], checks: EvidenceChecks) -> None:
        self._suite_run = suite_run
        self._targets = targets
        self._checks = checks
        self.seen: list[Seen] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Judge each target by all tests."""

        def judge_one(one: Watched) -> Seen:
            return judge(self._suite_run, one, session.items, session.config)

        for one in self._targets:
            seen = judge_one(one)
            self.seen.append(replace(seen, gaps=gaps(self._suite_run, judge_one, one, self._checks)))
        return True


def _message(judgement: Judgement) -> str:
    return judgement.messages[0][:_LONGEST_MESSAGE]
