"""What holds for every test: it is marked by what it needs, and left out where a program that it needs is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
from programs import PROGRAMS, left_out, missing

# A test may be slow because the machine is busy; that says nothing about what it tests.
hypothesis.settings.register_profile("tests", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("tests")

_INTERNET = ("AF_INET", "AF_INET6")
_PROCESSES = ("os.fork", "os.posix_spawn", "subprocess.Popen")
_COVERED_BY = {"network": {"clients", "lab"}, "process": {"lab", *PROGRAMS}}
"""Further markers that say as much."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-all-programs",
        action="store_true",
        help="fail where a program that some tests need is missing, instead of leaving these tests out",
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--require-all-programs") and (absent := missing()):
        raise pytest.UsageError("; ".join(f"the tests need {one.name}: {one.install}" for one in absent.values()))


_LONGEST = frozenset({"bundle", "certificates", "commands", "evidence", "lab", "pages", "registry", "watch"})
"""The folders whose tests take longest: they come first, so that no process waits for one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in _LONGEST)
    absent = missing()
    for item in items:
        for marker, program in absent.items():
            if item.get_closest_marker(marker) is not None:
                item.add_marker(pytest.mark.skip(reason=program.reason))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Iterator[None]:
    yield
    skipped = [report.longrepr for report in terminalreporter.stats.get("skipped", ())]
    line = left_out(reason[2] for reason in skipped if isinstance(reason, tuple))
    if line is not None:
        terminalreporter.write_line(line, yellow=True)


# --- a test that talks to a socket or starts a process says so -----------------------------------------------------

_used: set[str] = set()
"""The markers for what the running test did so far."""


def _notice(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.bind", "socket.connect"):
        if arguments[0].family.name in _INTERNET:
            _used.add("network")
    elif event in _PROCESSES:
        _used.add("process")


sys.addaudithook(_notice)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    _used.clear()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    marked = {marker.name for marker in item.iter_markers()}
    lacking = sorted(marker for marker in _used if not marked & {marker, *_COVERED_BY[marker]})
    if lacking:
        marks = ", ".join(f"pytest.mark.{marker}" for marker in lacking)
        pytest.fail(f"the test needs {marks}: it uses what this marker stands for", pytrace=False)
