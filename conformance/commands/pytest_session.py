"""Runs the suite under pytest, inside of this process and apart from any configuration around it."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import conformance

if TYPE_CHECKING:
    from conformance.suite.run import SuiteRun


@dataclass(slots=True)
class Ended:
    """What is left of a pytest session: its configuration, and what it printed."""

    config: pytest.Config | None = None
    printed: str = ""


def run_pytest(suite_run: SuiteRun, arguments: list[str]) -> Ended:
    """The suite under a pytest that nothing around it can change: no ini file, no plugins but our own."""
    from conformance import plugin
    from conformance.plugin import RUN

    ended = Ended()

    class Registrar:
        def pytest_configure(self, config: pytest.Config) -> None:
            ended.config = config
            config.pluginmanager.register(suite_run, RUN)

    others = ("pytest_metadata.plugin", "pytest_html.plugin")
    fixed = ["--pyargs", "conformance.suite", "-c", os.devnull, "--rootdir", str(Path(conformance.__file__).parent)]
    fixed += ["-p", "no:cacheprovider", "--capture=no", "-q", *(word for name in others for word in ("-p", name))]
    printed = io.StringIO()
    with _isolated_environment(), contextlib.redirect_stdout(printed):
        pytest.main([*fixed, *arguments], plugins=[plugin, Registrar()])
    ended.printed = printed.getvalue()
    return ended


@contextlib.contextmanager
def _isolated_environment() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
