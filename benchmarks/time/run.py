"""Times standard runs against the reference where every answer takes a second, and shows where the time goes.

python benchmarks/time/run.py openai kodexa loop-health
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

from conformance.evidence import read_evidence  # noqa: E402 - the path comes first
from conformance.running.replay import EVIDENCE  # noqa: E402 - as above
from conformance.wire import Exchange  # noqa: E402 - as above

CONCURRENCY = 8
"""Requests at once by default."""
PROFILES = ("openai", "kodexa", "loop-health")
CLI = (sys.executable, "-P", "-m", "conformance.cli")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CHECKOUT)}


@contextmanager
def serving(profile: str, latency: float) -> Iterator[str]:
    """The reference deployment in a process of its own, as long as the context; gives its URL."""
    command = [*CLI, "serve", profile, "--port", "0", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        try:
            assert process.stdout is not None
            found = re.search(r" at (http\S+);", process.stdout.readline())
            if found is None:
                sys.exit(f"{profile} is not served")
            yield found[1]
        finally:
            process.terminate()


def spans(exchanges: Sequence[Exchange]) -> list[tuple[float, float, str]]:
    """When each exchange began and ended, in seconds after the first began, and its probe."""
    begins = [datetime.fromisoformat(one.started).timestamp() for one in exchanges]
    zero = min(begins)
    times = ((at - zero, at - zero + one.ending.at, one.probe) for at, one in zip(begins, exchanges, strict=True))
    return sorted(times)


def waves(times: Sequence[tuple[float, float, str]]) -> Iterator[list[tuple[float, float, str]]]:
    """The exchanges between two moments at which nothing was under way."""
    wave: list[tuple[float, float, str]] = []
    ends = 0.0
    for one in times:
        if wave and one[0] >= ends:
            yield wave
            wave = []
        wave.append(one)
        ends = max(ends, one[1])
    yield wave


def report(profile: str, exchanges: Sequence[Exchange], process_seconds: float) -> None:
    """Print what a run took, whole and wave by wave."""
    times = spans(exchanges)
    serial, wall = sum(end - begin for begin, end, _ in times), max(end for _, end, _ in times)
    print(f"{profile}: {len(times)} requests, {serial:.1f} s one after another, {wall:.1f} s on the wire", end="")
    print(f" (1/{serial / wall:.2f}), {process_seconds:.1f} s from start to end of the command")
    print("  wave  requests  seconds  slots in use  first of them")
    for number, wave in enumerate(waves(times), 1):
        seconds = max(end for _, end, _ in wave) - wave[0][0]
        used = sum(end - begin for begin, end, _ in wave) / seconds
        print(f"  {number:4}  {len(wave):8}  {seconds:7.2f}  {used:12.1f}  {', '.join(one for *_, one in wave[:3])}")
    print(f"  least possible: {serial / CONCURRENCY:.1f} s, with {CONCURRENCY} requests under way all the time")


def main() -> None:
    """Judge each profile once, by its own tier and the default concurrency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("profiles", nargs="*", default=PROFILES)
    parser.add_argument("--latency", type=float, default=1.0, help="seconds before each answer")
    parser.add_argument("--tier", default="standard")
    options = parser.parse_args()
    for profile in options.profiles:
        with serving(profile, options.latency) as url, tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            command = [*CLI, "run", profile, "--base-url", url, "--tier", options.tier, "--out", folder, "--force"]
            status = subprocess.run([*command, "--quiet"], env=ENVIRONMENT, stdout=subprocess.PIPE, check=False)
            seconds = time.monotonic() - began
            if status.returncode:
                print(f"{profile}: exit status {status.returncode}\n{status.stdout.decode()}")
            evidence = read_evidence(Path(folder) / EVIDENCE)
            report(profile, evidence.exchanges, seconds)


if __name__ == "__main__":
    main()
