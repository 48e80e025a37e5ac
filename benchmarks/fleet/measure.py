"""Judges a fleet on local processes and on a Dask cluster, with and without a worker killed, and says what it cost.

python benchmarks/fleet/measure.py --targets 60 --sizes 10,30,60 --out FOLDER
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).parents[2]
sys.path[:0] = [str(CHECKOUT), str(Path(__file__).parent)]

from fleet_deployments import VARIABLE, fleet_file  # noqa: E402 - the path comes first

CLI = (sys.executable, "-P", "-m", "conformance.cli")
DASK = (sys.executable, "-m", "dask")
WORKERS = 2


@dataclass(frozen=True)
class Measured:
    """One fleet: how long it took, and its record."""

    name: str
    wall: float
    status: int
    record: dict[str, Any]
    memory: int
    """Most memory of the distributing process, in MiB."""

    @property
    def runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.record["runs"]
        return runs

    @property
    def verdicts(self) -> dict[str, tuple[str, int, list[str]]]:
        """The verdict, gate and findings of each target."""
        found = {}
        for one in self.runs:
            outcome = one["outcome"]
            found[one["target"]] = (outcome["verdict"], outcome["status"], sorted(outcome["failed"]))
        return found

    def line(self) -> str:
        """What is printed of it."""
        seconds = [one["outcome"]["seconds"] for one in self.runs]
        ideal = max(sum(seconds) / WORKERS, *seconds)
        again = [f"{one['target']} ({one['tries']})" for one in self.runs if one["tries"] > 1]
        counts: dict[str, int] = {}
        for verdict, *_ in self.verdicts.values():
            counts[verdict] = counts.get(verdict, 0) + 1
        return (
            f"{self.name:<28} {len(self.runs):3} runs {self.wall:7.1f} s, runs together {sum(seconds):7.1f} s,"
            f" ideal {ideal:6.1f} s, efficiency {ideal / self.wall:.3f}, exit {self.status}, {counts},"
            f" {self.memory} MiB, begun again: {', '.join(again) or 'none'}"
        )


def judged(name: str, file: Path, out: Path, *options: str, kill: Sequence[int] | None = None) -> Measured:
    """A fleet by its command, as a user gives it; with `kill`, one of these processes, or else a local worker, dies."""
    kill_after = file.read_text(encoding="utf-8").count("[targets.") // 3
    command = [*CLI, "fleet", str(file), "--out", str(out), *options]
    began = time.monotonic()
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines, most = [], 0
        for line in process.stdout:
            lines.append(line)
            if kill is not None and line.startswith("[") and len(lines) == kill_after:
                victim = kill[0] if kill else children(process.pid)[-1]
                os.kill(victim, signal.SIGKILL)
                print(f"  killed process {victim} after {len(lines)} runs")
            most = max(most, peak(process.pid) or 0)
        status = process.wait()
    wall = time.monotonic() - began
    record = json.loads((out / "fleet.json").read_text(encoding="utf-8"))
    measured = Measured(name, wall, status, record, most)
    print(measured.line(), flush=True)
    return measured


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def peak(pid: int) -> int | None:
    """The most memory that a process had, in MiB."""
    with contextlib.suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) // 1024 if found else None
    return None


def children(pid: int) -> list[int]:
    """The worker processes that a process has started: those that it has spawned, without the resource tracker."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            with contextlib.suppress(OSError):
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return sorted(found)


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, list[int]]]:
    """A scheduler and two workers, each a process of its own, on TCP; gives its address and the workers' ids."""
    with contextlib.ExitStack() as started:

        def start(*words: str, log: str) -> subprocess.Popen[bytes]:
            output = started.enter_context((folder / log).open("wb"))
            process = subprocess.Popen([*DASK, *words], env=environment(), cwd=folder, stdout=output, stderr=output)
            started.callback(stop, process)
            return process

        ready = folder / "scheduler.json"
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(ready),
              log="scheduler.log")  # fmt: skip
        while not ready.exists() or not ready.read_text():
            time.sleep(0.1)
        address = json.loads(ready.read_text())["address"]
        options = ("--nthreads", "1", "--no-dashboard", "--no-nanny", "--local-directory", str(folder))
        workers = [start("worker", address, *options, log=f"worker-{number}.log") for number in range(WORKERS)]
        for number in range(WORKERS):
            while b"Registered to" not in (folder / f"worker-{number}.log").read_bytes():
                time.sleep(0.1)
        yield address, [one.pid for one in workers]


def stop(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)


def differing(one: Measured, other: Measured) -> list[str]:
    """The targets whose verdict or findings differ between two fleets, or that only one of them has."""
    names = one.verdicts.keys() | other.verdicts.keys()
    return sorted(name for name in names if one.verdicts.get(name) != other.verdicts.get(name))


def traffic(out: Path) -> str:
    """What is kept of a run, on average."""
    bundles = [path.stat().st_size for path in out.rglob("*-bundle.zip")]
    everything = [path.stat().st_size for path in out.rglob("*") if path.is_file()]
    return (
        f"bundles: {len(bundles)}, {sum(bundles) // max(1, len(bundles)) // 1024} KiB each;"
        f" all files: {sum(everything) // 1024 // 1024} MiB"
    )


def has_key(folder: Path) -> list[str]:
    """The files, also those within bundles, and the logs of scheduler and workers, in which the targets' key stands."""
    key, found = os.environ[VARIABLE].encode(), []
    for path in folder.rglob("*"):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as bundle:
                found += [f"{path}/{name}" for name in bundle.namelist() if key in bundle.read(name)]
        elif path.is_file() and key in path.read_bytes():
            found.append(str(path))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=60)
    parser.add_argument("--sizes", default="10,30,60")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="local,dask,killed-local,killed-dask,sizes,again")
    given = parser.parse_args()
    wanted = given.only.split(",")
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.out or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        processes = ("--workers", str(WORKERS))
        with fleet_file(folder, given.targets) as file:
            local = judged("2 local processes", file, folder / "local", *processes)
            print(f"  {traffic(folder / 'local')}")
            if "again" in wanted:
                judged("  the same again", file, folder / "local", *processes)
            others = []
            if "killed-local" in wanted:
                others.append(judged("2 processes, 1 killed", file, folder / "killed-local", *processes, kill=()))
            if "dask" in wanted:
                with cluster(folder) as (address, workers):
                    others.append(judged("2 Dask workers on TCP", file, folder / "dask", "--scheduler", address))
                    print(f"  workers' memory: {[peak(pid) for pid in workers]} MiB")
            if "killed-dask" in wanted:
                with cluster(folder) as (address, workers):
                    killed = judged(
                        "2 Dask workers, 1 killed", file, folder / "killed-dask", "--scheduler", address, kill=workers
                    )
                    others.append(killed)
            for other in others:
                print(
                    f"  {other.name}: verdicts or findings that differ from the local ones: {differing(local, other)}"
                )
            print(f"  files with the key: {has_key(folder)}")
        for size in map(int, given.sizes.split(",") if "sizes" in wanted else ()):
            with fleet_file(folder, size) as file:
                judged(f"{size} targets", file, folder / f"size-{size}", *processes)


if __name__ == "__main__":
    main()
