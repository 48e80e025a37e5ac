"""Measures the CPU seconds of a command in one checkout or several, whose runs alternate.

python benchmarks/time/cpu.py 5 . run openai
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

_MEASURED = (0, 1, 3)
"""Exit statuses of runs that came to a verdict."""


def once(checkout: Path, arguments: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of one run of the command."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", folder, "--force"] if arguments[0] == "run" else []
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        command = [sys.executable, "-P", "-m", "conformance.cli", *arguments, *out]
        ended = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.DEVNULL, check=False)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - began
    if ended.returncode not in _MEASURED:
        sys.exit(
            f"{checkout}: {' '.join(arguments)} ended with status {ended.returncode}, so that its time says nothing"
        )
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    """Measure, and print a line for each checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", type=int, help="how often each is measured")
    parser.add_argument("checkouts", help="a folder, or several with commas between them")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="the command, such as: run openai")
    options = parser.parse_args()
    checkouts = [Path(one).resolve() for one in options.checkouts.split(",")]
    measured: dict[Path, list[tuple[float, float]]] = {one: [] for one in checkouts}
    for number in range(options.rounds + 1):
        for checkout in checkouts:
            found = once(checkout, options.arguments)
            if number:
                measured[checkout].append(found)
    for checkout, runs in measured.items():
        cpu, wall = zip(*runs, strict=True)
        print(f"{checkout}: CPU {min(cpu):.2f} s at least, {median(cpu):.2f} s in the middle; wall {min(wall):.2f} s")


if __name__ == "__main__":
    main()
