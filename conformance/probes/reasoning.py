"""Probes for reasoning: how much of it is asked for, where it stands, and what is handed back of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.completions import LONG_ANSWER
from conformance.probes.model import Probe, either_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.tools import streamed, takes_tools

EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
USED_UP: Final = "reasoning/used-up"
"""A request that asks for thinking, and leaves no room for a text behind it."""
_STANDARD: Final = "low"
_TOKENS: Final = 96


def reasoning_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with an effort, each of which may be refused by its name, and turns after an answer with reasoning."""
    if body.has("reasoning_effort"):
        yield from _efforts(body)
        yield from _used_up(body)
    for name, member in (("content", "reasoning_content"), ("text", "reasoning")):
        spoken = {"role": "assistant", "content": "4", member: "Two and two are four."}
        about = f"the turn after an answer with its reasoning in `{member}`"
        yield either_probe(f"reasoning/handed-back-{name}", about, _turn(body, spoken), tier=Tier.EXHAUSTIVE)


def with_effort(request: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    """A request with the effort of the standard tier, where the contract has one and the target takes it."""
    widened = {**request, "reasoning_effort": _STANDARD}
    return widened if body.has("reasoning_effort") and body.is_spoken({"reasoning_effort": _STANDARD}) else {**request}


def effort_probes(body: RequestBody) -> tuple[Probe, ...]:
    """A question with this effort alone, whole and streamed."""
    return tuple(_of_effort(_STANDARD, body)) if body.has("reasoning_effort") else ()


def _used_up(body: RequestBody) -> Iterator[Probe]:
    """A long answer with an effort and so few tokens that a model which thinks says nothing."""
    request = body.asking(LONG_ANSWER, tokens=CHEAP, reasoning_effort=_STANDARD)
    about = "a long answer with an effort, under a limit that thinking uses up"
    if body.limit_field is None or not body.is_spoken(request):
        return
    yield either_probe(USED_UP, about, request)
    if body.has("stream") and body.has("stream_options"):
        further = streamed(request, body)
        yield either_probe(f"{USED_UP}-streamed", f"{about}, streamed", further, tier=Tier.EXHAUSTIVE)


def _efforts(body: RequestBody) -> Iterator[Probe]:
    combined = takes_tools(body)
    for effort in EFFORTS:
        if effort != _STANDARD or not combined:  # else a request with tools has it, too
            yield from _of_effort(effort, body)


def _of_effort(effort: str, body: RequestBody) -> Iterator[Probe]:
    request = body.asking("What is 17 + 25?", tokens=_TOKENS, reasoning_effort=effort)
    tier = Tier.STANDARD if effort == _STANDARD else Tier.EXHAUSTIVE
    about = f"a question with the effort `{effort}`"
    yield either_probe(f"reasoning/effort-{effort}", about, request, tier=tier)
    if effort == _STANDARD and body.has("stream"):
        streamed = {**request, "stream": True}
        if body.has("stream_options"):
            streamed["stream_options"] = {"include_usage": True}
        yield either_probe(f"reasoning/effort-{effort}-streamed", f"{about}, streamed", streamed, tier=tier)


def _turn(body: RequestBody, spoken: dict[str, Any]) -> dict[str, Any]:
    asked, again = {"role": "user", "content": "What is 2 + 2?"}, {"role": "user", "content": "And 3 + 3?"}
    return {**body.capped(8), "messages": [asked, spoken, *body.woven([again])]}
