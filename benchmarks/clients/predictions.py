"""Compares what the lab's table predicts for recorded runs with what clients made of them: precision and recall.

`python benchmarks/clients/predictions.py RUN...` takes directories of runs beside whose record clients.json stands.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.clients.evidence_of_run import read_run
from conformance.clients.prediction import predicted, shipped_table
from conformance.report.client_results import Understanding, client_results_beside

Break = tuple[str, str]
"""A client, and the kind of answer that breaks it."""


def breaks_of(run: Path) -> tuple[set[Break], set[Break]]:
    """What was predicted of a run, and what was seen; both only of clients that are in the table and were run.

    Raises:
        SystemExit: no client was run on it.
    """
    seen = client_results_beside(run)
    if seen is None:
        raise SystemExit(f"{run}: there is no clients.json; run: chat-conformance clients {run}")
    table = shipped_table()
    both = {one.name for one in seen.ran} & set(table.clients)
    scenarios = read_run(run).chosen.scenarios
    foreseen = {(one.client, one.kind) for one in predicted(scenarios, table) if one.client in both}
    kinds = {one.id: one.kind for one in seen.scenarios}
    broken = {
        (client.name, kinds[one.scenario])
        for client in seen.ran
        if client.name in both
        for one in client.of(Understanding.BROKE)
    }
    return foreseen, broken


def main(runs: Sequence[str]) -> int:
    """Print a line for each run, and one for all of them."""
    right = wrong = missed = 0
    for run in map(Path, runs):
        foreseen, broken = breaks_of(run)
        right, wrong, missed = (
            right + len(foreseen & broken),
            wrong + len(foreseen - broken),
            missed + len(broken - foreseen),
        )
        print(f"{run.name}: {len(broken)} broke, {len(foreseen)} predicted, {len(foreseen & broken)} of them rightly")
        for title, pairs in (("wrongly predicted", foreseen - broken), ("not predicted", broken - foreseen)):
            for client, kind in sorted(pairs):
                print(f"  {title}: {client} on {kind}")
    precision = right / (right + wrong) if right + wrong else None
    recall = right / (right + missed) if right + missed else None
    print(f"precision {_share(precision)}, recall {_share(recall)}")
    return 0


def _share(value: float | None) -> str:
    return "undefined" if value is None else f"{100 * value:.0f} %"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
