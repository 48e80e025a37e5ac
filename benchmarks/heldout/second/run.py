"""Judges the second held-out set as `../run.py` judges the first, and counts in the same way.

python benchmarks/heldout/second/run.py                                all of them, standard tier
python benchmarks/heldout/second/run.py --tier exhaustive --only 'b2.*' --only 'allowed.*'
python benchmarks/heldout/second/run.py --json score.json
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from held_out import deployment  # noqa: E402 - in the folder above, not installed
from run import judged, line_of, result_of, score_of, table_of  # noqa: E402
from second.faults import FAULTS  # noqa: E402
from second.odd_ways import VARIATIONS  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, and return the exit status: 4 where a run gave no record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tier", choices=("standard", "exhaustive"), default="standard")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="these faults and variations")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the score to a file as well")
    options = parser.parse_args(arguments)
    globs = options.only or ["*"]
    entries = [one for one in (*FAULTS, *VARIATIONS) if any(fnmatch(one.id, glob) for glob in globs)]
    unharmed = judged(deployment(), options.tier)
    print(f"unharmed: {unharmed.verdict}, {unharmed.requests} requests, broken: {list(unharmed.broken)}", flush=True)
    results = []
    for entry in entries:
        results.append(result_of(entry, options.tier, unharmed))
        print(line_of(results[-1]), flush=True)
    document = score_of(options.tier, unharmed, results)
    print(table_of(document["kinds"]))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 4 if any(one.noticed is None for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
