"""Derives one requirement from each constraining keyword of the contract's schemas."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.branches import branch_names, kebab, selectors
from conformance.contract.model import (
    BESIDE_THE_BODY,
    Keyword,
    Level,
    Operation,
    Requirement,
    Schema,
    Section,
    Source,
    SourceDocument,
    Tier,
)
from conformance.contract.pointers import join, look_up
from conformance.contract.provenance import X_SOURCE, Provenance
from conformance.contract.statements import statement
from conformance.contract.vocabulary import constraints, source_key, without_annotations

X_TIER = "x-tier"
"""Beside a keyword: the tier in which its requirement is judged, for all keywords of the schema or by keyword."""

MOST_REQUIREMENTS = 5_000
"""Requirements that the schemas of one contract may make; those of the shipped ones make fewer than 200."""
_SELECTING = frozenset({"type", "const", "enum"})
_CHOICES = ("anyOf", "oneOf")
_HOLD_SCHEMAS = frozenset(
    {
        *("anyOf", "oneOf", "not", "contains", "propertyNames", "dependentSchemas"),
        *("unevaluatedProperties", "unevaluatedItems"),
    }
)


def located_schemas(operation: Operation) -> Iterator[tuple[str, Schema]]:
    """Each schema of an operation with its location, such as `path.NAME` or `error.400` (see `Keyword.location`)."""
    yield "request", operation.request_schema
    for name, schema in operation.path_parameters.items():
        yield f"path.{name}", schema
    yield from ((place.value, schema) for place, schema in operation.beside.items())
    success = operation.success
    for response in operation.responses:
        if response is success and response.status.lower() != "default":
            if response.json_schema is not None:
                yield "completion", response.json_schema
            if response.item_schema is not None:
                yield "stream.chunk", response.item_schema
        elif response.status[0] in "45dD" and response.json_schema is not None:
            yield f"error.{response.status}", response.json_schema


class TooManyRequirementsError(Exception):
    """The schemas make more requirements than can be judged; the message is one sentence."""


def derived_requirements(operation: Operation, provenance: Provenance) -> tuple[Requirement, ...]:
    """The requirements that an operation's schemas make, section by section in the order of the document.

    Raises:
        TooManyRequirementsError: they make more than `MOST_REQUIREMENTS`.
    """
    taken: set[str] = set()
    derived: list[Requirement] = []
    for location, schema in located_schemas(operation):
        for place in places(schema, kinds=location == "request"):
            derived.extend(_at(location, place, provenance, taken))
            if len(derived) > MOST_REQUIREMENTS:
                raise TooManyRequirementsError(
                    f"the schemas up to that of the {_named(location)} have more than {MOST_REQUIREMENTS} keywords,"
                    " each of which would be a requirement; describe less of it"
                )
    return tuple(derived)


def _named(location: str) -> str:
    """A location in words: "request", "parameter `orgId`", "error 400"."""
    kind, _, name = location.partition(".")
    return f"parameter `{name}`" if kind == "path" else location.replace(".", " ")


@dataclass(frozen=True, slots=True)
class SchemaPlace:
    """One schema object inside a schema: its pointer, the parts of its id, and the way to it in words."""

    schema: Mapping[str, Any]
    pointer: str
    parts: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()
    """Keywords that only select this branch, so that breaking them breaks the choice and not the branch."""
    distinguishing: frozenset[str] = frozenset()
    """Properties that tell this branch from the others."""

    def judged(self) -> Iterator[tuple[str, Any]]:
        """Each keyword that is a requirement of its own, with its value; for `required` one pair for each name."""
        for name, value in constraints(self.schema):
            if name not in self.left_out and not (name == "required" and value in self.distinguishing):
                yield name, value


def places(root: Schema, *, kinds: bool = False) -> Iterator[SchemaPlace]:
    """Every schema object whose keywords are requirements of their own; what contains itself is entered once.

    With `kinds`, what holds for a kind of values is among them: the `then` and the `else` of an `if` with a `title`.
    """
    if not isinstance(root, Mapping):
        return
    definitions: Mapping[str, Any] = root.get("$defs", {})
    entered: set[str] = set()
    ahead = [SchemaPlace(root, "")]
    while ahead:
        place = ahead.pop()
        by_kind = list(_kinds(place)) if kinds else []
        yield replace(place, left_out=place.left_out | {"if"}) if by_kind else place
        below = [*_below(place), *by_kind]
        reference = place.schema.get("$ref")
        name = reference.removeprefix("#/$defs/") if isinstance(reference, str) else ""
        if name in definitions:
            below.append(SchemaPlace(definitions[name], join("", "$defs", name), place.parts, place.words))
        for child in reversed(below):
            if not child.pointer.startswith("/$defs/") or child.pointer not in entered:
                entered.add(child.pointer)
                ahead.append(child)


def _below(place: SchemaPlace) -> Iterator[SchemaPlace]:
    schema = place.schema
    for name in schema.get("properties", {}):
        yield from _child(place, ("properties", name), (_id_part(name),), name)
    for pattern in schema.get("patternProperties", {}):
        yield from _child(
            place, ("patternProperties", pattern), ("pattern-properties", _id_part(pattern)), f"/{pattern}/"
        )
    yield from _child(place, ("additionalProperties",), ("additional-properties",), "*")
    for number in range(len(schema.get("prefixItems", []))):
        yield from _child(place, ("prefixItems", str(number)), ("prefix-items", str(number)), f"[{number}]")
    yield from _child(place, ("items",), ("items",), "[]")
    for keyword in _CHOICES:
        yield from _branches(place, keyword)
    for number, name in enumerate(branch_names(schema.get("allOf", []))):
        yield from _child(place, ("allOf", str(number)), (name,))


def _kinds(place: SchemaPlace) -> Iterator[SchemaPlace]:
    """What holds for the values of the kind that an `if` names by its `title`, and what for all others."""
    condition = place.schema.get("if")
    title = condition.get("title") if isinstance(condition, Mapping) else None
    if isinstance(title, str):
        yield from _child(place, ("then",), (), f"({title})")
        yield from _child(place, ("else",), (), f"(any but {title})")


def _branches(place: SchemaPlace, keyword: str) -> Iterator[SchemaPlace]:
    branches = place.schema.get(keyword, [])
    distinguishing = selectors(branches)
    for number, (branch, name) in enumerate(zip(branches, branch_names(branches), strict=True)):
        if isinstance(branch, Mapping):
            pointer = join(place.pointer, keyword, number)
            parts, words = (*place.parts, name), (*place.words, f"({name})")
            yield SchemaPlace(branch, pointer, parts, words, _SELECTING, distinguishing)


def _child(place: SchemaPlace, tokens: tuple[str, ...], parts: tuple[str, ...], *words: str) -> Iterator[SchemaPlace]:
    """The schema object that the tokens lead to, if there is one."""
    pointer = join("", *tokens)
    try:
        schema = look_up(place.schema, pointer)
    except KeyError:
        return
    if isinstance(schema, Mapping):
        distinguishes = tokens[0] == "properties" and tokens[1] in place.distinguishing
        left_out = _SELECTING if distinguishes else frozenset[str]()
        yield SchemaPlace(schema, place.pointer + pointer, (*place.parts, *parts), (*place.words, *words), left_out)


def _id_part(name: str) -> str:
    """A property's name in an id: lower-case, its underscores kept, other marks as hyphens."""
    return kebab(name.lower()) or "unnamed"


