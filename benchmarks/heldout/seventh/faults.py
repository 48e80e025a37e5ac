"""The thirty faults of the seventh set, made from public reports by somebody who had read no check."""

from __future__ import annotations

from held_out import HeldOut, by_kind
from seventh.on_answers import ANSWER_FAULTS
from seventh.on_calls import CALL_FAULTS
from seventh.on_profiles import PROFILE_FAULTS
from seventh.on_requests import REQUEST_FAULTS
from seventh.on_the_way import WAY_FAULTS

KINDS = {
    "request": "valid requests that are refused",
    "access": "keys",
    "stream": "streams",
    "usage": "usage",
    "logprobs": "log probabilities",
    "finish": "why a choice ended",
    "call": "calls of tools",
    "choice": "calls that are demanded",
    "turn": "results that come back",
    "form": "structured output",
    "part": "parts beside text",
    "error": "refusals",
    "http": "messages of HTTP",
    "state": "what one request leaves to another, or takes from it",
    "kodexa": "the profile `kodexa`",
    "loop-health": "the profile `loop-health`",
}

FAULTS: tuple[HeldOut, ...] = by_kind(KINDS, REQUEST_FAULTS, ANSWER_FAULTS, CALL_FAULTS, WAY_FAULTS, PROFILE_FAULTS)
