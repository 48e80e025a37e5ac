"""Predicts which clients break on a run without running them, by the lab's table of faults and clients."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.clients.scenarios import Scenario
from conformance.contract.documents import ContractError, enforce, read_document
from conformance.report.client_results import Prediction

TABLE: Final = Path(__file__).parent / "fault-table.yaml"
SCHEMA: Final = "client-faults.schema.json"


@dataclass(frozen=True, slots=True)
class FaultRow:
    """What one fault of the lab does to clients: the kinds of answers that it changes, and who breaks on which."""

    fault: str
    breaks: tuple[str, ...]
    kinds: tuple[str, ...]
    broke: Mapping[str, tuple[str, ...]] = field(hash=False)
    """For each client that breaks, the kinds of answers that break it."""
    otherwise: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class FaultTable:
    """Every fault whose effect is in answers, and every client that was shown them, with its version."""

    clients: Mapping[str, str] = field(hash=False)
    rows: tuple[FaultRow, ...]


@cache
def shipped_table() -> FaultTable:
    """The table that is shipped.

    Raises:
        ContractError: it is not there, or breaks specs/client-faults.schema.json.
    """
    if not TABLE.is_file():
        raise ContractError(
            "there is no table of faults and clients; make it with the clients that are installed: chat-conformance lab"
            " openai --clients --accept."
        )
    return read_table(TABLE)


def read_table(path: Path) -> FaultTable:
    """A table of faults and clients.

    Raises:
        ContractError: it cannot be read, or breaks specs/client-faults.schema.json.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    return FaultTable(document.data["clients"], tuple(map(_row, document.data["faults"])))


def _row(row: Mapping[str, Any]) -> FaultRow:
    broke, otherwise = (
        {client: tuple(kinds) for client, kinds in row.get(name, {}).items()} for name in ("broke", "otherwise")
    )
    return FaultRow(row["fault"], tuple(row["breaks"]), tuple(row["kinds"]), broke, otherwise)


def predicted(scenarios: Iterable[Scenario], table: FaultTable, kept: Set[str] = frozenset()) -> tuple[Prediction, ...]:
    """The clients that break on these answers by the table, and the requirements that say so.

    A requirement speaks of a kind of answer where faults that break it changed answers of this kind. `kept` are the
    requirements that the run saw kept.
    """
    about = rows_about(table)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for scenario in scenarios:
        for requirement in scenario.explains:
            rows = about.get((requirement, scenario.kind), ())
            for client in breaking(rows, scenario.kind, kept):
                found.setdefault((client, scenario.kind), {})[requirement] = None
    return tuple(Prediction(client, kind, tuple(because)) for (client, kind), because in sorted(found.items()))


def rows_about(table: FaultTable) -> Mapping[tuple[str, str], Sequence[FaultRow]]:
    """The faults about each requirement that change each kind of answer."""
    about: dict[tuple[str, str], list[FaultRow]] = defaultdict(list)
    for row in table.rows:
        for requirement in row.breaks:
            for kind in row.kinds:
                about[requirement, kind].append(row)
    return about


def breaking(rows: Sequence[FaultRow], kind: str, kept: Set[str]) -> tuple[str, ...]:
    """The clients that break on most of these faults, which change answers of this kind.

    A fault that also breaks what the run keeps may break a client by just that: it is only asked where no other can be.
    """
    alike = [row for row in rows if kept.isdisjoint(row.breaks)] or rows
    counts = Counter(client for row in alike for client, kinds in row.broke.items() if kind in kinds)
    return tuple(client for client, times in counts.items() if 2 * times > len(alike))


@cache
def breaking_clients(requirement: str, kept: frozenset[str] | None = None) -> tuple[str, ...]:
    """The clients that break where a requirement is broken, by the shipped table and whatever the answer's kind.

    `kept` are the requirements that are kept beside it; without it, all others are. Empty where no table is shipped.
    """
    if not TABLE.is_file():
        return ()
    about = _shipped_rows()
    others = frozenset(named for named, _ in about) - {requirement} if kept is None else kept
    kinds = [(kind, rows) for (named, kind), rows in about.items() if named == requirement]
    return tuple(sorted({client for kind, rows in kinds for client in breaking(rows, kind, others)}))


@cache
def _shipped_rows() -> Mapping[tuple[str, str], Sequence[FaultRow]]:
    return rows_about(shipped_table())
