"""Brings everything that is recorded of this checkout up to date, by one command:

    python benchmarks/update_records.py [--lab DIR] [--peers FILE]...

1. The reviews (`specs/profiles/NAME/review.json`): each requirement whose row, schema or source changed is recorded as
   reviewed as it stands, and named. Read its source first; the difference in version control says what you vouch for.
2. The field (`benchmarks/field`): the evidence of every recorded run is judged again, and FINDINGS.md is written anew.
   The difference says what your change makes of real deployments.
3. With `--lab DIR`, the folder that `chat-conformance lab --out DIR` wrote for all profiles: the README's table of
   scores. `--peers FILE` takes the figures of other tools, which `benchmarks/detection/compare.py --json` keeps;
   without it, the columns that the table has of them stay.

Releases are never touched: `chat-conformance requirements PROFILE --freeze VERSION` writes a new one. The effects of
faults are written by `chat-conformance lab --accept`, the pages of the documentation by `mkdocs build`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE / "field")]

import rejudge  # noqa: E402 - beside this file, not installed

from conformance.contract import load_contract, shipped_profiles, stale, write_review  # noqa: E402 - from this checkout
from conformance.lab import scores  # noqa: E402


def main(arguments: Sequence[str] | None = None) -> int:
    """Update what is recorded; returns the exit status: 0, or 2 where the lab's record cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lab", type=Path, metavar="DIR", help="what `chat-conformance lab --out DIR` wrote")
    parser.add_argument(
        "--peers", type=Path, metavar="FILE", action="append", default=[], help="figures of other tools"
    )
    options = parser.parse_args(arguments)
    for profile in shipped_profiles():
        update_review(profile)
    status = rejudge.main()
    if status == 0 and options.lab is not None:
        peers = [word for path in options.peers for word in ("--peers", str(path))]
        status = scores.main([str(options.lab), "--readme", str(HERE.parent / "README.md"), *peers])
    return status


def update_review(profile: str) -> None:
    """Record the requirements of a profile as reviewed as they stand, and print those that were not."""
    contract = load_contract(profile)
    changed = stale(contract)
    if changed:
        path = write_review(contract)
        print(f"{path}: {len(changed)} recorded as reviewed")
    for one in changed:
        print(f"  {one.id}: {one.why}")


if __name__ == "__main__":
    sys.exit(main())
