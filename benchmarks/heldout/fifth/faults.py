"""The twenty-four faults of the fifth set, made from public reports by somebody who had read no check."""

from __future__ import annotations

from fifth.on_answers import ANSWER_FAULTS
from fifth.on_profiles import PROFILE_FAULTS
from fifth.on_requests import REQUEST_FAULTS
from fifth.on_the_way import WAY_FAULTS
from held_out import HeldOut, by_kind

KINDS = {
    "request": "valid requests that are refused",
    "access": "keys",
    "stream": "streams",
    "usage": "usage",
    "logprobs": "log probabilities",
    "call": "calls of tools",
    "form": "structured output",
    "part": "parts beside text",
    "error": "refusals",
    "http": "connections",
    "state": "what one request leaves to another",
    "kodexa": "the profile `kodexa`",
    "loop-health": "the profile `loop-health`",
}

FAULTS: tuple[HeldOut, ...] = by_kind(KINDS, REQUEST_FAULTS, ANSWER_FAULTS, WAY_FAULTS, PROFILE_FAULTS)
