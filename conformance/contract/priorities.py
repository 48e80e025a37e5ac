"""Says which keywords of a large request schema are judged in the standard tier: those on which clients depend most.

Each keyword takes a request of its own, so that a schema of a thousand keywords is too much for a gate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from conformance.contract.model import Keyword, Place, Requirement, Tier
from conformance.contract.pointers import split

MOST_IN_STANDARD: Final = 80
"""Keywords of requests that the standard tier judges, so that its requests stay below 300."""
OF_CLIENTS: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature"),
        *("top_p", "n", "stop", "seed", "presence_penalty", "frequency_penalty", "response_format", "tools"),
        *("tool_choice", "parallel_tool_calls", "logprobs", "top_logprobs", "logit_bias", "user", "reasoning_effort"),
    }
)
"""The fields that clients of this kind of API send."""
_COST_TOKENS: Final = frozenset({"max_tokens", "max_completion_tokens", "n"})
_MUCH: Final = 256
"""Completion tokens: what an answer without a limit is assumed to cost."""
_FIRST: Final = frozenset({"required", "enum", "const", "type"})


def with_tiers(rows: Iterable[Requirement]) -> list[Requirement]:
    """The rows, where the request has too many keywords with those that matter least left to the exhaustive tier."""
    known = list(rows)
    standard = [(row.keyword, row.id) for row in known if row.keyword is not None and Tier.STANDARD.includes(row.tier)]
    dear = {row_id for keyword, row_id in standard if _is_dear(keyword)}
    ranked = sorted(
        (_rank(keyword), number)
        for number, (keyword, row_id) in enumerate(standard)
        if keyword.place and row_id not in dear
    )
    later = dear | {standard[number][1] for _, number in ranked[MOST_IN_STANDARD:]}
    return [replace(row, tier=Tier.EXHAUSTIVE) if row.id in later else row for row in known]


def _is_dear(keyword: Keyword) -> bool:
    """Whether a request at the bound that a keyword sets may cost more tokens than an answer without a limit."""
    field = split(keyword.pointer)[-2:-1]
    bounds = keyword.name in {"maximum", "exclusiveMaximum"} and keyword.place is Place.BODY
    return bounds and field[0] in _COST_TOKENS and keyword.value > _MUCH if field else False


def _rank(keyword: Keyword) -> tuple[bool, bool, int]:
    """The lower, the more it matters: what clients send, what they cannot do without, what is near to the root."""
    if keyword.place is not Place.BODY:
        return False, False, 0
    steps = split(keyword.pointer)
    field = str(keyword.value) if keyword.pointer == "/required" else steps[1] if len(steps) > 2 else ""
    return field not in OF_CLIENTS and field != "", keyword.name not in _FIRST, len(steps)
