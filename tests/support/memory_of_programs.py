"""Runs Python code in a process of its own and says how much memory that took at most."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment

needs_procfs = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux how much memory was used")
"""For tests that measure: `ru_maxrss` would not do, because a process starts with the figure of its parent."""

_MEASURED = """
import atexit, pathlib, sys
def say():
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM"):
            pathlib.Path(sys.argv[-1]).write_text(line.split()[1])
atexit.register(say)
"""


def measured(code: str, folder: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], int]:
    """The ended process that ran `code` in a folder, and the most megabytes that it took."""
    figure = folder / "memory.txt"
    done = subprocess.run(
        (sys.executable, "-c", _MEASURED + code, *arguments, str(figure)),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, int(figure.read_text(encoding="ascii")) // 1024
