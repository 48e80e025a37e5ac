"""Runs the suite under pytest, inside of this process and apart from any configuration around it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import conformance

if TYPE_CHECKING:
    from conformance.contract import Contract
    from conformance.running.run import Run
    from conformance.running.suite_run import SuiteRun
    from conformance.running.watch import Watch

_PACKAGE = Path(conformance.__file__).parent
_SUITE = _PACKAGE / "suite"
"""By its path: for the name of a package, pytest would load every conftest.py in and below the working directory."""
_UNNEEDED = (
    *("debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging", "pastebin", "recwarn", "setuponly"),
    *("setupplan", "stepwise", "subtests", "threadexception", "tmpdir", "unittest", "unraisableexception"),
)
"""Plugins of pytest that are about code under test, of which there is none; each takes part in every test."""
_REPORTERS = ("pytest_metadata.plugin", "pytest_html.plugin")


@dataclass(frozen=True, slots=True)
class Ended:
    """What is left of a pytest session: how it ended, and what it printed."""

    status: int
    printed: str

    @property
    def interrupted(self) -> bool:
        """Whether it was stopped from outside before its end."""
        return self.status == pytest.ExitCode.INTERRUPTED

    @property
    def failed(self) -> bool:
        """Whether pytest could not do its work."""
        return self.status in {pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR}


def judge(
    run: Run, watch: Watch | None = None, arguments: Sequence[str] = (), log: Path | None = None
) -> tuple[SuiteRun, Ended]:
    """Observe the target of a run, or read its evidence, and judge it by the tests that it selects.

    `log` is where the log of the tests is written.

    Raises:
        OSError: the log cannot be written.
    """
    from conformance.running.run_log import RunLog
    from conformance.running.sending import observe
    from conformance.running.suite_run import SuiteRun
    from conformance.running.watch import UNWATCHED

    suite_run = SuiteRun(run, lambda needs: observe(run, needs, watching))
    watching = watch or UNWATCHED
    if run.settings.fail_fast:
        watching = replace(watching, broken=suite_run.first_broken)
    if log is None:
        return suite_run, run_pytest(suite_run, arguments)
    run_log = RunLog(run)
    ended = run_pytest(suite_run, arguments, run_log)
    if suite_run.unusable is None:
        run_log.write(log)
    return suite_run, ended


def collect(run: Run, arguments: Sequence[str] = ()) -> tuple[SuiteRun, Ended]:
    """Collect the tests that a run selects, and what they need; sends nothing."""
    from conformance.running.suite_run import SuiteRun

    suite_run = SuiteRun(run)
    return suite_run, run_pytest(suite_run, [*arguments, "--collect-only"])


def judging_tests(contract: Contract, profile: str) -> dict[str, list[str]]:
    """The names of the test functions that judge each requirement, in any tier; `profile` as the user named it."""
    from conformance.contract.model import Tier
    from conformance.running.opening import collecting

    tests: dict[str, list[str]] = {}
    for tier in (Tier.EXHAUSTIVE, Tier.LOAD):  # between them they include every other
        suite_run, ended = collect(collecting(contract, profile, tier))
        if suite_run.broken or ended.failed:
            raise RuntimeError(f"the suite cannot be collected: {suite_run.broken or ended.printed}")
        tests |= suite_run.tests
    return tests


def run_pytest(suite_run: SuiteRun, arguments: Sequence[str], *plugins: object) -> Ended:
    """The suite under a pytest that nothing around it can change: no ini file, no conftest.py, no plugins but our own.

    It rewrites no assert: the tests judge by `expect`. `plugins` are further ones of ours, for example one that has its
    own loop over the tests.
    """
    fixed = [str(_SUITE), "-c", os.devnull, "--rootdir", str(_PACKAGE), "--confcutdir", str(_PACKAGE)]
    fixed += [
        "-p",
        "conformance.plugin",
        "-p",
        "no:cacheprovider",
        "--assert=plain",
        "--capture=no",
        "-q",
        *(word for name in _REPORTERS for word in ("-p", name)),
        *(word for name in _UNNEEDED for word in ("-p", f"no:{name}")),
    ]
    from conformance.running.direct_protocol import DirectProtocol

    printed = io.StringIO()
    with _isolated_environment(), contextlib.redirect_stdout(printed):
        status = pytest.main([*fixed, *arguments], plugins=[suite_run, DirectProtocol(suite_run), *plugins])
    return Ended(int(status), printed.getvalue())


@contextlib.contextmanager
def _isolated_environment() -> Iterator[None]:
    isolated = {"PYTEST_ADDOPTS": None, "PYTEST_PLUGINS": None, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = {name: os.environ.get(name) for name in isolated}
    _set(isolated)
    try:
        yield
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
