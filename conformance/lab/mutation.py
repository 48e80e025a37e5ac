"""Mutates the suite: removes and inverts each of its test functions, and checks whether the lab's rules notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from conformance.lab.judging import JudgedTarget, LabError, judge
from conformance.lab.kill_matrix import changes, expectation
from conformance.lab.observing import ObservedTarget, idle_run, observed_targets
from conformance.lab.share import WHOLE, Share
from conformance.lab.targets import CONTROLS, LabTarget, contract_of, targets_of
from conformance.running.pytest_session import run_pytest
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import NotTestable
from conformance.suite.marks import EXPECT, REQUIREMENT
from conformance.suite.outcome import BROKEN, Finding

_TRIES = 6
"""Faults that are tried for one test before it counts as one that the lab would not miss."""


class SuiteMutation(StrEnum):
    """What is done to a test function."""

    REMOVED = "removed"
    INVERTED = "inverted"
    """It has a finding where it had none, and none where it had one."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One test function of the suite with one mutation, and the target that revealed it; None if none did."""

    test: str
    mutation: SuiteMutation
    revealed_by: str | None

    @property
    def survived(self) -> bool:
        """Whether the lab did not notice the mutation."""
        return self.revealed_by is None


Progress = Callable[[int, int], None]


def mutants_of(profile: str, progress: Progress | None = None, share: Share = WHOLE) -> list[Mutant]:
    """Every mutant of every test function that judges a profile, or of a share of them, each judged by the lab's rules.

    Only the requirements that its test judges can reveal a mutant: all other outcomes stay as they are. The control is
    judged first, then faults that break one of these requirements; each is observed once.

    Raises:
        LabError: the suite could not be run.
    """
    mutants: dict[tuple[str, SuiteMutation], Mutant] = {}
    for tier in dict.fromkeys(CONTROLS.values()):
        control = next(target for target in targets_of(profile) if target.fault is None and target.tier is tier)
        # What survived in a smaller tier may be revealed by a fault that only a larger tier looks for.
        known = frozenset(test for test, _ in mutants) - {one.test for one in mutants.values() if one.survived}
        with TemporaryDirectory(prefix="chat-conformance-mutants-") as folder:
            suite_run = SuiteRun(idle_run(profile, tier))
            loop = _EveryMutant(suite_run, control, Path(folder), known, share, progress)
            ended = run_pytest(suite_run, (), loop)
        if not loop.finished:
            raise LabError("; ".join(suite_run.broken or ended.printed.strip().splitlines()[-15:]))
        for one in loop.mutants:
            before = mutants.get((one.test, one.mutation))
            if before is None or before.survived:
                mutants[one.test, one.mutation] = one
    return list(mutants.values())


class _EveryMutant:
    """Pytest's loop over the tests: judges each mutant of each test function of a share that is not a `known` one."""

    def __init__(
        self,
        suite_run: SuiteRun,
        control: LabTarget,
        folder: Path,
        known: frozenset[str],
        share: Share,
        progress: Progress | None,
    ) -> None:
        self._suite_run = suite_run
        self._control = control
        self._folder = folder
        self._known = known
        self._share = share
        self._report = progress
        self._seen: dict[str, ObservedTarget] = {}
        self._config: pytest.Config
        self.mutants: list[Mutant] = []
        self.finished = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Mutate one test function after another."""
        self._config = session.config
        functions = _by_function(session.items)
        # Each tier has other tests; those of a share are the same in all of them.
        tests = {name: own for name, own in functions.items() if self._share.has(name) and name not in self._known}
        for number, (name, own) in enumerate(tests.items()):
            judged = {item.stash[REQUIREMENT].id for item in own}
            related = [item for item in session.items if item.stash[REQUIREMENT].id in judged]
            for mutation in SuiteMutation:
                self.mutants.append(Mutant(name, mutation, self._revealed_by(own, related, judged, mutation)))
            if self._report is not None:
                self._report(number + 1, len(tests))
        self.finished = True
        return True

    def _revealed_by(
        self, own: Sequence[pytest.Item], related: Sequence[pytest.Item], judged: set[str], mutation: SuiteMutation
    ) -> str | None:
        """The first target that violates a rule of the lab under this mutation."""
        control = self._outcomes(self._control, own, related, mutation)
        if any(outcome in BROKEN or outcome == "inconclusive" for outcome in control.values()):
            return self._control.id
        for target in self._candidates(judged):
            outcomes = self._outcomes(target, own, related, mutation)
            if _violates_a_rule(target, control, outcomes, judged):
                return target.id
        return None

    def _candidates(self, judged: set[str]) -> Iterator[LabTarget]:
        """Faults of this tier that break one of these requirements, those with the fewest effects first."""
        targets = [
            target
            for target in targets_of(self._control.profile)
            if target.tier is self._control.tier and target.fault is not None and judged & set(target.fault.breaks)
        ]
        targets.sort(key=lambda target: (target.waits, len(target.fault.effects) if target.fault else 0))
        yield from targets[:_TRIES]

    def _outcomes(
        self, target: LabTarget, own: Sequence[pytest.Item], related: Sequence[pytest.Item], mutation: SuiteMutation
    ) -> Mapping[str, str]:
        if mutation is SuiteMutation.REMOVED:
            return self._judged(target, [item for item in related if item not in own]).outcomes
        with _inverted(own):
            return self._judged(target, related).outcomes

    def _judged(self, target: LabTarget, items: Sequence[pytest.Item]) -> JudgedTarget:
        if target.id not in self._seen:
            self._seen[target.id] = next(observed_targets([target], self._folder))
        return judge(self._suite_run, self._seen[target.id], items, self._config)


def _by_function(items: Sequence[pytest.Item]) -> Mapping[str, list[pytest.Item]]:
    found: dict[str, list[pytest.Item]] = {}
    for item in items:
        if REQUIREMENT in item.stash:
            found.setdefault(item.nodeid.partition("[")[0].rpartition("/")[2], []).append(item)
    return found


def _violates_a_rule(
    target: LabTarget, control: Mapping[str, str], outcomes: Mapping[str, str], judged: set[str]
) -> bool:
    """Whether a fault is not caught, or changes what it does not declare, among these requirements."""
    assert target.fault is not None
    expected = {
        name: outcome
        for name, outcome in expectation(target.fault, contract_of(target.profile)).items()
        if name in judged
    }
    changed = {name: outcome for name, outcome in changes(control, outcomes) if name not in target.fault.may}
    return changed != expected


class _inverted:  # noqa: N801 - used as a function
    """Inverts the functions of tests while the context lasts."""

    def __init__(self, items: Sequence[pytest.Item]) -> None:
        self._items = [item for item in items if isinstance(item, pytest.Function)]
        self._before: list[Any] = []

    def __enter__(self) -> None:
        self._before = [item.obj for item in self._items]
        for item in self._items:
            item.obj = _inverted_function(item, item.obj)

    def __exit__(self, *_: object) -> None:
        for item, function in zip(self._items, self._before, strict=True):
            item.obj = function


def _inverted_function(item: pytest.Function, function: Callable[..., Any]) -> Callable[..., Any]:
    def inverted(*arguments: Any, **named: Any) -> None:
        expect = item.stash[EXPECT]
        try:
            function(*arguments, **named)
        except NotTestable:
            expect.judged += 1  # the requirement would have been broken
            expect.findings.clear()
            return
        if expect.findings:
            expect.findings.clear()
        else:
            expect.judged += 1
            expect.findings.append(Finding(expect.requirement.id, None, "the opposite", "what was expected"))

    return inverted
