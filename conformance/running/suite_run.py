"""The suite's run inside pytest: select, plan, observe everything at once, then judge test by test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from conformance.contract import ContractError
from conformance.contract.model import Level, Requirement, Section
from conformance.evidence import EvidenceError
from conformance.gate.waivers import as_waived
from conformance.probes import ProbeError
from conformance.running.collecting import SuiteCollection, is_of_suite
from conformance.running.direct_judging import judged
from conformance.running.observed import Observed
from conformance.running.presenting import explanation, present, status_letter
from conformance.running.run import Run
from conformance.running.run_log import LogRows, extras_of, is_logged
from conformance.running.sending import NOT_YET, nothing_observed
from conformance.running.workers import WorkerReport, judgement_data, judgement_from
from conformance.suite.expect import CANNOT_JUDGE, Expect, Judgement, conclude
from conformance.suite.marks import CONTRACT, EXPECT, OBSERVATIONS, PROBES, REQUIREMENT
from conformance.suite.outcome import Outcome
from conformance.suite.selection import declared, derived, probes_of, requirement_of, wanted
from conformance.targets import TargetError
from conformance.wire import Exchange, RequestError, Unreachable

UNUSABLE = (ContractError, EvidenceError, ProbeError, RequestError, TargetError)
"""What may turn out to be unusable only when the plan is made or sent; not a defect of the suite."""
_PYTEST_USAGE_ERROR = 4
_OF_ANSWERS = frozenset({Section.TRANSPORT, Section.COMPLETION, Section.STREAM})
_WORKER = "conformance"


Observe = Callable[[Sequence[str]], Observed]
"""Gives what the run has seen of its target, for the names and globs of the probes that the tests look at."""


class SuiteRun:
    """The hooks of one run, and what it has come to so far.

    `observe` is called once, before the first test judges; without it, tests are only collected, or judge what
    `judge` is given. `judgements` has one entry a requirement; where several tests judge one, the worst outcome with
    all findings. `broken` has a line for each test that broke by itself: a defect of the suite. `unreachable` is the
    reason why nothing could be sent, `unusable` what made it impossible to go on.
    """

    def __init__(self, run: Run, observe: Observe | None = None) -> None:
        self.run = run
        self._observe = observe
        self.observed: Observed | None = None
        self.judgements: dict[str, Judgement] = {}
        self.broken: list[str] = []
        self.unreachable: str | None = None
        self.unusable: Exception | None = None
        self.needs: list[str] = []
        """Names and globs of the probes that the collected tests look at."""
        self.needs_of: dict[str, list[str]] = {}
        """The same for each selected requirement."""
        self.tests: dict[str, list[str]] = {}
        """The names of the test functions that judge each selected requirement."""
        self._interrupted: str | None = None
        self._items: list[pytest.Item] = []

    @property
    def unjudged(self) -> list[Requirement]:
        """What the run was asked for by its tier and `only`, and no collected test judges."""
        return [row for row in self.run.contract.requirements if self._wants(row) and row.id not in self.tests]

    def _wants(self, row: Requirement) -> bool:
        settings = self.run.settings
        return wanted(row, self.run.tier, settings.only, settings.exclude)

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges of the run, those of further rounds last."""
        return () if self.observed is None else self.observed.exchanges

    @property
    def interrupted(self) -> str | None:
        """Why sending ended early, here or in a worker; None where it did not."""
        return (self.observed and self.observed.interrupted) or self._interrupted

    # --- which tests run -------------------------------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        """Give the tests their contract, and collect the suite whatever an ini file says."""
        config.stash[CONTRACT] = self.run.contract
        config.pluginmanager.register(SuiteCollection())
        config.pluginmanager.register(LogRows(self.run.contract))

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each derived requirement, or each declared case, that a test function judges."""
        marker = metafunc.definition.get_closest_marker("keywords")
        rows: Iterable[Requirement] = ()
        if marker is not None and "keyword" in metafunc.fixturenames:
            name, rows = "keyword", derived(self.run.contract, marker.args[0])
        elif "declared_row" in metafunc.fixturenames:
            name, rows = "declared_row", declared(self.run.contract)
        else:
            return
        chosen = list(rows)
        metafunc.parametrize(name, chosen, ids=[row.id for row in chosen])

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Something broke outside of any test: in observing, or in pytest."""
        self.broken.append(excinfo.exconly())

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """A module of the suite that cannot be collected is a defect of the suite."""
        report = yield
        if report.failed and is_of_suite(collector.path):
            report.suite_broke = True  # type: ignore[attr-defined] # travels with the report, also from a worker
        return report

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what could not be collected."""
        if getattr(report, "suite_broke", False):
            self.broken.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what the profile, the tier and the user's selection want; tests of others stay as they are."""
        kept: list[pytest.Item] = []
        dropped: list[pytest.Item] = []
        for item in items:
            row = requirement_of(item, self.run.contract)
            if row is None:
                (dropped if _judges(item) else kept).append(item)
            elif self._wants(row):
                item.stash[REQUIREMENT] = row
                item.stash[PROBES] = probes_of(item, row)
                item.extra_keyword_matches.add(row.id)  # so that -k finds a requirement by its id
                kept.append(item)
            else:
                dropped.append(item)
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            items[:] = kept

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what the collected tests need."""
        for item in session.items:
            if REQUIREMENT in item.stash:
                probes = item.stash[PROBES]
                self.needs.extend(probes)
                self.needs_of.setdefault(item.stash[REQUIREMENT].id, []).extend(probes)
                self.tests.setdefault(item.stash[REQUIREMENT].id, []).append(item.name.split("[")[0])

    # --- observing -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Send everything that the selected tests need, before the first of them judges.

        Where the preflight shows that there is nothing to judge, no test runs.
        """
        config = session.config
        if config.option.collectonly or config.pluginmanager.hasplugin("dsession"):
            return None
        if self._observe is None or not self.needs:
            return None
        if session.testsfailed and not config.option.continue_on_collection_errors:
            return None  # pytest will refuse to run anything
        self._items = session.items
        self.observed = self._observed(self._observe)
        if self.observed.dialect is not None:
            self.run = replace(self.run, target=replace(self.run.target, dialect=self.observed.dialect))
        config.stash[OBSERVATIONS] = self.observed.observations
        return True if self.has_nothing_to_judge else None

    @property
    def has_nothing_to_judge(self) -> bool:
        """Whether the preflight showed that the setup cannot be judged."""
        problem = self.observed.problem if self.observed is not None else None
        return problem is not None and not problem.is_finding

    def _observed(self, observe: Observe) -> Observed:
        try:
            return observe(self.needs)
        except Unreachable as error:
            self.unreachable = self.run.redactor.text(str(error))
            return nothing_observed(self.run, self.needs, self.unreachable)
        except UNUSABLE as error:
            self.unusable = error
            pytest.exit(self.run.redactor.text(str(error)), returncode=_PYTEST_USAGE_ERROR)

    # --- judging ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Begin to judge; also when another plugin runs a test again."""
        if REQUIREMENT in item.stash:
            item.stash[EXPECT] = Expect(item.stash[REQUIREMENT])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn what a test expected, or why it could not, into the outcome of its requirement."""
        error = call.excinfo.value if call.excinfo else None
        ours = EXPECT in item.stash and (call.when == "call" or error is not None)
        stopped = error if isinstance(error, CANNOT_JUDGE) else None
        if ours and stopped is not None:
            # Nobody reads the traceback of a test that says why it cannot judge; making it costs 40 ms.
            call.excinfo = None
        report = yield
        if not ours:
            return report
        if error is not stopped:
            report.suite_broke = True  # type: ignore[attr-defined] # travels with the report, also from a worker
            report.longrepr = self.run.redactor.text(report.longreprtext)
            return report
        judgement = conclude(item.stash[EXPECT], stopped)
        report.judgement = judgement_data(judgement)  # type: ignore[attr-defined] # as above
        self.show(report, judgement, item)
        if call.when == "setup" and report.outcome == "passed":
            # The test must not run on without its fixtures.
            report.outcome = "skipped"
        return report

    def show(self, report: pytest.TestReport, judgement: Judgement, item: pytest.Item) -> None:
        """Make pytest's report on an item say what was judged, as the run's waivers let it stand."""
        shown = self.waived(judgement)
        passed = shown.outcome is Outcome.PASSED
        present(report, shown, "" if passed else self.run.redactor.text(explanation(shown)), item)
        if is_logged(item.config):
            report.extras = extras_of(shown, self.exchanges, self.run)  # type: ignore[attr-defined]

    def judge(self, run: Run, observed: Observed, items: Iterable[pytest.Item], config: pytest.Config) -> None:
        """Judge another run by tests that were collected for this one; of the same contract and tier."""
        self.run, self.observed, self.judgements = run, observed, {}
        config.stash[OBSERVATIONS] = observed.observations
        for item in items:
            assert isinstance(item, pytest.Function)
            try:
                self.keep(judged(item))
            except Exception as error:  # noqa: BLE001 - whatever a test raises is a defect of the suite
                self.broken.append(f"{item.nodeid}: {type(error).__name__}: {error}")

    def first_broken(self, observed: Observed) -> str | None:
        """A MUST that is broken, without a waiver, by what was seen so far; None where none is yet.

        What an answer breaks is certain at once. Requests and access are judged when every request that their tests
        look at has its answer: another one may explain a refusal.
        """
        for item in self._items:
            row = item.stash.get(REQUIREMENT, None)
            if row is None or row.level is not Level.MUST or not row.scored:
                continue
            probes = item.stash[PROBES]
            if row.section not in _OF_ANSWERS and observed.observations.unsent_because(NOT_YET, probes):
                continue
            item.config.stash[OBSERVATIONS] = observed.observations
            assert isinstance(item, pytest.Function)
            try:
                judgement = self.waived(judged(item))
            except Exception:  # noqa: BLE001, S112 - a defect of the suite, which the test's own turn reports
                continue
            if judgement.outcome is Outcome.FAILED:
                return row.id
        return None

    def waived(self, judgement: Judgement) -> Judgement:
        """A judgement as the run's waivers let it stand today."""
        return as_waived(judgement, self.run.waivers, self.run.today)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the judgements, also those that workers made."""
        if getattr(report, "suite_broke", False):
            self.broken.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")
        data = getattr(report, "judgement", None)
        if data is None:
            return
        self.keep(judgement_from(data, self.run.contract))

    def keep(self, judgement: Judgement) -> None:
        """Count a judgement as one of the run's."""
        known = self.judgements.get(judgement.requirement.id)
        self.judgements[judgement.requirement.id] = judgement if known is None else _both(known, judgement)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Show outcomes that pytest has no word for."""
        return status_letter(report)

    # --- among several processes -----------------------------------------------------------------------------------

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """In a worker: hand over what its reports do not contain."""
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[_WORKER] = WorkerReport(self.tests, self.unreachable, self.interrupted).data()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """In the process that started the workers: take over what one of them reports."""
        data = getattr(node, "workeroutput", {}).get(_WORKER)
        if data is None:
            return
        report = WorkerReport(**data)
        self.tests = self.tests or report.tests  # every worker collects the same
        self.unreachable = self.unreachable or report.unreachable
        self._interrupted = self._interrupted or report.interrupted


def _judges(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("requirement", "keywords"))


def _both(one: Judgement, other: Judgement) -> Judgement:
    order = list(Outcome)
    worst = min(one, other, key=lambda judgement: order.index(judgement.outcome))
    return Judgement(
        worst.requirement,
        worst.outcome,
        tuple(dict.fromkeys((*one.messages, *other.messages))),
        tuple(dict.fromkeys((*one.exchanges, *other.exchanges))),
        (*one.findings, *other.findings),
        blocked_by=worst.blocked_by,
        lacks=worst.lacks,
    )
