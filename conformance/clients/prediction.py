"""Predicts which clients break on a run without running them, by the lab's table of faults and clients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from conformance.clients.scenarios import Scenario
from conformance.contract.documents import ContractError, enforce, read_document
from conformance.report.client_results import Prediction

TABLE: Final = Path(__file__).parent / "fault-table.yaml"
SCHEMA: Final = "client-faults.schema.json"
_SHARE: Final = 0.75
"""The share of the faults that break a requirement from which on a client counts as broken by it."""


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


def predicted(scenarios: Iterable[Scenario], table: FaultTable) -> tuple[Prediction, ...]:
    """The clients that break on these answers by the table, and the requirements that say so.

    A requirement speaks of a kind of answer where faults that break it changed answers of this kind.
    """
    rules = _rules(table)
    found: dict[tuple[str, str], dict[str, None]] = {}
    for scenario in scenarios:
        for requirement in scenario.explains:
            for client in rules.get((requirement, scenario.kind), ()):
                found.setdefault((client, scenario.kind), {})[requirement] = None
    return tuple(Prediction(client, kind, tuple(because)) for (client, kind), because in sorted(found.items()))


def _rules(table: FaultTable) -> Mapping[tuple[str, str], Sequence[str]]:
    """For each requirement and kind of answer, the clients that break on three quarters of the faults about it."""
    changed: dict[tuple[str, str], int] = defaultdict(int)
    broke: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in table.rows:
        for requirement in row.breaks:
            for kind in row.kinds:
                changed[requirement, kind] += 1
                for client, kinds in row.broke.items():
                    broke[requirement, kind][client] += kind in kinds
    return {
        place: tuple(client for client, times in counts.items() if times and times >= _SHARE * changed[place])
        for place, counts in broke.items()
    }


@cache
def breaking_clients(requirement: str) -> tuple[str, ...]:
    """The clients that break where a requirement is broken, by the shipped table and whatever the answer's kind.

    None where no table is shipped.
    """
    if not TABLE.is_file():
        return ()
    rules = _rules(shipped_table())
    return tuple(sorted({client for (named, _), some in rules.items() if named == requirement for client in some}))
