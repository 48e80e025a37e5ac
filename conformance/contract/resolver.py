"""Resolves the schemas of a document: they become self-contained, attributed, and written in 2020-12."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conformance.contract.composition import both, merged, with_null_as_type
from conformance.contract.documents import Document
from conformance.contract.model import Schema
from conformance.contract.openapi30 import modernized
from conformance.contract.pointers import join, look_up, split
from conformance.contract.provenance import X_SOURCE, Entry, Provenance
from conformance.contract.references import Cycles, target
from conformance.contract.soundness import misshapen
from conformance.contract.vocabulary import (
    ANNOTATIONS,
    HOLD_A_SCHEMA,
    HOLD_LISTS_OF_SCHEMAS,
    HOLD_SCHEMAS_BY_NAME,
)

MAX_DEPTH = 100
MAX_SIZE = 50_000
"""Schema objects in one schema once its references are followed."""

_WITHOUT_MEANING_HERE = frozenset(
    {"$id", "$schema", "$anchor", "$dynamicAnchor", "$vocabulary", "$defs", "definitions"}
)
_REF = "$ref"


@dataclass(frozen=True, slots=True)
class _Resolved:
    schema: Any
    size: int


class SchemaResolver:
    """Resolves the schemas of one document; what was resolved once in a schema is shared in it.

    `by_the_letter` reads `nullable` as the document's version has it, and not as its author may have meant it.
    """

    def __init__(self, document: Document, provenance: Provenance, *, by_the_letter: bool = False) -> None:
        self._document = document
        self._provenance = provenance
        self._cycles = Cycles(document)
        version = str(document.data.get("openapi", ""))
        self._siblings_count = not version.startswith("3.0")
        self._letter = version if by_the_letter else None
        self._origins: dict[int, tuple[str, Any]] = {}
        self._done: dict[str, _Resolved] = {}
        self._names: dict[str, str] = {}
        self._depth = 0

    def schema(self, pointer: str) -> Schema:
        """The schema at a pointer, in the words of 2020-12, with every reference replaced by what it names.

        Schemas that contain themselves stay references to `$defs` at the root. Every schema object has an `x-source`
        with one entry for each constraint. `allOf` is merged where this changes no meaning.

        Raises:
            ContractError: the schema or a reference in it is broken, or it is too deep or too large.
        """
        self._done, self._names = {}, {}
        root = self._at(pointer).schema
        definitions: dict[str, Any] = {}
        while len(definitions) < len(self._names):
            for circular, name in list(self._names.items()):
                if name not in definitions:
                    definitions[name] = self._followed(circular).schema
        if definitions and isinstance(root, Mapping):
            if root.keys() <= {_REF, X_SOURCE}:
                root = definitions[root[_REF].rsplit("/", 1)[1]]
            root = self._placed({**root, "$defs": definitions}, pointer)
        whole: Schema = root
        return whole

    def source_of(self, pointer: str) -> Entry:
        """The source of what stands at a pointer of the document, which is the document itself."""
        return self._provenance.own_entry(pointer)

    def origin(self, schema: Schema, path: tuple[str, ...]) -> str:
        """Where in the document the part of a resolved schema was written, as nearly as is known."""
        nearest = ""
        at: Any = schema
        for number in range(len(path) + 1):
            if isinstance(at, Mapping) and id(at) in self._origins:
                nearest = join(self._origins[id(at)][0], *path[number:])
            if number < len(path):
                try:
                    at = look_up(at, join("", path[number]))
                except KeyError:  # The path is only as good as the validator that gave it.
                    break
        return nearest

    def _placed(self, schema: dict[str, Any], pointer: str) -> dict[str, Any]:
        # The schema is kept with its place, so that its identity is never that of another.
        self._origins[id(schema)] = (pointer, schema)
        return schema

    def _at(self, pointer: str) -> _Resolved:
        written = look_up(self._document.data, pointer)
        if isinstance(written, bool):
            return _Resolved(written, 1)
        if not isinstance(written, Mapping):
            raise self._document.error("a schema is an object, true or false", pointer)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._document.error(f"schemas are nested more than {MAX_DEPTH} deep", pointer)
        try:
            return self._reference(written, pointer) if _REF in written else self._object(written, pointer)
        finally:
            self._depth -= 1

    def _followed(self, pointer: str) -> _Resolved:
        """What stands at the target of a reference."""
        if pointer not in self._done:
            self._done[pointer] = self._at(pointer)
        return self._done[pointer]

    def _name(self, pointer: str) -> str:
        """The name in `$defs` of a schema that contains itself."""
        if pointer not in self._names:
            base = re.sub(r"[^A-Za-z0-9_.-]", "-", (split(pointer) or ("root",))[-1]) or "schema"
            name, number = base, 1
            while name in self._names.values():
                number += 1
                name = f"{base}-{number}"
            self._names[pointer] = name
        return self._names[pointer]

    def _reference(self, written: Mapping[str, Any], pointer: str) -> _Resolved:
        to = target(self._document, written[_REF], pointer)
        circular = self._cycles.is_circular(to)
        found = _Resolved({_REF: f"#/$defs/{self._name(to)}"}, 1) if circular else self._followed(to)
        beside = {key: value for key, value in written.items() if key != _REF}
        if not beside or not self._siblings_count:
            return found
        if not isinstance(found.schema, dict):
            return found if found.schema is False else self._object(beside, pointer)
        if not circular and not beside.keys() - ANNOTATIONS:
            return _Resolved(self._annotated(found.schema, beside, pointer), found.size)
        return self._with_neighbours(found, beside, pointer)

    def _annotated(self, schema: dict[str, Any], beside: Mapping[str, Any], pointer: str) -> dict[str, Any]:
        """A referenced schema with the annotations that stand beside its `$ref`."""
        result, _ = modernized({**schema, **beside}, self._letter)
        entries: Mapping[str, Entry] = schema.get(X_SOURCE, {})
        if X_SOURCE in beside:
            entries = self._provenance.overridden(entries, beside[X_SOURCE], self._document, pointer)
        result[X_SOURCE] = entries
        return self._placed(result, pointer)

    def _with_neighbours(self, found: _Resolved, beside: Mapping[str, Any], pointer: str) -> _Resolved:
        """A referenced schema with the constraints that stand beside its `$ref`: both apply (from OpenAPI 3.1 on)."""
        neighbour = self._object({key: value for key, value in beside.items() if key != "nullable"}, pointer)
        together = None if _REF in found.schema else both(neighbour.schema, found.schema)
        if together is None:
            together = {**neighbour.schema, "allOf": [*neighbour.schema.get("allOf", []), found.schema]}
        if beside.get("nullable") is True and self._letter is None:
            together = self._or_null(together, pointer)
        return _Resolved(self._placed(together, pointer), found.size + neighbour.size)

    def _object(self, written: Mapping[str, Any], pointer: str) -> _Resolved:
        self._check(written, pointer)
        size = 1
        resolved: dict[str, Any] = {}
        for keyword, value in written.items():
            if keyword in _WITHOUT_MEANING_HERE or (keyword.startswith("x-") and keyword not in ANNOTATIONS):
                continue
            resolved[keyword], inside = self._value(keyword, value, join(pointer, keyword))
            size += inside
        if size > MAX_SIZE:
            message = f"the schema has more than {MAX_SIZE} parts once its references are followed"
            raise self._document.error(message, pointer)
        resolved, null_too = modernized(resolved, self._letter)
        resolved[X_SOURCE] = self._provenance.attributed(resolved, self._document, pointer)
        resolved = with_null_as_type(merged(resolved))
        if null_too:
            resolved = self._or_null(self._placed(resolved, pointer), pointer)
        return _Resolved(self._placed(resolved, pointer), size)

    def _check(self, written: Mapping[str, Any], pointer: str) -> None:
        plain, _ = modernized(dict(written))
        wrong = misshapen(plain)
        if wrong is not None:
            keyword, message = wrong
            raise self._document.error(message, join(pointer, keyword))

    def _value(self, keyword: str, value: Any, pointer: str) -> tuple[Any, int]:
        if keyword in HOLD_A_SCHEMA:
            found = self._at(pointer)
            return found.schema, found.size
        if keyword in HOLD_SCHEMAS_BY_NAME:
            named = {name: self._inner(join(pointer, name)) for name in value}
            return {name: one.schema for name, one in named.items()}, sum(one.size for one in named.values())
        if keyword in HOLD_LISTS_OF_SCHEMAS:
            listed = [self._inner(join(pointer, number)) for number in range(len(value))]
            if keyword != "prefixItems":
                listed = [self._titled(one, written, pointer) for one, written in zip(listed, value, strict=True)]
            return [one.schema for one in listed], sum(one.size for one in listed)
        return value, 0

    def _inner(self, pointer: str) -> _Resolved:
        """A schema by name or number; `false` becomes a schema object, so that a keyword forbids the value."""
        found = self._at(pointer)
        if found.schema is not False:
            return found
        forbidding: dict[str, Any] = {"not": {}}
        forbidding[X_SOURCE] = self._provenance.attributed(forbidding, self._document, pointer)
        return _Resolved(self._placed(forbidding, pointer), 1)

    def _titled(self, found: _Resolved, written: Any, pointer: str) -> _Resolved:
        """A branch with the name of what it refers to as its title, where it has none, so that it has a stable name."""
        referring = isinstance(written, Mapping) and _REF in written
        if not referring or not isinstance(found.schema, Mapping) or "title" in found.schema:
            return found
        name = (split(written[_REF][1:]) or ("root",))[-1]
        where, _ = self._origins.get(id(found.schema), (pointer, None))
        return _Resolved(self._placed({**found.schema, "title": name}, where), found.size)

    def _or_null(self, schema: Mapping[str, Any], pointer: str) -> dict[str, Any]:
        branches = [{"title": "value", **schema}, {"title": "null", "type": "null", X_SOURCE: {}}]
        either: dict[str, Any] = {"anyOf": branches}
        either[X_SOURCE] = self._provenance.attributed(either, self._document, pointer)
        return either
