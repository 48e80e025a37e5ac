"""Soaks the reference, with and without a fault now and then, on one and on several workers, and says what it cost.

python benchmarks/soak/soak_measure.py --users 200 --for 60s --requests 6000 --out FOLDER
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "benchmarks" / "fleet")]

from measure import CLI, cluster, environment, stop  # noqa: E402 - the path comes first

FAULT = "stream-end.truncated@stream and success and one-in = 500"
"""The connection is closed in the middle of one stream in 500."""


@contextlib.contextmanager
def served(fault: str | None) -> Iterator[str]:
    """The reference in a process of its own; gives its address."""
    options = ("--fault", fault) if fault is not None else ()
    command = [*CLI, "serve", "openai", "--port", "0", *options]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split(" at ")[1].split(";")[0]
        finally:
            stop(process)


def soaked(name: str, url: str, out: Path, *options: str) -> dict[str, Any]:
    """A soak by its command, as a user gives it; prints what it came to, and gives its record."""
    began = time.monotonic()
    command = [*CLI, "soak", "openai", "--base-url", url, "--out", str(out), *options]
    done = subprocess.run(command, env=environment(), check=False, capture_output=True, text=True)
    if not (out / "soak.json").exists():
        sys.exit(done.stdout + done.stderr)
    record: dict[str, Any] = json.loads((out / "soak.json").read_text(encoding="utf-8"))
    print(f"== {name}: exit {done.returncode}, the command took {time.monotonic() - began:.1f} s")
    print(done.stdout.rstrip())
    for number, one in enumerate(record["sender"]["workers"], 1):
        memory = one["memory"]
        shown = f"{memory[0]['mib']:.0f} MiB at first, {memory[-1]['mib']:.0f} in the end" if memory else "not measured"
        most = max((sample["mib"] for sample in memory), default=0.0)
        print(
            f"  worker {number}: {one['requests']} answers, {1000 * one['cpu'] / max(one['requests'], 1):.2f} ms of"
            f" processor time each, memory {shown}, {most:.0f} at most; {one['most_under_way']} at once at most"
        )
    print(f"  the sender was late: {record['sender']['late']}", flush=True)
    return record


def cut(record: dict[str, Any]) -> str:
    """How many streams of how many were cut, in a line."""
    found = record["streams"]["cut"]
    return f"{found['broken']} of {found['judged']} ({found['low']:.5f} to {found['high']:.5f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", default="200")
    parser.add_argument("--for", dest="seconds", default="60s")
    parser.add_argument("--requests", default="6000")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="clean,fault,local,dask")
    given = parser.parse_args()
    wanted, load = given.only.split(","), ("--users", given.users, "--timeout", "120")
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if "clean" in wanted:
            with served(None) as url:
                clean = soaked("clean", url, folder / "clean", *load, "--for", given.seconds)
            print(f"  streams cut: {cut(clean)}")
        bounded = (*load, "--requests", given.requests, "--ramp", "5s")
        rates = {}
        for name, options in (("fault", ()), ("local", ("--workers", "2"))):
            if name in wanted:
                with served(FAULT) as url:
                    rates[name] = cut(soaked(f"{FAULT}, {name}", url, folder / name, *bounded, *options))
        if "dask" in wanted:
            with served(FAULT) as url, cluster(folder) as (address, _):
                more = (*bounded, "--scheduler", address)
                rates["dask"] = cut(soaked(f"{FAULT}, 2 Dask workers on TCP", url, folder / "dask", *more))
        for name, rate in rates.items():
            print(f"streams cut, {name}: {rate}")


if __name__ == "__main__":
    main()
