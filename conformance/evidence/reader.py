"""Reads evidence back, and refuses what is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from conformance.evidence.bounds import OWN, BoundError, Bounds
from conformance.evidence.jsonl import FILE_NAME, FORMAT, LineError, exchange_from_json, load_line
from conformance.quoting import as_json, quoted
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


def read_evidence(directory: Path, bounds: Bounds = OWN) -> Evidence:
    """Read the evidence in a directory, without a last line that was cut while it was written.

    Raises:
        EvidenceError: there is none, its format is unknown, a line is broken, an exchange is missing or there twice, or
            there is more than `bounds` allow.
    """
    path = directory / FILE_NAME
    try:
        if path.exists() and not path.is_file():
            raise EvidenceError("it is not a regular file; give the directory that a run wrote.", path=path)
        with path.open("rb") as file:
            return _assembled(_objects(file, path, bounds), path, bounds)
    except OSError as error:
        raise EvidenceError(
            f"no evidence can be read here ({error.strerror}); give the directory that a run wrote.", path=path
        ) from error


def _objects(file: BinaryIO, path: Path, bounds: Bounds) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON object on each line, with the line's number; a line at a time is in memory."""
    size = 0
    for number in count(1):
        line = file.readline(bounds.line + 1)
        if not line:
            return
        try:
            bounds.check_line(line, size)
        except BoundError as error:
            raise EvidenceError(f"{error}.", path=path, line=number) from error
        size += len(line)
        if line.endswith(b"\n"):
            yield number, _load(line[:-1], path, number, bounds)
        else:
            # Either cut, as a killed run leaves it, or whole but for its line feed.
            with suppress(LineError):
                yield number, load_line(line, bounds.values)


def _assembled(objects: Iterator[tuple[int, dict[str, Any]]], path: Path, bounds: Bounds) -> Evidence:
    _, header = next(objects, (0, None))
    if header is None:
        raise EvidenceError("it is empty; the run was stopped before it wrote anything.", path=path)
    if header.get("format") != FORMAT:
        raise EvidenceError(
            f"its format is {as_json(header.get('format'))}, this version reads format {FORMAT}.", path=path, line=1
        )
    footer: dict[str, Any] | None = None
    exchanges: dict[str, Exchange] = {}
    reads = 0
    for number, value in objects:
        if footer is not None:
            raise EvidenceError("a line follows the last one.", path=path, line=number)
        if value.get("end") is True:
            footer = _checked_footer(value, len(exchanges), path, number)
            continue
        try:
            reads = bounds.reads_of(value, reads)
        except BoundError as error:
            raise EvidenceError(f"{error}.", path=path, line=number) from error
        exchange = _exchange(value, path, number)
        if exchange.id in exchanges:
            raise EvidenceError(f"the exchange {quoted(exchange.id)} is there twice.", path=path, line=number)
        exchanges[exchange.id] = exchange
        if len(exchanges) > bounds.exchanges:
            raise EvidenceError(f"it has more than {bounds.exchanges} exchanges.", path=path, line=number)
    return Evidence(
        header=header,
        exchanges=tuple(exchanges.values()),
        complete=footer is not None,
        unsent={} if footer is None else footer["unsent"],
        interrupted=footer is not None and footer["interrupted"],
    )


def _load(line: bytes, path: Path, number: int, bounds: Bounds) -> dict[str, Any]:
    try:
        return load_line(line, bounds.values)
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
            f"the run wrote {as_json(value.get('count'))} exchanges, but {count} are here.", path=path, line=number
        )
    unsent = value.get("unsent")
    well_formed = isinstance(unsent, dict) and all(isinstance(reason, str) for reason in unsent.values())
    if not well_formed or not isinstance(value.get("interrupted"), bool):
        raise EvidenceError("the last line is broken: it has no 'unsent' or 'interrupted'.", path=path, line=number)
    return value
