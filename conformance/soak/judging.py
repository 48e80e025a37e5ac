"""Judges one answer at a time by the suite's own tests, which are collected once."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import pytest

from conformance.contract.model import Requirement
from conformance.probes import Plan, Probe
from conformance.probes.canaries import canaries_in, number_of
from conformance.quoting import quoted
from conformance.running.direct_judging import Shared, judged
from conformance.running.opening import collecting
from conformance.running.pytest_session import run_pytest
from conformance.running.run import Run
from conformance.running.suite_run import SuiteRun
from conformance.soak.mixture import Mixture
from conformance.soak.requirements import BY_TIME, OWN_ANSWER, is_judged_alone
from conformance.suite.cross_talk import answer_texts
from conformance.suite.expect import Judgement
from conformance.suite.marks import OBSERVATIONS, PROBES, REQUIREMENT
from conformance.suite.observations import Answered, Observations
from conformance.suite.outcome import BROKEN, Finding, Outcome
from conformance.suite.readers import Readers
from conformance.wire import Exchange

_FOR_ANY_PROBE: Final = ("error.load-*", "error.retry-after")
"""Requirements of refusals for load, which may come for any request."""


class SoakError(Exception):
    """The soak itself broke, so that it says nothing about the target; the message is one sentence."""


class OneAnswer(Observations):
    """One exchange as all that was observed, of a target that answers others."""

    @cached_property
    def target_answers(self) -> bool:
        """Whether any request was answered: the first of a soak was, or there is none."""
        return True


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """What was decided by one answer: the requirements that it decides, and what is wrong with it."""

    observations: Observations
    decided: tuple[str, ...]
    broken: tuple[tuple[Requirement, Finding], ...]
    """Each broken requirement with its first finding."""
    foreign: bool | None = None
    """Whether it has words of another request; None where it has no text."""


class AnswerJudge:
    """The suite's tests that one answer alone decides, for the requests of a mixture."""

    def __init__(self, run: Run, mixture: Mixture) -> None:
        """Collect the tests.

        Raises:
            SoakError: they cannot be collected.
        """
        self._contract = run.contract
        self._mixture = mixture
        self._readers = Readers(run.contract)
        self._own_answer = run.contract.requirement(OWN_ANSWER)
        self._config, items = _collected(run)
        names = [probe.name for probe in mixture.probes]
        self._items = {name: [item for item in items if _looks_at(item, name)] for name in names}

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What is judged, in the contract's order."""
        judged_ids = {item.stash[REQUIREMENT].id for items in self._items.values() for item in items}
        judged_ids |= {OWN_ANSWER}
        return tuple(row for row in self._contract.requirements if row.id in judged_ids)

    def judge(self, probe: Probe, number: int, exchange: Exchange) -> JudgedAnswer:
        """Judge the answer to the nth request, from which secrets were taken out.

        Where the sender was late meanwhile, what times decide is left open.

        Raises:
            SoakError: a test broke by itself.
        """
        seen = OneAnswer(self._contract, Plan((probe,)), [exchange], {}, readers=self._readers.fresh())
        self._config.stash[OBSERVATIONS] = seen
        decided, broken, shared = [], [], Shared()
        for item in self._items[probe.name]:
            if exchange.held_up and item.stash[REQUIREMENT].id in BY_TIME:
                continue
            judgement = _judged(item, shared)
            if judgement.outcome in BROKEN:
                broken.append((judgement.requirement, judgement.findings[0]))
            elif judgement.outcome is not Outcome.PASSED:
                continue
            decided.append(judgement.requirement.id)
        foreign = self._foreign(probe, number, seen)
        if foreign is not None and self._own_answer is not None:
            decided.append(OWN_ANSWER)
            if foreign:
                broken.append((self._own_answer, foreign[0]))
        return JudgedAnswer(seen, tuple(decided), tuple(broken), None if foreign is None else bool(foreign))

    def _foreign(self, probe: Probe, number: int, seen: Observations) -> list[Finding] | None:
        """A finding for each word of another request of this soak in the answer; None where it has no text."""
        found = [one for one in (seen.outcome_of(probe),) if isinstance(one, Answered)]
        texts = list(answer_texts(found, seen))
        if not texts:
            return None
        findings = []
        for word in sorted(canaries_in(texts[0].text)):
            owner = number_of(self._mixture.seed, word)
            if owner is not None and owner != number:
                actual = f"{quoted(word)}, which only the request {self._mixture.name_of(owner)} has"
                findings.append(Finding(OWN_ANSWER, found[0].id, "an answer to its own request", actual))
        return findings


def _judged(item: pytest.Function, shared: Shared) -> Judgement:
    try:
        return judged(item, shared)
    except Exception as error:
        raise SoakError(f"a test of the suite broke: {item.name}: {type(error).__name__}: {error}") from error


class _Collection:
    """Keeps the tests that pytest has collected, and runs none of them."""

    def __init__(self) -> None:
        self.items: Sequence[pytest.Item] = ()
        self.config: pytest.Config | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Take the tests over."""
        self.items, self.config = session.items, session.config
        return True


def _collected(run: Run) -> tuple[pytest.Config, list[pytest.Function]]:
    suite_run = SuiteRun(collecting(run.contract, run.settings.profile, run.tier))
    kept = _Collection()
    ended = run_pytest(suite_run, (), kept)
    if kept.config is None or suite_run.broken:
        why = suite_run.broken or ended.printed.strip().splitlines()[-1:]
        raise SoakError(f"the suite cannot be collected: {'; '.join(why)}")
    return kept.config, list(_alone(kept.items))


def _alone(items: Sequence[pytest.Item]) -> Iterator[pytest.Function]:
    for item in items:
        row = item.stash.get(REQUIREMENT, None)
        if row is not None and isinstance(item, pytest.Function) and is_judged_alone(row.id, row.section):
            yield item


def _looks_at(item: pytest.Function, probe: str) -> bool:
    """Whether a test looks at the answer to a probe."""
    if any(fnmatch.fnmatchcase(item.stash[REQUIREMENT].id, name) for name in _FOR_ANY_PROBE):
        return True
    return any(fnmatch.fnmatchcase(probe, pattern) for pattern in item.stash[PROBES])
