"""Loads the requirement rows: behaviours that no schema keyword can say, and how they apply to a profile."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
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
"""Stands among the exceptions of a row for every document of a user."""
TENANTS = "tenants"
"""The condition that the path of a contract says whose data a request is about."""

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
        if not row.written.keys() & {"level", "profiles", "excluded"}:
            raise row.error("a row of the catalogue has a `level`, `profiles` with levels, or a reason in `excluded`")
    return rows


def shipped_requirements(
    rows: Iterable[Row], profile: str, provenance: Provenance, *, conditions: Collection[str] = ()
) -> Iterator[Requirement]:
    """The catalogue's requirements on a shipped profile, or with `*` on a user's own document.

    A row's own level holds wherever no exception names the profile, if what its `when` asks for is among the
    `conditions`. Where the standards of the contract do not support that level, it is lowered.

    Raises:
        ContractError: a row names an unknown document, or an exception a level that its basis forbids.
    """
    for row in rows:
        applied = _applied(row, profile)
        if applied is not None and (applied.is_exception or row.written.get("when") in (None, *conditions)):
            lowered = profile == ANY_PROFILE or not applied.is_exception
            yield _requirement(row, applied.entry, applied.level, provenance, lowered=lowered)
        elif "excluded" in row.written and not row.written.keys() & {"level", "profiles"}:
            entry = row.written["source"]
            if entry["document"] in provenance.documents:
                yield _requirement(row, entry, Level.MUST, provenance, lowered=True)
            elif entry["document"] not in shipped_profiles():
                raise row.error(f"the document `{entry['document']}` is not in {_SOURCES}; add it", "source")


@dataclass(frozen=True, slots=True)
class _Applied:
    """How a row applies to a profile: its level and source there, and whether an exception says so."""

    level: Level
    entry: Entry
    is_exception: bool


def _applied(row: Row, profile: str) -> _Applied | None:
    """How a row applies to a profile, or None where it does not."""
    level, entry = row.written.get("level"), row.written.get("source", {})
    exceptions = row.written.get("profiles", {})
    is_exception = profile in exceptions
    exception = exceptions.get(profile)
    if is_exception:
        if exception is None:
            return None
        written = exception if isinstance(exception, Mapping) else {"level": exception}
        level, entry = written.get("level", level), written.get("source", entry)
        if level is None:
            raise row.error("the exception has no `level`, and neither has the row", "profiles", profile)
    return None if level is None else _Applied(Level(level), entry, is_exception)


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
    made = (_own_requirement(row, provenance) for row in new.values())
    yield from (requirement for requirement in made if requirement is not None)


def _own_requirement(row: Row, provenance: Provenance) -> Requirement | None:
    """The requirement that a user's own row makes, or None where the row leaves this contract out."""
    for name in ("when", "why", "fix", "shows"):
        if name in row.written:
            raise row.error(f"`{name}` has a meaning in the shipped catalogue only; leave it out", name)
    exceptions = row.written.get("profiles", {})
    applied = _applied(row, provenance.profile if provenance.profile in exceptions else ANY_PROFILE)
    if applied is None and "excluded" not in row.written:
        if {provenance.profile, ANY_PROFILE} & exceptions.keys():
            return None
        raise row.error("the row has no `level`; add MUST, SHOULD or MAY")
    entry = (applied.entry if applied is not None else row.written.get("source")) or {
        "document": provenance.profile,
        "place": f"{_OWN_PLACE}, {row.id}",
        "basis": Basis.STATED.value,
    }
    level, lowered = (Level.MUST, True) if applied is None else (applied.level, applied.is_exception)
    return _requirement(row, entry, level, provenance, lowered=lowered)


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
    entry = {**entry, "document": provenance.name_of(entry["document"])}
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
        shows=tuple(row.written.get("shows", ())),
    )


def _check_unique(rows: Iterable[Row]) -> None:
    seen: dict[str, Row] = {}
    for row in rows:
        first = seen.setdefault(row.id, row)
        if first is not row:
            where = f"{first.document.path.name}:{first.document.line(first.pointer)}"
            raise row.error(f"the id stands twice (first in {where}); keep one", "id")
