"""Runs `chat-conformance` as a user would: in a process of its own, or, where that adds nothing, in this one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.commands.run import run_suite
from conformance.running.run import RunSettings

Run = Callable[..., subprocess.CompletedProcess[str]]
CANARY = "sk-canary-5e2d7f0a9b1c4836aa0f"
CLI = (sys.executable, "-m", "conformance.cli")
PYTEST = (sys.executable, "-m", "pytest", "-p", "conformance.plugin")


_BYTECODE = tempfile.TemporaryDirectory(prefix="bytecode-")
_OF_NO_CONCERN = ("CONFORMANCE_", "PYTEST_", "PYTHONDONTWRITEBYTECODE")


def environment(**more: str) -> dict[str, str]:
    """Our environment without its variables for pytest and for the suite, and with `more`.

    The bytecode that one process makes serves the next, also where our own caller wants none to be kept.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_OF_NO_CONCERN)}
    paths = os.pathsep.join(path for path in sys.path if path)
    return {**clean, "PYTHONPATH": paths, "PYTHONPYCACHEPREFIX": _BYTECODE.name, **more}


def call(command: tuple[str, ...], folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder to its end."""
    return subprocess.run(
        command, cwd=folder, env=environment(**environ), capture_output=True, text=True, timeout=600, check=False
    )


def start(command: tuple[str, ...], folder: Path, **environ: str) -> subprocess.Popen[str]:
    """Start a command in a folder; Ctrl-C reaches it as in a terminal, also where our own caller ignores it."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment(**environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_heed_interrupt,  # noqa: PLW1509 - no thread of ours holds a lock that this needs
    )


def _heed_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Judged:
    """What a run came to."""

    status: int
    document: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, str]:
        """The outcome of each requirement."""
        return {row["id"]: row["outcome"] for row in self.document["requirements"]}

    def row(self, requirement_id: str) -> dict[str, Any]:
        """What the record says of one requirement."""
        return next(row for row in self.document["requirements"] if row["id"] == requirement_id)

    def musts(self, outcome: str | None = None) -> list[str]:
        """The ids of the MUST requirements, or of those with an outcome."""
        rows = self.document["requirements"]
        return [row["id"] for row in rows if row["level"] == "MUST" and outcome in {None, row["outcome"]}]


def judge(out: Path, profile: str = "openai", **settings: Any) -> Judged:
    """Run the suite in this process; `settings` are fields of `RunSettings`."""
    status = run_suite(RunSettings(profile, out=out, **settings))
    return Judged(status, results(out))


def results(out: Path) -> dict[str, Any]:
    """The record in a run's directory, or an empty one."""
    path = out / "results.json"
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return loaded


def wait_for_lines(path: Path, count: int) -> None:
    """Wait until a file has this many lines."""
    waiting = threading.Event()
    for _ in range(2400):
        if path.exists() and path.read_bytes().count(b"\n") >= count:
            return
        waiting.wait(0.05)
    raise AssertionError(f"{path} did not get {count} lines")
