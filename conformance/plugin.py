"""The pytest plugin: turns `--profile` and its companions into a run of the suite, and its tests into a verdict.

It stays inert, and cheap to import, in every pytest session that does not ask for a profile.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.suite.run import SuiteRun
    from conformance.suite.settings import RunSettings
    from conformance.commands.finish import FinishedRun

RUN = "conformance-run"
"""The name under which the hooks of a run are registered with pytest."""
_WORKER = "conformance"
FINISHED = pytest.StashKey["FinishedRun"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("chat-conformance", "judge a chat-completions deployment (with --pyargs conformance.suite)")
    group.addoption("--profile", metavar="PROFILE", help="the contract: a shipped profile, or an OpenAPI document")
    with contextlib.suppress(ValueError):  # another plugin may have this option already, with the same meaning
        group.addoption("--base-url", metavar="URL", dest="base_url", help="what stands before the operation's path")
    group.addoption("--tier", choices=("smoke", "standard", "exhaustive"), default="standard", help="what may be spent")
    group.addoption("--conformance-out", metavar="DIR", help="where evidence and reports go (default: none is kept)")
    group.addoption("--conformance-waivers", metavar="FILE", help="accepted violations")
    group.addoption("--replay", metavar="DIR", help="judge the evidence of an earlier run again, without a network")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and become active where a run is asked for."""
    config.addinivalue_line("markers", "requirement(id, probes): the requirement that a test judges, by these probes")
    config.addinivalue_line("markers", "keywords(location, probes): judges each requirement derived from these schemas")
    if config.getoption("--profile") is not None and not config.pluginmanager.hasplugin(RUN):
        _register(config)


def _register(config: pytest.Config) -> None:
    from conformance.commands.failures import UsageFailure, as_usage_failures
    from conformance.suite.run import SuiteRun
    from conformance.suite.session import open_session

    cleanup = contextlib.ExitStack()
    config.add_cleanup(cleanup.close)
    handed_down: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_WORKER)
    scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="chat-conformance-")))
    try:
        with as_usage_failures():
            settings = _settings(config, scratch)
            if handed_down is not None:
                settings = replace(settings, out=Path(handed_down["out"]))
            session = cleanup.enter_context(open_session(settings, os.environ, handed_down and handed_down["target"]))
    except UsageFailure as failure:
        raise pytest.UsageError(str(failure)) from failure
    config.pluginmanager.register(SuiteRun(session), RUN)


def _settings(config: pytest.Config, scratch: Path) -> RunSettings:
    from conformance.contract.model import Tier
    from conformance.suite.settings import RunSettings

    out, waivers, replay = (config.getoption(name) for name in ("conformance_out", "conformance_waivers", "replay"))
    return RunSettings(
        profile=config.getoption("profile"),
        base_url=config.getoption("base_url") or None,
        tier=Tier(config.getoption("tier")),
        out=Path(out) if out else scratch,
        waivers=Path(waivers) if waivers else None,
        replay=Path(replay) if replay else None,
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the target and the place of the evidence down to a worker of pytest-xdist."""
    run: SuiteRun | None = node.config.pluginmanager.get_plugin(RUN)
    if run is not None:
        node.workerinput[_WORKER] = {
            "out": str(run.session.settings.out),
            "target": run.session.target_data,
        }


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Decide the verdict; a run that could not decide all that it selected is never a success."""
    run: SuiteRun | None = session.config.pluginmanager.get_plugin(RUN)
    if run is None or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    from conformance.commands.finish import finish

    kept = session.config.getoption("conformance_out") is not None
    finished = finish(run, interrupted=exitstatus == pytest.ExitCode.INTERRUPTED, write=kept)
    session.config.stash[FINISHED] = finished
    if exitstatus == pytest.ExitCode.OK and finished.undecided:
        session.exitstatus = 3
    if run.broken:
        session.exitstatus = 4


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say the verdict, and why."""
    finished = config.stash.get(FINISHED, None)
    if finished is None:
        return
    terminalreporter.section(f"verdict: {finished.results.verdict}")
    for reason in finished.results.reasons:
        terminalreporter.write_line(reason)
    for name, path in finished.written.items():
        terminalreporter.write_line(f"{name}: {path}")


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: Any) -> None:
    """Give the run log its title."""
    report.title = "chat-conformance: run log"
