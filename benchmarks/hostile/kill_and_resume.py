"""Kills runs of the standard tier at random moments and resumes them, once or by two processes at once.

    python benchmarks/hostile/kill_and_resume.py [--times 30] [--seed N]

Prints what each came to. Exit status 1 where anything was lost, sent twice or corrupt.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT)]

from kills import Kills  # noqa: E402 - after the path

from conformance.reference import EmbeddedReference  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill and resume so many times, every third time by two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args(arguments)
    chance, failed = random.Random(options.seed), 0
    with EmbeddedReference("openai", latency=0.02) as reference:
        for number in range(options.times):
            with tempfile.TemporaryDirectory() as name:
                folder, kills = Path(name), Kills(reference)
                at_once = 2 if number % 3 == 2 else 1
                lines = kills.killed(folder, chance.randint(1, 95), chance)
                wrong = list(kills.resumed(folder, at_once))
            failed += bool(wrong)
            print(
                f"{number + 1:3} killed with {lines} lines, {at_once} at once: {'; '.join(wrong) or 'whole'}",
                flush=True,
            )
    print(f"{options.times} kills, {failed} with something lost, sent twice or corrupt")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
