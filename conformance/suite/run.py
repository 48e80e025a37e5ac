"""The suite's run inside pytest: select, plan, observe everything at once, then judge test by test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

import pytest

from conformance.contract.model import Requirement
from conformance.evidence import FILE_NAME as EVIDENCE_FILE
from conformance.evidence import read_evidence
from conformance.suite.expect import JUDGED, Expect, Judgement, conclude
from conformance.suite.observations import Observations
from conformance.suite.outcome import Outcome
from conformance.suite.selection import declared, derived, probes_of, requirement_of, wanted
from conformance.suite.session import Session
from conformance.suite.stash import CONTRACT, EXPECT, OBSERVATIONS, PROBES, REQUIREMENT
from conformance.suite.transfer import judgement_data, judgement_from
from conformance.wire import Unreachable

_AS_SKIPPED = (Outcome.INCONCLUSIVE, Outcome.UNTESTED, Outcome.SKIPPED, Outcome.WAIVED)
_LETTERS = {
    Outcome.WARNING: ("warning", "w", ("WARNING", {"yellow": True})),
    Outcome.INCONCLUSIVE: ("inconclusive", "i", ("INCONCLUSIVE", {"yellow": True})),
    Outcome.UNTESTED: ("untested", "u", ("UNTESTED", {"yellow": True})),
}

Progress = Callable[[int, int], None]


class SuiteRun:
    """The hooks of one run, and what it has come to so far.

    `judgements` has one entry a requirement; where several tests judge one, the worst outcome with all findings.
    `broken` has a line for each test that broke by itself: a defect of the suite. `unreachable` is the reason why
    nothing could be sent.
    """

    def __init__(self, session: Session, progress: Progress | None = None) -> None:
        self.session = session
        self.progress = progress
        self.judgements: dict[str, Judgement] = {}
        self.broken: list[str] = []
        self.unreachable: str | None = None
        self.deselected = False
        self.needs: list[str] = []
        """Names and globs of the probes that the collected tests look at."""
        self.tests: dict[str, list[str]] = {}
        """The names of the test functions that judge each requirement."""
        self.observations: Observations | None = None

    # --- which tests run -------------------------------------------------------------------------------------------

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One item for each derived requirement, or each declared case, that a test function judges."""
        rows: Iterable[Requirement] = ()
        if "keyword" in metafunc.fixturenames:
            marker = next(metafunc.definition.iter_markers("keywords"))
            rows = derived(self.session.contract, marker.args[0])
        elif "declared_row" in metafunc.fixturenames:
            rows = declared(self.session.contract)
        else:
            return
        name = "keyword" if "keyword" in metafunc.fixturenames else "declared_row"
        chosen = list(rows)
        metafunc.parametrize(name, chosen, ids=[row.id for row in chosen])

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Something broke outside of any test: in observing, or in pytest."""
        self.broken.append(excinfo.exconly())

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A test module that cannot be collected is a defect of the suite."""
        if report.failed:
            self.broken.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep what the profile, the tier and the user's selection want; tests of others stay as they are."""
        kept, dropped = [], []
        for item in items:
            row = requirement_of(item, self.session.contract)
            if row is None:
                (kept if not _judges(item) else dropped).append(item)
            elif wanted(row, self.session.settings.only, self.session.tier):
                item.stash[REQUIREMENT] = row
                item.stash[PROBES] = probes_of(item, row)
                item.stash[EXPECT] = Expect(row)
                kept.append(item)
            else:
                dropped.append(item)
        if dropped:
            items[:] = kept

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note what the collected tests need."""
        for item in session.items:
            if REQUIREMENT in item.stash:
                self.needs += item.stash[PROBES]
                self.tests.setdefault(item.stash[REQUIREMENT].id, []).append(item.name.split("[")[0])

    def pytest_deselected(self, items: Iterable[pytest.Item]) -> None:
        """Remember that `-k`, `--lf` or their like took judging tests away."""
        self.deselected = self.deselected or any(REQUIREMENT in item.stash for item in items)

    # --- observing -------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Send everything that the selected tests need, before the first of them judges."""
        config = session.config
        if config.option.collectonly or config.pluginmanager.hasplugin("dsession") or not self.needs:
            return
        self.observations = self._observe(config, self.needs)
        config.stash[CONTRACT] = self.session.contract
        config.stash[OBSERVATIONS] = self.observations

    def _observe(self, config: pytest.Config, needs: list[str]) -> Observations:
        worker = getattr(config, "workerinput", None)
        try:
            if worker is None:
                return self.session.observe(needs, self.progress)
            return self._observe_with_others(needs)
        except Unreachable as error:
            self.unreachable = str(error)
            return self.session.unreachable(needs, str(error))

    def _observe_with_others(self, needs: list[str]) -> Observations:
        """Among the workers of pytest-xdist, the first one sends, and the others read what it recorded."""
        from filelock import FileLock  # noqa: PLC0415 - only for pytest-xdist

        directory = self.session.evidence_directory
        directory.mkdir(parents=True, exist_ok=True)
        done = directory / "observed"
        with FileLock(directory / "lock"):
            if not done.exists():
                try:
                    return self.session.observe(needs)
                finally:
                    done.touch()
        if not (directory / EVIDENCE_FILE).exists():
            raise Unreachable("The target could not be reached.")
        return self.session.readable(read_evidence(directory))

    # --- judging ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn what a test expected, or why it could not, into the outcome of its requirement."""
        report = yield
        error = call.excinfo.value if call.excinfo else None
        if EXPECT not in item.stash or (call.when != "call" and error is None):
            return report
        if error is not None and not isinstance(error, JUDGED):
            report.suite_broke = True  # type: ignore[attr-defined] # travels with the report, also from a worker
            report.longrepr = self.session.redactor.text(report.longreprtext)
            return report
        judgement = conclude(item.stash[EXPECT], error)
        report.when = "call"
        report.judgement = judgement_data(judgement)  # type: ignore[attr-defined] # as above
        report.user_properties.extend(_properties(judgement))
        self._present(report, judgement, item)
        if call.when == "setup" and report.outcome == "passed":
            # The test must not run on without its fixtures.
            report.outcome = "skipped"
        return report

    def _present(self, report: pytest.TestReport, judgement: Judgement, item: pytest.Item) -> None:
        text = self.session.redactor.text("\n".join(_explanation(judgement)))
        if judgement.outcome is Outcome.FAILED:
            report.outcome, report.longrepr = "failed", text
        elif judgement.outcome in _AS_SKIPPED:
            path, line, _ = item.location
            report.outcome, report.longrepr = "skipped", (path, (line or 0) + 1, f"{judgement.outcome}: {text}")
        else:
            report.outcome, report.longrepr = "passed", None
            if judgement.outcome is Outcome.WARNING:
                report.sections.append(("Warning", text))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the judgements, also those that workers made."""
        if getattr(report, "suite_broke", False):
            self.broken.append(f"{report.nodeid}: {report.longreprtext.strip().splitlines()[-1]}")
        data = getattr(report, "judgement", None)
        if data is None:
            return
        judgement = judgement_from(data, self.session.contract)
        known = self.judgements.get(judgement.requirement.id)
        self.judgements[judgement.requirement.id] = judgement if known is None else _both(known, judgement)

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, Any] | None:
        """Show outcomes that pytest has no word for."""
        data = getattr(report, "judgement", None)
        return None if data is None else _LETTERS.get(Outcome(data["outcome"]))


def _judges(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("requirement", "keywords"))


def _properties(judgement: Judgement) -> list[tuple[str, object]]:
    row = judgement.requirement
    return [
        ("requirement", row.id),
        ("level", row.level.value),
        ("outcome", judgement.outcome.value),
        ("source", f"{row.source.document}, {row.source.place} ({row.source.basis.value})"),
    ]


def _explanation(judgement: Judgement) -> list[str]:
    row = judgement.requirement
    return [
        f"{row.id} ({row.level.value}): {row.statement}",
        f"source: {row.source.title or row.source.document}, {row.source.place} ({row.source.basis.value})",
        *judgement.messages,
    ]


def _both(one: Judgement, other: Judgement) -> Judgement:
    order = list(Outcome)
    worst = min(one, other, key=lambda judgement: order.index(judgement.outcome))
    return Judgement(
        worst.requirement,
        worst.outcome,
        tuple(dict.fromkeys((*one.messages, *other.messages))),
        tuple(dict.fromkeys((*one.exchanges, *other.exchanges))),
        (*one.findings, *other.findings),
    )
