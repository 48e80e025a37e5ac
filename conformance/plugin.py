"""The pytest plugin: turns `--profile` and its companions into a run of the suite, and its tests into a verdict.

It stays inert, and cheap to import, in every pytest session that does not ask for a profile.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conformance.running.finish import FinishedRun
    from conformance.running.run import RunSettings
    from conformance.running.suite_run import SuiteRun

RUN = "conformance-run"
"""The name under which a run is registered with pytest."""
FINISHED: pytest.StashKey[FinishedRun] = pytest.StashKey()
MEETING_PLACE: pytest.StashKey[Path] = pytest.StashKey()
"""The folder that the workers of pytest-xdist share, where there are any."""
_WORKER = "conformance"
_PREFIX = "--conformance-"
_OPTIONS: dict[str, dict[str, Any]] = {
    "profile": {"metavar": "PROFILE", "help": "the contract: a shipped profile, or an OpenAPI document"},
    "base-url": {"metavar": "URL", "help": "what stands before the operation's path"},
    "tier": {"choices": ("smoke", "standard", "exhaustive", "load"), "help": "what may be spent"},
    "replay": {"metavar": "DIR", "help": "judge the evidence of an earlier run again, without a network"},
    "out": {"metavar": "DIR", "help": "where evidence and reports go (default: none is kept)"},
    "waivers": {"metavar": "FILE", "help": "accepted violations"},
}
_SHORT = ("profile", "base-url", "tier", "replay")
"""The options that have a short name as well, where no other plugin has it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite by names that nobody else has."""
    group = parser.getgroup("chat-conformance", "judge a chat-completions deployment (with --pyargs conformance.suite)")
    for name, attributes in _OPTIONS.items():
        group.addoption(f"{_PREFIX}{name}", dest=_dest(name), default=None, **attributes)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(parser: pytest.Parser) -> Generator[None]:
    """Add the short names that are still free once every other plugin, and the user's conftest, has added its own."""
    yield
    groups = (*parser._groups, parser._anonymous)  # what is taken is not public
    taken = {name for group in groups for option in group.options for name in option.names()}
    group = parser.getgroup("chat-conformance")
    for name in _SHORT:
        if f"--{name}" not in taken:
            attributes = {**_OPTIONS[name], "help": f"the same as {_PREFIX}{name}"}
            group.addoption(f"--{name}", dest=_dest(name), default=None, **attributes)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, and become active where a run is asked for."""
    config.addinivalue_line("markers", "requirement(id, probes): the requirement that a test judges, by these probes")
    config.addinivalue_line("markers", "keywords(location, probes): judges each requirement derived from these schemas")
    if _option(config, "profile") is not None and not config.pluginmanager.hasplugin(RUN):
        _register(config)


def _dest(name: str) -> str:
    return f"conformance_{name.replace('-', '_')}"


def _option(config: pytest.Config, name: str) -> str | None:
    value: str | None = getattr(config.option, _dest(name), None)
    return value or None


def _register(config: pytest.Config) -> None:
    import tempfile
    from dataclasses import replace

    from conformance.running.opening import open_run
    from conformance.running.sending import observe
    from conformance.running.suite_run import SuiteRun
    from conformance.running.workers import observe_once
    from conformance.terminal.exits import UsageFailure, as_usage_failures

    cleanup = contextlib.ExitStack()
    config.add_cleanup(cleanup.close)
    handed_down: dict[str, Any] | None = getattr(config, "workerinput", {}).get(_WORKER)
    try:
        with as_usage_failures():
            settings = _settings(config)
            if handed_down is None:
                scratch = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="chat-conformance-")))
                opening = open_run(replace(settings, out=settings.out or scratch), os.environ)
            else:
                scratch = Path(handed_down["meeting_place"])
                opening = open_run(replace(settings, out=Path(handed_down["out"])), os.environ, handed_down["target"])
            run = cleanup.enter_context(opening)
    except UsageFailure as failure:
        raise pytest.UsageError(str(failure)) from failure
    together = handed_down is not None or bool(getattr(config.option, "tx", None))
    if together:
        config.stash[MEETING_PLACE] = scratch
        suite_run = SuiteRun(run, lambda needs: observe_once(run, needs, scratch))
    else:
        suite_run = SuiteRun(run, lambda needs: observe(run, needs))
    config.pluginmanager.register(suite_run, RUN)


def _settings(config: pytest.Config) -> RunSettings:

    from conformance.contract.model import Tier
    from conformance.running.run import RunSettings

    out, waivers, replay = (_option(config, name) for name in ("out", "waivers", "replay"))
    # Another plugin's --base-url means the same.
    others: str | None = config.getoption("--base-url", default=None)
    return RunSettings(
        profile=_option(config, "profile") or "",
        base_url=_option(config, "base-url") or others or None,
        tier=Tier(_option(config, "tier") or Tier.STANDARD),
        out=Path(out) if out else None,
        waivers=Path(waivers) if waivers else None,
        replay=Path(replay) if replay else None,
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the target and the place of the evidence down to a worker of pytest-xdist."""
    suite_run: SuiteRun | None = node.config.pluginmanager.get_plugin(RUN)
    if suite_run is not None:
        node.workerinput[_WORKER] = {
            "out": str(suite_run.run.settings.out),
            "meeting_place": str(node.config.stash[MEETING_PLACE]),
            "target": suite_run.run.target_data,
        }


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Decide the verdict; a run that could not decide all that it selected is never a success."""
    suite_run: SuiteRun | None = session.config.pluginmanager.get_plugin(RUN)
    if suite_run is None or hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    if not suite_run.judgements and not suite_run.broken and not suite_run.has_nothing_to_judge:
        return  # nothing was selected, or pytest was stopped before: its own status says so
    from conformance.running.finish import finish
    from conformance.running.observed import read_back
    from conformance.terminal.exits import UsageFailure, as_usage_failures

    interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
    kept = _option(session.config, "out") is not None
    try:
        with as_usage_failures():
            if suite_run.observed is None and MEETING_PLACE in session.config.stash:
                suite_run.observed = read_back(suite_run.run)
            finished = finish(suite_run, interrupted=interrupted, write=kept, selected_by_pytest=True)
    except UsageFailure as failure:
        raise pytest.UsageError(str(failure)) from failure
    session.config.stash[FINISHED] = finished
    if exitstatus == pytest.ExitCode.OK and finished.undecided:
        session.exitstatus = 3
    gate = finished.results.gate
    if exitstatus == pytest.ExitCode.OK and gate is not None and gate.status == "failed":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if suite_run.broken:
        session.exitstatus = 4


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say the verdict, and why."""
    finished = config.stash.get(FINISHED, None)
    if finished is None:
        return
    terminalreporter.section(f"verdict: {finished.results.verdict}")
    from conformance.quoting import log_line

    gate = finished.results.gate
    for sentence in (*finished.results.reasons, *(gate.reasons if gate else ())):
        terminalreporter.write_line(log_line(sentence))
    for name, path in finished.written.items():
        terminalreporter.write_line(f"{name}: {path}")
