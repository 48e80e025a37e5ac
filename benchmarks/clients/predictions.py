"""Compares what the lab's table predicts with what clients made of the answers: precision and recall.

`python benchmarks/clients/predictions.py RUN...` takes directories of runs beside whose record clients.json stands.
`--held-out` asks about the faults of the lab instead, each by the table without it: no recorded run has a part in that.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from conformance.clients.evidence_of_run import read_run
from conformance.clients.prediction import FaultRow, breaking, predicted, rows_about, shipped_table
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
    finished = read_run(run)
    made = predicted(finished.chosen.scenarios, table, finished.kept)
    foreseen = {(one.client, one.kind) for one in made if one.client in both}
    kinds = {one.id: one.kind for one in seen.scenarios}
    broken = {
        (client.name, kinds[one.scenario])
        for client in seen.ran
        if client.name in both
        for one in client.of(Understanding.BROKE)
    }
    return foreseen, broken


def breaks_held_out() -> Iterable[tuple[set[Break], set[Break]]]:
    """What the other faults of the lab predict of each, and what was seen."""
    about = rows_about(shipped_table())
    everything = {requirement for requirement, _ in about}
    for row in shipped_table().rows:
        if not row.breaks:
            continue
        kept = everything - set(row.breaks)
        foreseen = {
            (client, kind)
            for kind in row.kinds
            for requirement in row.breaks
            for client in breaking(_without(about[requirement, kind], row), kind, kept)
        }
        yield (
            foreseen,
            {(client, kind) for client, kinds in row.broke.items() for kind in kinds} if row.breaks else set(),
        )


def _without(rows: Sequence[FaultRow], row: FaultRow) -> Sequence[FaultRow]:
    return [one for one in rows if one is not row]


def main(arguments: Sequence[str]) -> int:
    """Print a line for each run with what was not predicted rightly, and one for all of them."""
    if list(arguments) == ["--held-out"]:
        print(_summary(breaks_held_out()))
        return 0
    pairs = []
    for run in map(Path, arguments):
        foreseen, broken = breaks_of(run)
        pairs.append((foreseen, broken))
        print(f"{run.name}: {len(broken)} broke, {len(foreseen)} predicted, {len(foreseen & broken)} of them rightly")
        for title, some in (("wrongly predicted", foreseen - broken), ("not predicted", broken - foreseen)):
            for client, kind in sorted(some):
                print(f"  {title}: {client} on {kind}")
    print(_summary(pairs))
    return 0


def _summary(pairs: Iterable[tuple[set[Break], set[Break]]]) -> str:
    counts: Counter[str] = Counter()
    for foreseen, broken in pairs:
        counts.update(right=len(foreseen & broken), predicted=len(foreseen), broke=len(broken))
    precision, recall = _share(counts["right"], counts["predicted"]), _share(counts["right"], counts["broke"])
    return (
        f"{counts['broke']} broke, {counts['predicted']} predicted, {counts['right']} of them rightly:"
        f" precision {precision}, recall {recall}"
    )


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "undefined"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
