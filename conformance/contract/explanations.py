"""Why clients need a requirement, and how to fix a deployment that breaks it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from conformance.contract.catalogue import shipped_rows
from conformance.contract.documents import enforce, read_document
from conformance.contract.model import Place
from conformance.contract.pointers import split
from conformance.shipped import specs_directory

SCHEMA = "keyword-explanations.schema.json"
FILE_NAME = "keyword-explanations.yaml"
_OF_THE_REQUEST = {"request", *Place}


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why clients need a requirement, and how to fix what breaks it; a few sentences each."""

    why: str
    fix: str


@cache
def shipped_explanations() -> dict[str, Explanation]:
    """The explanations of the catalogue's rows, by id; a row that lacks a part has none.

    Raises:
        ContractError: the catalogue cannot be used.
    """
    written = {row.id: row.written for row in shipped_rows()}
    return {
        row_id: Explanation(row["why"], row["fix"]) for row_id, row in written.items() if {"why", "fix"} <= row.keys()
    }


def explanation(row_id: str, pointer: str | None = None) -> Explanation | None:
    """The explanation of a requirement, or None for one of a user's own rows.

    `pointer` is the schema keyword that it follows from, such as `request#/properties/n/minimum`, if it does.

    Raises:
        ContractError: the catalogue, or the explanations of keywords, cannot be used.
    """
    if pointer is None:
        return shipped_explanations().get(row_id)
    location, _, place = pointer.partition("#")
    keyword = next(reversed(split(place)), "")
    texts = _keyword_explanations()
    sentence = texts["keywords"].get(keyword, texts["other"])
    kind = "request" if location.split(".")[0] in _OF_THE_REQUEST else "answer"
    return Explanation(f"{sentence} {texts[kind]['why']}", texts[kind]["fix"])


@cache
def _keyword_explanations() -> Mapping[str, Any]:
    document = read_document(specs_directory() / FILE_NAME)
    enforce(document, SCHEMA)
    data: Mapping[str, Any] = document.data
    return data
