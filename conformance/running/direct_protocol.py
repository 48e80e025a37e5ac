"""Runs the suite's tests in a pytest session of our own, without pytest's protocol around each of them.

That protocol sets up every fixture of every test anew, and calls some forty hooks that nobody but pytest itself has a
use for there: three quarters of the time that judging takes.
"""

from __future__ import annotations

import time

import pytest

from conformance.running.direct_judging import Shared, judged
from conformance.running.suite_run import SuiteRun
from conformance.suite.expect import Judgement
from conformance.suite.marks import REQUIREMENT


class DirectProtocol:
    """A plugin beside the run's own, for sessions with no other plugin that takes part in tests."""

    def __init__(self, suite_run: SuiteRun) -> None:
        self._suite_run = suite_run
        self._shared: Shared = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Judge by a test, and report it.

        A test that breaks by itself is left to pytest, which calls it again and shows where it broke.
        """
        if REQUIREMENT not in item.stash or not isinstance(item, pytest.Function):
            return None
        began = time.perf_counter()
        try:
            judgement = judged(item, self._shared)
        except Exception:  # noqa: BLE001 - whatever a test raises is a defect of the suite
            return None
        self._suite_run.keep(judgement)
        self._report(item, judgement, time.perf_counter() - began)
        return True

    def _report(self, item: pytest.Function, judgement: Judgement, duration: float) -> None:
        """Report a test as pytest would: pytest-html shows a test when it hears of its teardown."""
        call = _passed(item, "call", duration)
        self._suite_run.show(call, judgement, item)
        for report in (call, _passed(item, "teardown", 0.0)):
            item.ihook.pytest_runtest_logreport(report=report)


def _passed(item: pytest.Function, when: str, duration: float) -> pytest.TestReport:
    location = (item.nodeid.partition("::")[0], None, item.name)
    return pytest.TestReport(item.nodeid, location, {}, "passed", None, when, duration=duration)  # type: ignore[arg-type]
