"""Prints what clients made of several runs as a table of runs and clients in Markdown, as FIELD.md has it.

`python benchmarks/clients/field_table.py RUN...` takes directories in which clients.json stands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from conformance.report.client_results import ClientResult, ClientResults, Understanding, client_results_beside

_COUNTED = (Understanding.BROKE, Understanding.OTHERWISE)


def lines(runs: Sequence[tuple[str, ClientResults]]) -> Iterator[str]:
    """The table, a row a run, and below it the clients with their versions."""
    names = list(dict.fromkeys(client.name for _, results in runs for client in results.ran))
    yield f"| run | scenarios | survive | {' | '.join(str(number) for number in range(1, len(names) + 1))} |"
    yield f"| --- | --- | --- |{' --- |' * len(names)}"
    for name, results in runs:
        clients = {client.name: client for client in results.ran}
        cells = [_cell(clients.get(one)) for one in names]
        survive = f"{len(results.survivors)} of {len(results.ran)}"
        yield f"| {name} | {len(results.scenarios)} | {survive} | {' | '.join(cells)} |"
    yield ""
    titles = {client.name: f"{client.title} {client.version or ''}".strip() for _, some in runs for client in some.ran}
    yield "; ".join(f"{number} {titles[name]}" for number, name in enumerate(names, start=1)) + "."


def _cell(client: ClientResult | None) -> str:
    """What a client made of a run: a mark, and in how many scenarios, where it did not understand all of them."""
    if client is None:
        return Understanding.NOT_RUN.mark
    found = [f"{one.mark}{len(client.of(one))}" for one in _COUNTED if client.of(one)]
    return " ".join(found) or Understanding.SAME.mark


def main(arguments: Sequence[str]) -> int:
    """Print the table of these runs.

    Raises:
        SystemExit: no client was run on one of them.
    """
    runs = []
    for directory in map(Path, arguments):
        results = client_results_beside(directory)
        if results is None:
            raise SystemExit(f"{directory}: there is no clients.json; run: chat-conformance clients {directory}")
        runs.append((directory.name, results))
    print("\n".join(lines(runs)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
