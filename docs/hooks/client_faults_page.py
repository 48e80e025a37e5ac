"""Makes the page of faults and clients: which client breaks on which fault of the lab."""

from __future__ import annotations

from collections.abc import Iterator

import markdown_text as md

from conformance.clients.catalogue import shipped_clients
from conformance.clients.prediction import FaultRow, FaultTable, shipped_table

PATH = "faults-and-clients.md"


def client_faults_page() -> str:
    """The page as Markdown.

    Raises:
        ContractError: the table, or the list of clients, is unusable.
    """
    return "\n\n".join(_parts(shipped_table())) + "\n"


def _parts(table: FaultTable) -> Iterator[str]:
    titles = {one.name: one.title for one in shipped_clients()}
    breaking = [row for row in table.rows if row.broke]
    yield "---\ntitle: Faults and clients\nsearch:\n  exclude: true\n---"
    yield "# Faults and clients"
    yield (
        f"{len(table.rows)} faults and allowed variations of the lab change what clients get to see. Each of"
        f" {len(table.clients)} clients was shown these answers; {len(breaking)} faults break at least one of them."
        " How that is found out is on the page [which clients survive it](clients.md)."
    )
    yield md.table(
        ["Client", "Version", "Broken by", "Understands otherwise"],
        [
            [
                md.prose(titles.get(name, name)),
                md.prose(version),
                str(sum(name in row.broke for row in table.rows)),
                str(sum(name in row.otherwise for row in table.rows)),
            ]
            for name, version in table.clients.items()
        ],
    )
    yield "## Faults that break a client"
    yield md.entries(_entry(row, len(table.clients)) for row in sorted(breaking, key=lambda row: -len(row.broke)))


def _entry(row: FaultRow, clients: int) -> tuple[str, str, str]:
    named = "all clients" if len(row.broke) == clients else ", ".join(md.code(name) for name in row.broke)
    through = ", ".join(md.code(one) for one in row.breaks[:3])
    what = f"breaks {through}" if through else "an allowed variation"
    return md.code(row.fault), f"{len(row.broke)} of {clients}: {named}", what
