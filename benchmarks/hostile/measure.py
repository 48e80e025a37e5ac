"""What a run against each kind of hostile target comes to, and costs: the standard tier with its default limits.

    python benchmarks/hostile/measure.py [KIND...] [--jobs N] [--tier TIER]

Each run is a process of its own, and so is its target. Prints the verdict, the time, the most memory (ru_maxrss) and
the bytes written, the worst of each at the end. Exit status 1 where a run went beyond a bound of `BOUNDS`, had another
verdict than expected, or did not find what it had to. Kinds that wait for time limits run side by side (`--jobs`), all
others alone.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUPPORT = ROOT / "tests" / "support"
sys.path[:0] = [str(SUPPORT), str(ROOT)]

from hostile_targets import KINDS  # noqa: E402 - after the path

SECONDS, MEMORY, FILES = 300.0, 300_000_000, 150_000_000
"""What a hostile run of the standard tier may take."""
STATUS = {"conformant": 0, "nonconformant": 1, "inconclusive": 3}


@dataclass(frozen=True)
class Measured:
    """One run: what it came to, and what it cost."""

    name: str
    status: int
    verdict: str
    broken: tuple[str, ...]
    seconds: float
    cpu: float
    memory: int
    files: int
    said: str

    @property
    def problems(self) -> Iterator[str]:
        """What is not as it has to be."""
        kind = KINDS[self.name]
        if self.verdict != kind.outcome or self.status != STATUS[kind.outcome]:
            yield f"verdict {self.verdict or 'none'}, exit {self.status}: {self.said[-300:]}"
        if not set(kind.breaks) <= set(self.broken):
            yield f"finds {', '.join(self.broken) or 'nothing'}"
        if self.seconds > SECONDS or self.memory > MEMORY or self.files > FILES:
            yield "beyond a bound"


def measured(name: str, tier: str) -> Measured:
    """Run the suite against one kind."""
    paths = os.pathsep.join([str(SUPPORT), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "CONFORMANCE_API_KEY": "sk-hostile-0123456789"}
    server = subprocess.Popen(
        [sys.executable, str(SUPPORT / "hostile_targets.py"), name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w+") as said:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "conformance.cli", "run", "openai", "--base-url", url, "--tier", tier]
        began = time.monotonic()
        run = subprocess.Popen([*command, "--out", str(out)], stdout=said, stderr=said, env=environment, cwd=folder)
        _, waited, usage = os.wait4(run.pid, 0)
        seconds = time.monotonic() - began
        run.returncode = os.waitstatus_to_exitcode(waited)
        server.communicate()
        said.seek(0)
        record = json.loads((out / "results.json").read_bytes()) if (out / "results.json").exists() else {}
        rows = record.get("requirements", ())
        return Measured(
            name=name,
            status=run.returncode,
            verdict=record.get("verdict", ""),
            broken=tuple(row["id"] for row in rows if row["outcome"] in {"failed", "warning"}),
            seconds=seconds,
            cpu=usage.ru_utime + usage.ru_stime,
            memory=usage.ru_maxrss * 1024,
            files=sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
            said=said.read(),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the kinds that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", metavar="KIND", choices=[*KINDS, []])
    parser.add_argument("--jobs", type=int, default=8, metavar="N", help="slow kinds at the same time (default: 8)")
    parser.add_argument("--tier", default="standard")
    options = parser.parse_args(arguments)
    names = options.kinds or list(KINDS)
    slow = [name for name in names if KINDS[name].slow]
    found: list[Measured] = []
    with ThreadPoolExecutor(options.jobs) as pool:
        for one in pool.map(lambda name: measured(name, options.tier), slow):
            _print(one)
            found.append(one)
    for name in names:
        if name not in slow:
            found.append(measured(name, options.tier))
            _print(found[-1])
    for what in ("seconds", "memory", "files"):
        worst = max(found, key=lambda one: float(getattr(one, what)))
        print(f"most {what}: {getattr(worst, what):,.1f} ({worst.name})")
    failing = [one for one in found if any(one.problems)]
    print(f"{len(found)} kinds, {len(failing)} not as they have to be")
    return 1 if failing else 0


def _print(one: Measured) -> None:
    cost = f"{one.seconds:6.1f} s ({one.cpu:5.1f} s CPU) {one.memory / 1e6:6.0f} MB {one.files / 1e6:7.1f} MB written"
    print(f"{one.name:22} {one.verdict:14} {cost}  {'; '.join(one.problems)}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
