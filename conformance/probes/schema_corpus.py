"""The corpus of small schemas that a call's arguments, or a structured answer, must fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from conformance.contract.documents import enforce, read_document
from conformance.contract.model import Tier
from conformance.shipped import schema_corpus_path

SCHEMA: Final = "schema-corpus.schema.json"


@dataclass(frozen=True, slots=True)
class CorpusSchema:
    """One schema: its name, what is special about it, and the least tier that asks for it."""

    name: str
    about: str
    tier: Tier
    schema: Mapping[str, Any] = field(hash=False)


@cache
def schema_corpus() -> tuple[CorpusSchema, ...]:
    """The schemas of the corpus, in the order of the file.

    Raises:
        ContractError: the file is missing or departs from specs/schema-corpus.schema.json.
    """
    document = read_document(schema_corpus_path())
    enforce(document, SCHEMA)
    return tuple(
        CorpusSchema(one["name"], one["about"], Tier(one.get("tier", Tier.EXHAUSTIVE)), one["schema"])
        for one in document.data
    )


def corpus_schema(name: str) -> CorpusSchema:
    """The schema of the corpus with this name."""
    return next(one for one in schema_corpus() if one.name == name)
