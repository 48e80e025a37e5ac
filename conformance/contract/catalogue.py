"""Loads the requirement rows: behaviours that no schema keyword can say, and how they apply to a profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.contract.derive import digest
from conformance.contract.documents import ContractError, Document, enforce, read_document
from conformance.contract.model import Basis, Level, Requirement, Section, Tier
from conformance.contract.pointers import join
from conformance.contract.provenance import Entry, Provenance, lower, stronger
from conformance.shipped import catalogue_directory, shipped_profiles

SCHEMA = "requirements.schema.json"
ANY_PROFILE = "*"
"""Stands in a row for every document of a user."""

_SOURCES = "sources.yaml"
_OWN_PLACE = "requirement rows"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was written, and where."""

    id: str
    written: Mapping[str, Any] = field(hash=False)
    document: Document
    pointer: str

    @property
    def is_new(self) -> bool:
        """Whether the row makes a requirement; otherwise it changes the one that has its id."""
        return "statement" in self.written

    @property
    def section(self) -> Section:
        """The section, which the id begins with."""
        return Section(self.id.split(".", 1)[0])

    def error(self, message: str, *inside: str) -> ContractError:
        """An error of this row."""
        return self.document.error(f"row `{self.id}`: {message}", join(self.pointer, *inside))


def read_rows(path: Path) -> tuple[Row, ...]:
    """The rows of one file.

    Raises:
        ContractError: the file departs from specs/requirements.schema.json, an id stands twice, or an id does not
            begin with its row's section.
    """
    document = read_document(path)
    enforce(document, SCHEMA)
    rows = tuple(
        Row(written["id"], written, document, join("", number)) for number, written in enumerate(document.data)
    )
    for row in rows:
        section = row.written.get("section")
        if section is not None and section != row.section:
            raise row.error(f"the id begins with `{row.section}`, but the section is `{section}`", "section")
    _check_unique(rows)
    return rows


@cache
def shipped_rows(directory: Path | None = None) -> tuple[Row, ...]:
    """The rows of the shipped catalogue, file by file.

    Raises:
        ContractError: as `read_rows`; or a row only changes another, or says neither where it applies nor why it
            is excluded.
    """
    folder = catalogue_directory() if directory is None else directory
    rows = tuple(row for path in sorted(folder.glob("*.yaml")) if path.name != _SOURCES for row in read_rows(path))
    _check_unique(rows)
    for row in rows:
        if not {"statement", "section", "source"} <= row.written.keys():
            raise row.error("a row of the catalogue has a section, a statement and a source")
        if not row.written.keys() & {"profiles", "excluded"} or "level" in row.written:
            raise row.error("a row of the catalogue says in `profiles` where it applies, or why it is `excluded`")
    return rows


def shipped_requirements(rows: Iterable[Row], profile: str, provenance: Provenance) -> Iterator[Requirement]:
    """The catalogue's requirements on a shipped profile, or with `*` on a user's own document.

    On a user's own document a level that its standards do not support is lowered.

    Raises:
        ContractError: a row names an unknown document, or wants a level that its basis forbids.
    """
    for row in rows:
        profiles = row.written.get("profiles")
        if profiles is not None and profile in profiles:
            applied = profiles[profile]
            apart = isinstance(applied, Mapping)
            entry = applied.get("source", row.written["source"]) if apart else row.written["source"]
            level = Level(applied["level"] if apart else applied)
            yield _requirement(row, entry, level, provenance, lowered=profile == ANY_PROFILE)
        elif profiles is None and "excluded" in row.written:
            entry = row.written["source"]
            if entry["document"] in provenance.documents:
                yield _requirement(row, entry, Level.MUST, provenance, lowered=True)
            elif entry["document"] not in shipped_profiles():
                raise row.error(f"the document `{entry['document']}` is not in {_SOURCES}; add it", "source")


def with_own_rows(
    requirements: Iterable[Requirement], rows: Iterable[Row], provenance: Provenance
) -> Iterator[Requirement]:
    """The requirements as a user's own rows change them, and then the new ones.

    Raises:
        ContractError: a row changes what is not there, takes an id that is taken, or wants a level that its basis
            forbids.
    """
    changes = {row.id: row for row in rows if not row.is_new}
    new = {row.id: row for row in rows if row.is_new}
    for requirement in requirements:
        if requirement.id in new:
            message = "the id is taken; to change that requirement, leave the statement out"
            raise new[requirement.id].error(message, "id")
        change = changes.pop(requirement.id, None)
        yield requirement if change is None else _changed(requirement, change, provenance)
    for row in changes.values():
        raise row.error("no requirement has this id; a new one has a statement", "id")
    for row in new.values():
        yield _own_requirement(row, provenance)


def _own_requirement(row: Row, provenance: Provenance) -> Requirement:
    level = row.written.get("level")
    entry: Entry = row.written.get(
        "source", {"document": provenance.profile, "place": f"{_OWN_PLACE}, {row.id}", "basis": Basis.STATED.value}
    )
    profiles = row.written.get("profiles", {})
    applied = profiles.get(provenance.profile, profiles.get(ANY_PROFILE))
    if isinstance(applied, Mapping):
        entry, applied = applied.get("source", entry), applied["level"]
    level = level or applied
    if level is None and "excluded" not in row.written:
        raise row.error("the row has no `level`; add MUST, SHOULD or MAY")
    return _requirement(row, entry, Level(level or Level.MUST), provenance, lowered=level is None)


def _changed(requirement: Requirement, row: Row, provenance: Provenance) -> Requirement:
    level = Level(row.written.get("level", requirement.level))
    strongest = provenance.strongest(requirement.source.basis, requirement.source.document)
    if stronger(level, strongest):
        raise row.error(f"the basis `{requirement.source.basis}` allows {strongest} at most", "level")
    return replace(
        requirement,
        level=level,
        tier=Tier(row.written.get("tier", requirement.tier)),
        excluded=row.written.get("excluded", requirement.excluded),
    )


def _requirement(row: Row, entry: Entry, level: Level, provenance: Provenance, *, lowered: bool) -> Requirement:
    document = provenance.documents.get(entry["document"])
    if document is None:
        known = ", ".join(sorted(provenance.documents))
        raise row.error(f"the document `{entry['document']}` is not listed; listed are {known}", "source")
    source = provenance.source(entry)
    strongest = provenance.strongest(source.basis, entry["document"])
    if stronger(level, strongest) and not lowered:
        message = (
            f"the level {level} is more than {strongest}, the most that the basis `{source.basis}` on"
            f" `{source.document}` allows in the profile `{provenance.profile}`"
        )
        raise row.error(message, "profiles")
    level = lower(level, strongest)
    statement = " ".join(row.written["statement"].split())
    return Requirement(
        id=row.id,
        level=level,
        section=row.section,
        statement=statement,
        source=source,
        digest=digest([statement, source.document, source.place, source.basis, level, document.sha256]),
        tier=Tier(row.written.get("tier", Tier.STANDARD)),
        excluded=row.written.get("excluded"),
        case=row.written.get("case"),
    )


def _check_unique(rows: Iterable[Row]) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.id, row)
        if first is not row:
            where = f"{first.document.path.name}:{first.document.line(first.pointer)}"
            raise row.error(f"the id stands twice (first in {where}); keep one", "id")
