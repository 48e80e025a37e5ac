"""Makes the table of faults and clients: shows every client the answers of each fault that differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from typing import Any, Final

from ruamel.yaml import YAML

from conformance.clients.catalogue import Client
from conformance.clients.prediction import FaultRow, FaultTable
from conformance.clients.scenarios import Chosen, Scenario
from conformance.clients.session import Session
from conformance.lab.client_recordings import FaultRecording, fault_recordings, signature
from conformance.lab.targets import LabTarget
from conformance.report.client_results import ScenarioResult, Understanding

_PATIENCE: Final = 6.0
"""Seconds for one scenario: the reference answers at once, and no client tries again."""
_REFERENCE: Final = "reference"
Progress = Callable[[int, int], None]
Told = Callable[[str], None]
_HEAD: Final = """\
# Which clients break on which fault of the lab: made by `chat-conformance lab openai --clients`, never by hand.
# `kinds` are the answers that the fault changes; a client that is not named understands all of them as the bytes are.
"""


def client_table(
    control: LabTarget,
    targets: Sequence[LabTarget],
    clients: Sequence[Client],
    progress: Progress | None = None,
    told: Told = lambda _: None,
) -> FaultTable:
    """The table for these targets and the clients that are installed; the rows in the order of the targets."""
    reference, recordings = fault_recordings(control, targets, progress)
    as_reference = tuple(Scenario(f"{_REFERENCE}/{one.kind}", one.kind, one.exchange) for one in reference.scenarios)
    shown, same_as = _once_each(recordings)
    session = Session.of(Chosen((*as_reference, *shown), reference.schema), patience=_PATIENCE, retries=False)
    told(f"{len(recordings)} of {len(targets)} faults change answers; clients are shown {len(shown)} different ones")
    results, _ = session.show(clients, lambda one: told(f"{one.title}: {one.why or f'{one.seconds:g} s'}"))
    by_client = {one.name: {row.scenario: row for row in one.results} for one in results if one.results}
    versions = {one.name: one.version or "" for one in results if one.results}
    return FaultTable(versions, tuple(_row(one, same_as, by_client) for one in recordings))


def _once_each(recordings: Iterable[FaultRecording]) -> tuple[list[Scenario], dict[str, str]]:
    """The scenarios without those whose bytes another fault has, too; and for each the one that stands for it."""
    first: dict[bytes, Scenario] = {}
    same_as: dict[str, str] = {}
    for recording in recordings:
        for one in recording.scenarios:
            kept = first.setdefault(one.kind.encode() + b"\n" + signature(one.exchange), one)
            same_as[one.id] = kept.id
    return list(first.values()), same_as


def _row(
    recording: FaultRecording, same_as: Mapping[str, str], by_client: Mapping[str, Mapping[str, ScenarioResult]]
) -> FaultRow:
    fault = recording.target.fault
    broke: dict[str, list[str]] = {}
    otherwise: dict[str, list[str]] = {}
    for client, results in by_client.items():
        for one in recording.scenarios:
            result = results.get(same_as[one.id])
            if result is None or _as_ever(result, results.get(f"{_REFERENCE}/{one.kind}")):
                continue
            into = {Understanding.BROKE: broke, Understanding.OTHERWISE: otherwise}.get(result.result)
            if into is not None:
                into.setdefault(client, []).append(one.kind)
    return FaultRow(
        fault=recording.target.id,
        breaks=() if fault is None else fault.breaks,  # not what else it changes: that may be for another reason
        kinds=tuple(one.kind for one in recording.scenarios),
        broke={name: tuple(kinds) for name, kinds in broke.items()},
        otherwise={name: tuple(kinds) for name, kinds in otherwise.items()},
    )


def _as_ever(result: ScenarioResult, of_reference: ScenarioResult | None) -> bool:
    """Whether a client says no more than what it makes of the reference's answer, too."""
    if of_reference is None or of_reference.result is not result.result:
        return False
    members = {one.member for one in result.differences}
    return members <= {one.member for one in of_reference.differences}


def table_summary(table: FaultTable) -> str:
    """How many faults break each client, the most first."""
    broken = {name: sum(name in row.broke for row in table.rows) for name in table.clients}
    otherwise = {name: sum(name in row.otherwise for row in table.rows) for name in table.clients}
    lines = [f"{len(table.rows)} faults and allowed variations change answers; they break:"]
    lines += [
        f"  {name:<24}{broken[name]:>5}, and are understood otherwise: {otherwise[name]:>4}"
        for name in sorted(broken, key=broken.__getitem__, reverse=True)
    ]
    return "\n".join(lines)


def table_text(table: FaultTable) -> str:
    """The text of the file that is shipped, as specs/client-faults.schema.json describes it."""
    yaml: Any = YAML(typ="safe", pure=True)
    yaml.default_flow_style, yaml.width, yaml.sort_base_mapping_type_on_output = None, 118, False
    stream = StringIO()
    yaml.dump(table_document(table), stream)
    lines = (line.rstrip() for line in stream.getvalue().splitlines())  # where it wraps, a space is left
    return _HEAD + "".join(f"{line}\n" for line in lines)


def table_document(table: FaultTable) -> dict[str, Any]:
    """The table as a document of plain values."""
    return {"clients": dict(table.clients), "faults": [_plain(row) for row in table.rows]}


def _plain(row: FaultRow) -> dict[str, Any]:
    document: dict[str, Any] = {"fault": row.fault, "breaks": list(row.breaks), "kinds": list(row.kinds)}
    for name, by_client in (("broke", row.broke), ("otherwise", row.otherwise)):
        if by_client:
            document[name] = {client: list(kinds) for client, kinds in by_client.items()}
    return document
