"""Judges the evidence of the recorded runs with the suite of this checkout; writes results.json and FINDINGS.md anew.

For use after the suite or a contract changed: read what the change makes of real deployments in the difference that
version control shows. How long the run took is kept from the record before.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent)]

from findings import report  # noqa: E402 - beside this file, not installed
from recorded_runs import HERE, RUNS, Results  # noqa: E402 - beside this file, too


def main() -> int:
    """Write each record, and the page that is made of them; returns the exit status."""
    for run in RUNS:
        before = run.results() if run.results_path.exists() else {}
        results = run.judged_again()
        results["duration_s"] = before.get("duration_s", results["duration_s"])
        run.results_path.write_text(in_lines(results), encoding="utf-8")
        print(f"{run.name}: {results['verdict']}, {results['counts']['total']}")
    (HERE / "FINDINGS.md").write_text(report(), encoding="utf-8")
    return 0


def in_lines(results: Results) -> str:
    """The record as JSON with one requirement on each line: short, and its differences can be read."""
    rows = ",\n".join(_compact(row) for row in results["requirements"])
    rest = [f"{_compact(name)}:{_compact(value)}" for name, value in results.items() if name != "requirements"]
    return "{" + ",\n".join(rest) + ',\n"requirements":[\n' + rows + "\n]}\n"


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


if __name__ == "__main__":
    sys.exit(main())
