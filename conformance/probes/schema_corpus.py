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
TOGETHER: Final = "all-together"
"""The schema that has most forms at once, and a text of more than 1 KB."""
_LONG, _VERY_LONG = 1200, 24_000
"""Completion tokens of a text of more than 1 KB, and of one of more than 16 KB."""


@dataclass(frozen=True, slots=True)
class CorpusSchema:
    """One schema: its name, what is special about it, and the least tier that asks for it."""

    name: str
    about: str
    tier: Tier
    schema: Mapping[str, Any] = field(hash=False)
    tokens: int | None = None
    """Completion tokens of what fits it, where they are many."""


@cache
def schema_corpus() -> tuple[CorpusSchema, ...]:
    """The schemas of the corpus, in the order of the file.

    Raises:
        ContractError: the file is missing or departs from specs/schema-corpus.schema.json.
    """
    document = read_document(schema_corpus_path())
    enforce(document, SCHEMA)
    return tuple(
        CorpusSchema(one["name"], one["about"], _tier(one), one["schema"], _LONG if one["name"] == TOGETHER else None)
        for one in document.data
    )


def corpus_schema(name: str) -> CorpusSchema:
    """The schema of the corpus with this name."""
    return next(one for one in schema_corpus() if one.name == name)


@cache
def very_long() -> CorpusSchema:
    """A schema with a text of more than 16 KB, in which no two lines are the same."""
    line = 'particularly professional conversation {} \u00e9\u4e16\u754c \U0001f469\u200d\U0001f467 "quoted"\n'
    text = {"type": "string", "enum": ["".join(map(line.format, range(220)))]}
    schema = {"type": "object", "properties": {"text": text}, "required": ["text"], "additionalProperties": False}
    return CorpusSchema("very-long", "a text of more than 16 KB", Tier.EXHAUSTIVE, schema, _VERY_LONG)


def _tier(one: Mapping[str, Any]) -> Tier:
    return Tier(one.get("tier", Tier.EXHAUSTIVE))
