"""The forty faults of the third set, made from public reports by somebody who had read no check."""

from __future__ import annotations

from held_out import HeldOut, by_kind
from third.on_answers import ANSWER_FAULTS
from third.on_calls import CALL_FAULTS
from third.on_profiles import PROFILE_FAULTS
from third.on_the_way import WAY_FAULTS

KINDS = {
    "text": "what an answer says, and what of the request reached it",
    "stream": "streams, and what is kept of them",
    "usage": "the usage of streams",
    "error": "refusals and limits",
    "access": "keys",
    "header": "header fields",
    "http": "framing, caches and firewalls",
    "call": "calls of tools",
    "form": "`response_format`",
    "part": "parts of messages",
    "thought": "reasoning",
    "profile": "the other profiles",
}

FAULTS: tuple[HeldOut, ...] = by_kind(KINDS, ANSWER_FAULTS, WAY_FAULTS, CALL_FAULTS, PROFILE_FAULTS)
