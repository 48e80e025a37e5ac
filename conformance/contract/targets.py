"""Follows the references of a document to the objects that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from conformance.contract.documents import Document
from conformance.contract.pointers import join, look_up

_MAX_STEPS = 100


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
        ContractError: the reference is no text, external, or leads nowhere.
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
