"""Reads specs/unseen-reports.yaml: the public reports that no fault of the lab stands for, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.contract.documents import enforce, read_document
from conformance.contract.pointers import join
from conformance.shipped import specs_directory

SCHEMA = "unseen-reports.schema.json"
FILE_NAME = "unseen-reports.yaml"


@dataclass(frozen=True, slots=True)
class UnseenReport:
    """What one or more public threads report, and why the lab does not show it."""

    id: str
    seen: tuple[str, ...]
    happened: str
    why: str
    visible: bool
    """Whether a caller could see it, so that the suite may come to see it, too."""


def unseen_reports(path: Path | None = None) -> tuple[UnseenReport, ...]:
    """The reports of this file, or of the one in specs/.

    Raises:
        ContractError: the file does not match specs/unseen-reports.schema.json, or has an id or a thread twice.
    """
    document = read_document(path or specs_directory() / FILE_NAME)
    enforce(document, SCHEMA)
    known: set[str] = set()
    for name, pointer in _names(document.data):
        if name in known:
            raise document.error(f"`{name}` stands here twice; keep one", pointer)
        known.add(name)
    return tuple(
        UnseenReport(
            one["id"],
            tuple(one["seen"]),
            one["happened"],
            one.get("cannot_be_seen") or one["not_yet_seen"],
            visible="not_yet_seen" in one,
        )
        for one in document.data
    )


def _names(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each id and each thread, and where it stands."""
    for number, one in enumerate(entries):
        yield one["id"], join("", number, "id")
        for place, thread in enumerate(one["seen"]):
            yield thread, join("", number, "seen", place)
