"""The thirty faults of the sixth set, made from public reports by somebody who had read no check."""

from __future__ import annotations

from held_out import HeldOut, by_kind
from sixth.on_answers import ANSWER_FAULTS
from sixth.on_calls import CALL_FAULTS
from sixth.on_profiles import PROFILE_FAULTS
from sixth.on_requests import REQUEST_FAULTS
from sixth.on_the_way import WAY_FAULTS

KINDS = {
    "request": "valid requests that are refused",
    "access": "keys",
    "stream": "streams",
    "usage": "usage",
    "logprobs": "log probabilities",
    "finish": "why a choice ended",
    "call": "calls of tools",
    "form": "structured output",
    "part": "parts beside text, and texts in parts",
    "error": "refusals",
    "http": "connections",
    "state": "what one request leaves to another, or takes from it",
    "kodexa": "the profile `kodexa`",
    "loop-health": "the profile `loop-health`",
}

FAULTS: tuple[HeldOut, ...] = by_kind(KINDS, REQUEST_FAULTS, ANSWER_FAULTS, CALL_FAULTS, WAY_FAULTS, PROFILE_FAULTS)
