"""The sets of held-out deployments, by the name that `run.py --set` takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faults import FAULTS, KINDS
from faults_of_calls import CALL_FAULTS
from faults_of_forms import FORM_FAULTS
from fifth.faults import FAULTS as FIFTH_FAULTS
from fifth.faults import KINDS as FIFTH_KINDS
from fifth.odd_ways import VARIATIONS as FIFTH_VARIATIONS
from fourth.faults import FAULTS as FOURTH_FAULTS
from fourth.faults import KINDS as FOURTH_KINDS
from fourth.odd_ways import VARIATIONS as FOURTH_VARIATIONS
from held_out import HeldOut
from second.faults import FAULTS as SECOND_FAULTS
from second.odd_ways import VARIATIONS as SECOND_VARIATIONS
from seventh.faults import FAULTS as SEVENTH_FAULTS
from seventh.faults import KINDS as SEVENTH_KINDS
from seventh.odd_ways import VARIATIONS as SEVENTH_VARIATIONS
from sixth.faults import FAULTS as SIXTH_FAULTS
from sixth.faults import KINDS as SIXTH_KINDS
from sixth.odd_ways import VARIATIONS as SIXTH_VARIATIONS
from third.faults import FAULTS as THIRD_FAULTS
from third.faults import KINDS as THIRD_KINDS
from third.odd_ways import VARIATIONS as THIRD_VARIATIONS
from variations import VARIATIONS
from variations_of_calls import CALL_VARIATIONS

TEXT, SECOND, THIRD, FOURTH, FIFTH, SIXTH = "text", "second", "third", "fourth", "fifth", "sixth"
SEVENTH, TOOLS = "seventh", "tools"


@dataclass(frozen=True, slots=True)
class Set:
    """Faults, the kinds that they are of, and allowed variations."""

    kinds: Mapping[str, str]
    faults: tuple[HeldOut, ...]
    variations: tuple[HeldOut, ...]

    @property
    def entries(self) -> tuple[HeldOut, ...]:
        """All of its deployments, the faults first."""
        return (*self.faults, *self.variations)


SETS: Mapping[str, Set] = {
    TEXT: Set(KINDS, FAULTS, VARIATIONS),
    SECOND: Set({**KINDS, "O": "delivery"}, SECOND_FAULTS, SECOND_VARIATIONS),
    THIRD: Set(THIRD_KINDS, THIRD_FAULTS, THIRD_VARIATIONS),
    FOURTH: Set(FOURTH_KINDS, FOURTH_FAULTS, FOURTH_VARIATIONS),
    FIFTH: Set(FIFTH_KINDS, FIFTH_FAULTS, FIFTH_VARIATIONS),
    SIXTH: Set(SIXTH_KINDS, SIXTH_FAULTS, SIXTH_VARIATIONS),
    SEVENTH: Set(SEVENTH_KINDS, SEVENTH_FAULTS, SEVENTH_VARIATIONS),
    TOOLS: Set(
        {
            "call": "calls, whole or streamed",
            "delta": "deltas of calls",
            "finish": "why a choice with calls ended",
            "choice": "forms of `tool_choice`",
            "parallel": "several calls in one answer",
            "turn": "second turns, results and refusals that come back",
            "form": "`json_schema` and `json_object`",
            "thought": "the count of reasoning",
            "part": "parts beside text",
            "usage": "details of the usage",
            "error": "errors for malformed tools and forms",
        },
        (*CALL_FAULTS, *FORM_FAULTS),
        CALL_VARIATIONS,
    ),
}
