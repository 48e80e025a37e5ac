"""Writes the table of the lab's scores into a README, from kill-matrix.json files.

    python -m conformance.lab.scores DIR --readme README.md

DIR is what `chat-conformance lab --out DIR` wrote. `--peers FILE` adds a column for each other tool, from the figures
that `benchmarks/detection/compare.py --json FILE` keeps; it may be given for each profile. Without it, the columns of
other tools in the README stay as they are.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.lab.kill_matrix import Detection
from conformance.lab.record import FILE_NAME, KIND_FAULT, KIND_VARIATION, SCORE_VARIATIONS, KillMatrixError, read_matrix

BEGIN = "<!-- scores: made by `python -m conformance.lab.scores`, not to be edited -->"
END = "<!-- end of scores -->"
_BLOCK = re.compile(f"{re.escape(BEGIN)}\n.*?{re.escape(END)}", re.DOTALL)
_COLUMNS = (
    "profile",
    "faults",
    "caught",
    "allowed variations",
    "false alarms",
    "requirements",
    "each killed by a fault",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or write it into a README; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path, help="what `chat-conformance lab --out` wrote")
    parser.add_argument(
        "--readme", type=Path, help="the file whose marked block is rewritten; without it, the table is printed"
    )
    parser.add_argument("--peers", type=Path, action="append", default=[], help="figures of other tools")
    options = parser.parse_args(arguments)
    try:
        table = scores_table(_read_all(options.directory), [_read_peers(path) for path in options.peers])
        if options.readme is None:
            print(table)
        else:
            text = options.readme.read_text(encoding="utf-8")
            made = table if options.peers else with_columns_of(text, table)
            options.readme.write_text(with_scores(text, made, options.readme), encoding="utf-8")
    except (KillMatrixError, OSError) as error:
        print(f"scores: {error}", file=sys.stderr)
        return 2
    return 0


def _read_all(directory: Path) -> list[Mapping[str, Any]]:
    documents: list[Mapping[str, Any]] = [read_matrix(path) for path in sorted(directory.rglob(FILE_NAME))]
    if not documents:
        raise KillMatrixError(f"{directory}: there is no {FILE_NAME} in it; run chat-conformance lab --out first.")
    return documents


def scores_table(documents: Sequence[Mapping[str, Any]], peers: Sequence[Mapping[str, Any]] = ()) -> str:
    """The scores of several profiles as a Markdown table, with a last row in which each fault counts once.

    Raises:
        KillMatrixError: a matrix is partial, or the matrices are of different versions of the suite.
    """
    partial = [document["profile"]["name"] for document in documents if document["partial"]]
    if partial:
        raise KillMatrixError(f"the matrix of {partial[0]} has only some of its faults; run the lab without --only.")
    if len({document["suite"]["version"] for document in documents}) > 1:
        raise KillMatrixError(
            "the matrices are of different versions of the suite; run the lab for all profiles at once."
        )
    tools = list(dict.fromkeys(name for peer in peers for name in peer["judges"]))
    rows = [[*_COLUMNS, *tools], ["---", *["---:"] * (len(_COLUMNS) - 1 + len(tools))]]
    rows += [[*_row(document), *_peer_cells(document, peers, tools)] for document in documents]
    rows.append([*_once(documents), *[""] * len(tools)])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _row(document: Mapping[str, Any]) -> list[str]:
    score = document["score"]
    figures = ("faults", "caught", SCORE_VARIATIONS, "false_alarms", "requirements", "killed")
    return [f"`{document['profile']['name']}`", *(f"{score[name]:,}" for name in figures)]


def _once(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """All profiles together: a fault of several profiles counts once, and as caught only if it was in all of them."""
    results: dict[str, dict[str, list[str]]] = {KIND_FAULT: {}, KIND_VARIATION: {}}
    for document in documents:
        for target in document["targets"]:
            if target["kind"] in results:
                results[target["kind"]].setdefault(target["id"], []).append(target["result"])
    caught = sum(set(some) == {Detection.CAUGHT} for some in results[KIND_FAULT].values())
    false_alarms = sum(Detection.FALSE_ALARM in some for some in results[KIND_VARIATION].values())
    figures = (len(results[KIND_FAULT]), caught, len(results[KIND_VARIATION]), false_alarms)
    return ["each counted once", *(f"{figure:,}" for figure in figures), "", ""]


def _peer_cells(document: Mapping[str, Any], peers: Sequence[Mapping[str, Any]], tools: Sequence[str]) -> list[str]:
    own = next((peer for peer in peers if peer["profile"] == document["profile"]["name"]), None)
    if own is None:
        return [""] * len(tools)
    judges = own["judges"]
    return [f"{judges[name]['caught']} of {own['faults']}" if name in judges else "" for name in tools]


def with_scores(text: str, table: str, path: Path) -> str:
    """The text of a README with the table between its marks.

    Raises:
        KillMatrixError: it has no marks, or more than one pair.
    """
    if len(_BLOCK.findall(text)) != 1:
        raise KillMatrixError(f"{path}: put one pair of marks where the table belongs: {BEGIN} and {END}.")
    return _BLOCK.sub(lambda _: f"{BEGIN}\n\n{table}\n\n{END}", text)


def with_columns_of(text: str, table: str) -> str:
    """The table, with the columns of other tools that its rows have in a README."""
    block = _BLOCK.search(text)
    lines = [_cells(line) for line in block[0].splitlines() if line.startswith("|")] if block else []
    kept = {cells[0]: cells[len(_COLUMNS) :] for cells in lines}
    empty = [""] * (len(lines[0]) - len(_COLUMNS) if lines else 0)
    rows = [[*cells, *kept.get(cells[0], empty)] for cells in map(_cells, table.splitlines())]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def _read_peers(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise KillMatrixError(f"{path}: is not JSON ({error}).") from error
    if not isinstance(document, dict) or not {"profile", "judges", "faults"} <= document.keys():
        raise KillMatrixError(f"{path}: these are not the figures that benchmarks/detection/compare.py keeps.")
    return document


if __name__ == "__main__":
    sys.exit(main())
