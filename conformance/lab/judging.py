"""Judges lab targets in this process: the suite is collected once, and its tests are run for each of them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from _pytest.runner import runtestprotocol

from conformance.lab.evidence_checks import NO_CHECKS, EvidenceChecks, gaps
from conformance.lab.observing import LEAN, Watched, idle_session, watched
from conformance.lab.targets import LabTarget
from conformance.running.pytest_session import run_pytest
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import Judgement
from conformance.suite.marks import OBSERVATIONS
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
        run = _LabRun(targets[0], watched(targets, keep or Path(scratch)), checks)
        ended = run_pytest(run, LEAN)
    if len(run.seen) < len(targets):
        told = run.broken or ended.printed.strip().splitlines()[-15:]
        raise LabError(f"the lab broke at {targets[len(run.seen)].id}: " + "; ".join(told))
    return run.seen


class ManyTargets(SuiteRun):
    """A run of the suite that collects once, and judges what it is given, as often as it is asked to."""

    def __init__(self, target: LabTarget) -> None:
        """Collect what is judged of targets of this one's profile and tier."""
        super().__init__(idle_session(target.profile, target.tier))

    def judge(self, one: Watched, items: Iterable[pytest.Item], config: pytest.Config) -> Seen:
        """What these tests come to on one target."""
        began = time.monotonic()
        self.session, self.observations = one.session, one.observations
        self.judgements, broken = {}, len(self.broken)
        config.stash[OBSERVATIONS] = one.observations
        for item, following in pairwise((*items, None)):
            assert item is not None
            for report in runtestprotocol(item, log=False, nextitem=following):
                self.pytest_runtest_logreport(report)
        return Seen(
            target=one.target.id,
            outcomes={name: judgement.outcome.value for name, judgement in sorted(self.judgements.items())},
            messages={name: _message(judgement) for name, judgement in self.judgements.items() if judgement.messages},
            requests=len(one.observations.exchanges),
            seconds=round(one.seconds + time.monotonic() - began, 3),
            broken=tuple(self.broken[broken:]),
        )


class _LabRun(ManyTargets):
    """Judges each target by all tests."""

    def __init__(self, target: LabTarget, targets: Iterator[Watched], checks: EvidenceChecks) -> None:
        super().__init__(target)
        self._targets = targets
        self._checks = checks
        self.seen: list[Seen] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:  # type: ignore[override] # it runs the tests itself
        """Judge each target by all tests."""

        def judge(one: Watched) -> Seen:
            return self.judge(one, session.items, session.config)

        for one in self._targets:
            seen = judge(one)
            self.seen.append(replace(seen, gaps=gaps(self, judge, one, self._checks)))
        return True


def _message(judgement: Judgement) -> str:
    return judgement.messages[0][:_LONGEST_MESSAGE]
