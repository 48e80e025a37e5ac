"""Starts the independent deployments of `benchmarks/field/independent`, each in a process of its own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks" / "field" / "independent"
_SAYS = "listening on "


@contextlib.contextmanager
def independent(server: str, profile: str, manner: str = "plain") -> Iterator[str]:
    """One of them while it runs: its base URL.

    Raises:
        RuntimeError: it did not come up; what it said instead.
    """
    program = "node" if server.endswith(".mjs") else sys.executable
    command = [program, str(FOLDER / server), profile, "--manner", manner]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            if not said.startswith(_SAYS):
                raise RuntimeError(f"{server} did not come up: {said}{process.stdout.read()}")
            url = said.removeprefix(_SAYS).strip()
            yield f"{url}/v1" if profile == "openai" else url
        finally:
            process.kill()
