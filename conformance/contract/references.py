"""Follows the references of a document: where each leads, and which schemas contain themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from conformance.contract.documents import Document
from conformance.contract.pointers import join, look_up
from conformance.contract.vocabulary import child_schemas

_MAX_STEPS = 100
_IN_PLACE = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"})
"""Keywords whose schemas speak of the same value as the schema that holds them."""


def dereferenced(document: Document, pointer: str) -> tuple[Mapping[str, Any], str]:
    """The object at a pointer, or the one that its `$ref` leads to, and where that stands.

    Raises:
        ContractError: there is no object, or the reference is external, broken or circular.
    """
    for _ in range(_MAX_STEPS):
        value = look_up(document.data, pointer)
        if not isinstance(value, Mapping):
            raise document.error("an object should stand here", pointer)
        if "$ref" not in value:
            return value, pointer
        pointer = target(document, value["$ref"], pointer)
    raise document.error("the reference leads back to itself", pointer)


def target(document: Document, reference: Any, pointer: str) -> str:
    """The pointer that a `$ref` at `pointer` leads to.

    Raises:
        ContractError: the reference is not text, external, or leads nowhere.
    """
    where = join(pointer, "$ref")
    if not isinstance(reference, str):
        raise document.error("a $ref is text", where)
    shown = reference[:120]
    if not reference.startswith("#"):
        message = f"`{shown}` refers to another document; put what it names into this one"
        raise document.error(message, where)
    fragment = unquote(reference[1:])
    if fragment and not fragment.startswith("/"):
        raise document.error(f"`{shown}` names an anchor; use a JSON pointer (#/components/…)", where)
    try:
        look_up(document.data, fragment)
    except KeyError as error:
        raise document.error(f"`{shown}` leads nowhere; correct the pointer", where) from error
    return fragment


class Cycles:
    """Which targets of references contain themselves; what was found once is remembered."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._references: dict[tuple[str, bool], frozenset[str]] = {}
        self._circular: dict[str, bool] = {}

    def is_circular(self, pointer: str) -> bool:
        """Whether the schema at a pointer contains itself, perhaps by way of others.

        Raises:
            ContractError: it does so without end: for one and the same value.
        """
        if pointer not in self._circular:
            if self._comes_back(pointer, in_place=True):
                raise self._document.error("the schema refers to itself for the same value, without end", pointer)
            self._circular[pointer] = self._comes_back(pointer, in_place=False)
        return self._circular[pointer]

    def _comes_back(self, pointer: str, *, in_place: bool) -> bool:
        seen: set[str] = set()
        ahead = list(self._named_in(pointer, in_place=in_place))
        while ahead:
            at = ahead.pop()
            if at == pointer:
                return True
            if at not in seen:
                seen.add(at)
                ahead.extend(self._named_in(at, in_place=in_place))
        return False

    def _named_in(self, pointer: str, *, in_place: bool) -> frozenset[str]:
        """The targets of all references in the schema at a pointer."""
        known = self._references.get((pointer, in_place))
        if known is None:
            known = frozenset(self._walk(pointer, in_place=in_place))
            self._references[pointer, in_place] = known
        return known

    def _walk(self, pointer: str, *, in_place: bool) -> Iterator[str]:
        ahead: list[tuple[str, Any]] = [(pointer, look_up(self._document.data, pointer))]
        while ahead:
            at, schema = ahead.pop()
            if not isinstance(schema, Mapping):
                continue
            if "$ref" in schema:
                yield target(self._document, schema["$ref"], at)
            ahead.extend(
                (join(at, *tokens), child)
                for tokens, child in child_schemas(schema)
                if tokens[0] != "$defs" and (not in_place or tokens[0] in _IN_PLACE)
            )