def _at(location: str, place: SchemaPlace, provenance: Provenance, taken: set[str]) -> Iterator[Requirement]:
    entries = place.schema.get(X_SOURCE, {})
    for name, value in place.judged():
        if source_key(name, value) not in entries:
            continue  # an annotation, where nobody says that it is more
        keyword = Keyword(location, join(place.pointer, name), name, value, place.schema)
        entry = entries[source_key(name, value)]
        source, level = provenance.source(entry), provenance.level(entry)
        document = provenance.documents[entry["document"]]
        yield Requirement(
            id=_free(_id(location, place, name, value), taken),
            level=level,
            section=_section(location),
            statement=statement(keyword, place.words),
            source=source,
            digest=keyword_digest(keyword, source, level, document),
            tier=_tier(place.schema, name),
            keyword=keyword,
        )


def _tier(schema: Mapping[str, Any], keyword: str) -> Tier:
    written = schema.get(X_TIER, Tier.STANDARD)
    return Tier(written.get(keyword, Tier.STANDARD) if isinstance(written, Mapping) else written)


def _id(location: str, place: SchemaPlace, name: str, value: Any) -> str:
    parts = [*place.parts, *([_id_part(value)] if name == "required" else []), kebab(name)]
    return ".".join((_prefix(location), *parts))


def _prefix(location: str) -> str:
    if location.startswith("path."):
        return f"request.path.{kebab(location.removeprefix('path.'))}"
    return f"request.{location}" if location in BESIDE_THE_BODY else location.lower()


def _free(wanted: str, taken: set[str]) -> str:
    """The id, with a number behind it where names that differ only in their marks would share it."""
    unique, number = wanted, 1
    while unique in taken:
        number += 1
        unique = f"{wanted}-{number}"
    taken.add(unique)
    return unique


def _section(location: str) -> Section:
    first = location.split(".", 1)[0]
    return Section.REQUEST if first == "path" or first in BESIDE_THE_BODY else Section(first)


def keyword_digest(keyword: Keyword, source: Source, level: Level, document: SourceDocument) -> str:
    """The sha256 of what a derived requirement rests on; other annotations of the schema do not count."""
    value = keyword.value
    if keyword.name in _HOLD_SCHEMAS:
        value = without_annotations({keyword.name: value})
    if keyword.name == "if" and isinstance(keyword.schema, Mapping):
        held = {name: schema for name, schema in keyword.schema.items() if name in ("if", "then", "else")}
        value = without_annotations(held)
    return digest([keyword.pointer, value, source.document, source.place, source.basis, level, document.sha256])


def digest(parts: list[Any]) -> str:
    """The sha256 of a list of JSON values in one canonical form, hexadecimal."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
