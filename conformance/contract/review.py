"""Tells which requirements no longer rest on what was reviewed: staleness, and sources that changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from conformance.contract.documents import ContractError, read_document
from conformance.contract.model import Contract, Requirement
from conformance.shipped import reviewed_path


@dataclass(frozen=True, slots=True)
class Stale:
    """A requirement that has to be reviewed, and why."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceChange:
    """A document whose text is not the one that the contract was rebuilt from.

    `expected` and `actual` are sha256 in hexadecimal; `actual` is None where the file is missing. `requirements` are
    the ids that rest on the document.
    """

    document: str
    file: str
    expected: str
    actual: str | None
    requirements: tuple[str, ...]


def review_path(contract: Contract) -> Path:
    """Where the reviewed state of a contract is kept: in a shipped profile's folder, or beside a user's document."""
    if not contract.is_own:
        return reviewed_path(contract.profile.name)
    return Path(contract.profile.path).with_suffix(".reviewed.json")


def stale(contract: Contract, path: Path | None = None) -> tuple[Stale, ...]:
    """The requirements whose digest is not the reviewed one; without a review, all of them.

    Raises:
        ContractError: the file of the review is broken.
    """
    where = review_path(contract) if path is None else path
    return tuple(_differences(contract, _reviewed(where) if where.exists() else {}))


def write_review(contract: Contract, path: Path | None = None) -> Path:
    """Notes that every requirement was reviewed as it is now, and returns the file."""
    where = review_path(contract) if path is None else path
    digests = {row.id: row.digest for row in _all(contract)}
    where.parent.mkdir(parents=True, exist_ok=True)
    where.write_text(json.dumps(digests, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return where


def source_changes(contract: Contract, directory: Path) -> tuple[SourceChange, ...]:
    """The documents in a folder that are not, byte for byte, those that the contract was rebuilt from."""
    changes: list[SourceChange] = []
    for document in contract.sources.values():
        if document.file is None or document.sha256 is None:
            continue
        path = directory / document.file
        actual = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
        if actual != document.sha256:
            resting = tuple(row.id for row in _all(contract) if row.source.document == document.name)
            changes.append(SourceChange(document.name, document.file, document.sha256, actual, resting))
    return tuple(changes)


def _all(contract: Contract) -> tuple[Requirement, ...]:
    return (*contract.requirements, *contract.excluded)


def _differences(contract: Contract, reviewed: Mapping[str, str]) -> Iterator[Stale]:
    current = _all(contract)
    for row in current:
        before = reviewed.get(row.id)
        if before is None:
            yield Stale(row.id, "new, never reviewed")
        elif before != row.digest:
            what = "the schema keyword" if row.keyword is not None else "the row"
            yield Stale(row.id, f"{what} or its source changed")
    names = {row.id for row in current}
    for gone in reviewed:
        if gone not in names:
            yield Stale(gone, "gone")


def _reviewed(path: Path) -> Mapping[str, str]:
    document = read_document(path)
    data = document.data
    if not isinstance(data, Mapping) or not all(isinstance(value, str) for value in data.values()):
        message = "this is not a record of reviews: it maps ids to digests, and `requirements --reviewed` writes it"
        raise ContractError(message, path=path)
    return data
