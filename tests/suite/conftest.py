"""Runs the command line as a user would, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
CANARY = "sk-canary-5e2d7f0a9b1c4836aa0f"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run `chat-conformance ARGUMENTS` in an empty folder; `environ` is added to an environment without our variables."""

    def call(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("CONFORMANCE_", "PYTEST_"))}
        return subprocess.run(
            [sys.executable, "-m", "conformance.cli", *arguments],
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return call
