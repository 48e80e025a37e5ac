"""The thirty faults of the fourth set, made from public reports by somebody who had read no check."""

from __future__ import annotations

from fourth.on_answers import ANSWER_FAULTS
from fourth.on_calls import CALL_FAULTS
from fourth.on_profiles import PROFILE_FAULTS
from fourth.on_requests import REQUEST_FAULTS
from fourth.on_the_way import WAY_FAULTS
from held_out import HeldOut, by_kind

KINDS = {
    "request": "valid requests that are refused",
    "answer": "whole answers",
    "stream": "streams",
    "logprobs": "log probabilities",
    "call": "calls of tools",
    "form": "structured output",
    "part": "parts beside text",
    "error": "refusals",
    "http": "browsers",
    "state": "what one request leaves to another",
    "kodexa": "the profile `kodexa`",
    "loop-health": "the profile `loop-health`",
}

FAULTS: tuple[HeldOut, ...] = by_kind(KINDS, REQUEST_FAULTS, ANSWER_FAULTS, CALL_FAULTS, WAY_FAULTS, PROFILE_FAULTS)
