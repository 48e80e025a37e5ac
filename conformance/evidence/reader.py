"""Reads evidence back, and refuses what is broken."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.evidence.jsonl import FILE_NAME, FORMAT, LineError, exchange_from_json, load_line
from conformance.wire.exchange import Exchange


class EvidenceError(Exception):
    """Evidence cannot be written or read. The message is one sentence with the file and, if known, the line."""

    def __init__(self, message: str, *, path: Path, line: int | None = None) -> None:
        self.path = path
        self.line = line
        where = f"{path}:{line}" if line else f"{path}"
        super().__init__(f"{where}: {message}")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run left: its header, its exchanges in the order in which they ended, and what was not sent.

    `complete` says whether the run wrote its last line; what was not sent is only known then.
    """

    header: Mapping[str, Any]
    exchanges: tuple[Exchange, ...]
    complete: bool
    unsent: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False


def read_evidence(directory: Path) -> Evidence:
    """Read the evidence in a directory, without a last line that was cut while it was written.

    Raises:
        EvidenceError: there is none, its format is unknown, a line is broken, or an exchange is missing or there twice.
    """
    path = directory / FILE_NAME
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(
            f"no evidence can be read here ({error.strerror}); give the directory that a run wrote.", path=path
        ) from error
    lines = content.split(b"\n")
    torn = lines.pop()
    objects = [_load(line, path, number) for number, line in enumerate(lines, start=1)]
    if torn:
        # Either cut, as a killed run leaves it, or whole but for its line feed.
        with suppress(LineError):
            objects.append(load_line(torn))
    return _assemble(objects, path)


def _assemble(objects: list[dict[str, Any]], path: Path) -> Evidence:
    if not objects:
        raise EvidenceError("it is empty; the run was stopped before it wrote anything.", path=path)
    header, *rest = objects
    if header.get("format") != FORMAT:
        raise EvidenceError(
            f"its format is {header.get('format')!r}, this version reads format {FORMAT}.", path=path, line=1
        )
    footer: dict[str, Any] | None = None
    exchanges: dict[str, Exchange] = {}
    for number, value in enumerate(rest, start=2):
        if footer is not None:
            raise EvidenceError("a line follows the last one.", path=path, line=number)
        if value.get("end") is True:
            footer = _checked_footer(value, len(exchanges), path, number)
            continue
        exchange = _exchange(value, path, number)
        if exchange.id in exchanges:
            raise EvidenceError(f"the exchange {exchange.id!r} is there twice.", path=path, line=number)
        exchanges[exchange.id] = exchange
    return Evidence(
        header=header,
        exchanges=tuple(exchanges.values()),
        complete=footer is not None,
        unsent={} if footer is None else footer["unsent"],
        interrupted=footer is not None and footer["interrupted"],
    )


def _load(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        return load_line(line)
    except LineError as error:
        raise EvidenceError(f"the line is broken: {error}.", path=path, line=number) from error


def _exchange(value: Mapping[str, Any], path: Path, number: int) -> Exchange:
    try:
        return exchange_from_json(value)
    except LineError as error:
        raise EvidenceError(f"the line is not an exchange: {error}.", path=path, line=number) from error


def _checked_footer(value: dict[str, Any], count: int, path: Path, number: int) -> dict[str, Any]:
    if value.get("count") != count:
        raise EvidenceError(
            f"the run wrote {value.get('count')!r} exchanges, but {count} are here.", path=path, line=number
        )
    unsent = value.get("unsent")
    well_formed = isinstance(unsent, dict) and all(isinstance(reason, str) for reason in unsent.values())
    if not well_formed or not isinstance(value.get("interrupted"), bool):
        raise EvidenceError("the last line is broken: it has no 'unsent' or 'interrupted'.", path=path, line=number)
    return value
