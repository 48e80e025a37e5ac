"""Where each constraint of a schema comes from, and how binding that lets it be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.contract.documents import Document
from conformance.contract.model import Basis, Level, Source, SourceDocument
from conformance.contract.pointers import join
from conformance.contract.vocabulary import constraints, source_key

X_SOURCE = "x-source"
OWN_DOCUMENT = "contract"
"""The name by which rows of the catalogue speak of the contract's own document, whatever its profile."""
_EVERY = "*"
_ANNOTATING = frozenset({"format"})
_RANK = (Level.MAY, Level.SHOULD, Level.MUST)
_ENTRY_KEYS = frozenset({"document", "place", "basis", "level"})

Entry = Mapping[str, Any]
"""One source as it is written: `document`, `place`, `basis` and perhaps `level`."""
_Written = Mapping[str, Entry | None]
"""Sources by the key of their constraint; None for one that nobody is judged by."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """The documents that sources may name, and the standards that the contract leans on."""

    profile: str
    documents: Mapping[str, SourceDocument] = field(hash=False)
    standards: tuple[str, ...]
    complete: bool
    """Whether every constraint must name its source (a shipped profile), or the document itself is the source."""

    def name_of(self, document: str) -> str:
        """The name of a document that a row speaks of: `contract` is the document that is judged against."""
        return self.profile if document == OWN_DOCUMENT else document

    def strongest(self, basis: Basis, document: str) -> Level:
        """The strongest level that a basis allows.

        Only what is stated, or stands in the document's schema or in a standard that it leans on, may be a MUST.
        """
        binding = basis in (Basis.STATED, Basis.SCHEMA) or (basis is Basis.REFERENCE and document in self.standards)
        return Level.MUST if binding else Level.SHOULD

    def source(self, entry: Entry) -> Source:
        """The source that a checked entry describes."""
        document = self.documents[entry["document"]]
        return Source(document.name, entry["place"], Basis(entry["basis"]), document.title, document.url)

    def level(self, entry: Entry) -> Level:
        """How binding a constraint with this source is."""
        strongest = self.strongest(Basis(entry["basis"]), entry["document"])
        return lower(Level(entry["level"]), strongest) if "level" in entry else strongest

    def check(self, entry: Any, document: Document, pointer: str) -> Entry:
        """An entry that was read at a pointer, if it is one.

        Raises:
            ContractError: the entry lacks a part, names an unknown document, or wants a level that its basis forbids.
        """
        if not isinstance(entry, Mapping) or not {"document", "place", "basis"} <= entry.keys() <= _ENTRY_KEYS:
            raise document.error("a source has `document`, `place` and `basis`, and perhaps `level`", pointer)
        if not isinstance(entry["place"], str) or not entry["place"]:
            raise document.error("the `place` of a source is text that leads a reader to the sentence", pointer)
        if not isinstance(entry["document"], str) or entry["document"] not in self.documents:
            known = ", ".join(sorted(self.documents))
            raise document.error(f"the source `{entry['document']!s:.80}` is not listed; listed are {known}", pointer)
        if entry["basis"] not in list(Basis):
            raise document.error(f"the basis is one of {', '.join(Basis)}", pointer)
        if "level" in entry:
            if entry["level"] not in list(Level):
                raise document.error(f"the level is one of {', '.join(Level)}", pointer)
            strongest = self.strongest(Basis(entry["basis"]), entry["document"])
            if stronger(Level(entry["level"]), strongest):
                raise document.error(f"the basis `{entry['basis']}` allows {strongest} at most", pointer)
        return entry

    def attributed(self, schema: Mapping[str, Any], document: Document, pointer: str) -> Mapping[str, Entry]:
        """The source of each constraint of a schema object, by its key (`maximum`, `required.model`).

        In a user's own document, `format` constrains only where an entry says so: in itself it is an annotation (JSON
        Schema 2020-12 Validation, section 7.2.1). A constraint whose entry is null is in force, and nobody is judged by
        it.

        Raises:
            ContractError: an entry is wrong, or a constraint has none although it must.
        """
        written = self._written(schema.get(X_SOURCE), document, pointer)
        entries: dict[str, Entry] = {}
        for keyword, value in constraints(schema):
            key = source_key(keyword, value)
            found = _key_in(written, key)
            if found is None and self.complete:
                raise document.error(f"`{keyword}` has no source; add an entry to {X_SOURCE}", join(pointer, keyword))
            if found is None and keyword in _ANNOTATING:
                continue
            entry = self.own_entry(join(pointer, keyword)) if found is None else written[found]
            if entry is not None:
                entries[key] = entry
        return entries

    def own_entry(self, pointer: str) -> Entry:
        """The source of what the document itself says at a pointer."""
        return {"document": self.profile, "place": f"#{pointer}", "basis": Basis.SCHEMA.value}

    def overridden(
        self, entries: Mapping[str, Entry], x_source: Any, document: Document, pointer: str
    ) -> Mapping[str, Entry]:
        """The sources of a schema whose `$ref` has an `x-source` beside it, which speaks of this use of the schema."""
        written = self._written(x_source, document, pointer)
        chosen = {
            key: entry if (found := _key_in(written, key)) is None else written[found] for key, entry in entries.items()
        }
        return {key: entry for key, entry in chosen.items() if entry is not None}

    def _written(self, x_source: Any, document: Document, pointer: str) -> _Written:
        if x_source is None:
            return {}
        where = join(pointer, X_SOURCE)
        if not isinstance(x_source, Mapping):
            raise document.error(f"{X_SOURCE} is an object", where)
        if "document" in x_source:
            return {_EVERY: self.check(x_source, document, where)}
        return {
            str(key): None if entry is None else self.check(entry, document, join(where, key))
            for key, entry in x_source.items()
        }


def _key_in(written: _Written, key: str) -> str | None:
    """The nearest key under which a constraint has an entry: its own, that of its keyword, that of all."""
    return next((one for one in (key, key.split(".", 1)[0], _EVERY) if one in written), None)


def stronger(one: Level, other: Level) -> bool:
    """Whether a level binds more than another."""
    return _RANK.index(one) > _RANK.index(other)


def lower(one: Level, other: Level) -> Level:
    """The level that binds less."""
    return other if stronger(one, other) else one
