"""Programs that some tests need beside Python: which marker stands for each, and how to get it."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
NODE_CLIENT = Path(__file__).parents[1] / "witnesses" / "node" / "node_modules" / "openai"


@dataclass(frozen=True)
class Program:
    """A program, and the command that installs it."""

    name: str
    install: str
    is_present: Callable[[], bool]

    @property
    def reason(self) -> str:
        """Why a test that needs it is left out."""
        return f"needs {self.name} ({self.install})"


def chromium() -> str | None:
    """The path of Chromium or Chrome, whichever the system has."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def any_client() -> bool:
    """Whether a client is installed that needs to be."""
    from conformance.clients.environments import cache_folder  # noqa: PLC0415 - most sessions do not need it

    return any(cache_folder().glob("*/installed.json"))


PROGRAMS: Mapping[str, Program] = {
    "browser": Program("Chromium", "apt-get install chromium", lambda: chromium() is not None),
    "clients": Program("a client", "chat-conformance clients --install", any_client),
    "dask": Program(
        "Dask", "pip install 'chat-conformance[fleet]'", lambda: importlib.util.find_spec("distributed") is not None
    ),
    "curl": Program("curl", "apt-get install curl", lambda: shutil.which("curl") is not None),
    "node": Program(
        "Node 20 with its OpenAI client",
        "npm ci --prefix tests/witnesses/node",
        lambda: shutil.which("node") is not None and NODE_CLIENT.is_dir(),
    ),
    "openssl": Program("openssl", "apt-get install openssl", lambda: shutil.which("openssl") is not None),
}
"""By the marker of the tests that need it."""


def missing(programs: Mapping[str, Program] = PROGRAMS) -> dict[str, Program]:
    """The programs that this machine does not have."""
    return {marker: program for marker, program in programs.items() if not program.is_present()}


def left_out(reasons: Iterable[str], programs: Mapping[str, Program] = PROGRAMS) -> str | None:
    """One line on the tests that were skipped for want of a program, from the reasons of all skipped tests."""
    counts = dict.fromkeys(programs.values(), 0)
    for reason in reasons:
        for program in counts:
            counts[program] += reason.endswith(program.reason)
    parts = [f"{count} need {program.name} ({program.install})" for program, count in counts.items() if count]
    if not parts:
        return None
    return f"Left out {sum(counts.values())} tests: {', '.join(parts)}. Install these to run all tests."
