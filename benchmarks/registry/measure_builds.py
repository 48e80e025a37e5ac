"""Builds the registry of made-up vendors, adds one bundle and builds again; prints what each build takes."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from made_up_vendors import VENDORS, make_bundles


def main() -> None:
    """Make the folder where it is not there, and measure."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="registry-benchmark-"))
    bundles, site = folder / "bundles", folder / "site"
    have = len([*bundles.rglob("*.zip")])
    if have < options.bundles:
        began = time.monotonic()
        make_bundles(bundles, have, options.bundles, options.tier)
        print(f"{options.bundles - have} bundles made in {time.monotonic() - began:.0f} s")
    print(f"{len(os.sched_getaffinity(0))} processors, {len(VENDORS)} vendors, {options.workers} workers, in {folder}")
    _build("all", bundles, site, options.workers)
    _build("nothing new", bundles, site, options.workers)
    make_bundles(bundles, options.bundles, options.bundles + 1, options.tier)
    _build("one added", bundles, site, options.workers)


def _build(name: str, bundles: Path, site: Path, workers: int) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    words = ["registry", "build", str(bundles), "--out", str(site), "--workers", str(workers)]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "conformance.cli", *words], capture_output=True, text=True, check=False
    )
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6
    print(f"\n{name}: {took:.1f} s, {cpu:.1f} s of processor time, exit {done.returncode}, site of {size:.1f} MB")
    print(done.stdout + done.stderr)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=int, default=60)
    parser.add_argument("--tier", default="standard", help="of the runs of vendors where it tells something")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to make bundles and site; what is there is used")
    return parser.parse_args()


if __name__ == "__main__":
    main()
