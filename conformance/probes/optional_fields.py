"""Probes for the optional fields of a request: all that clients send by default together, and each alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.conversations import TOOL
from conformance.probes.model import Probe, either_probe
from conformance.probes.preflight import PREFLIGHT_VALUES
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.waves import REPEATED, SIDE_BY_SIDE

HARMLESS: Final[Mapping[str, Any]] = {
    "temperature": 1,
    "top_p": 1,
    "n": 1,
    "seed": 2**32 + 7,  # clients draw seeds of 64 bits, too
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {"1": 0},
    "user": "chat-conformance",
    "safety_identifier": "chat-conformance",
    "prompt_cache_key": "chat-conformance",
    "store": False,
    "metadata": {"made-by": "chat-conformance"},
    "service_tier": "auto",
    "verbosity": "medium",
    "modalities": ["text"],
    "response_format": {"type": "text"},
    "prediction": {"type": "content", "content": "Hello."},
}
"""A value of each field that changes nothing, or next to nothing, of an answer."""
BY_DEFAULT: Final = ("temperature", "top_p", "n", "presence_penalty", "frequency_penalty", "user", "store", "metadata")
"""Fields that clients of agents and frameworks send whether their users ask for them or not."""
USUAL_FIELDS: Final = "request/usual-fields"
USUAL: Final = (
    *BY_DEFAULT,
    *("seed", "logprobs", "safety_identifier", "prompt_cache_key", "service_tier", "response_format"),
    *("modalities", "logit_bias"),
)
"""Fields of the official clients that change nothing at these values, wherever they are sent."""


def optional_field_probes(body: RequestBody) -> Iterator[Probe]:
    """Requests with optional fields: each may be refused by its name, and none may break the server."""
    known = {name: value for name, value in HARMLESS.items() if body.has(name) and name not in body.required}
    yield from _usual_fields(body, known)
    yield from _functions(body)
    for name, value in known.items():
        about = f"a request with `{name}` at a harmless value"
        request = body.asking("Say hello.", tokens=4, **{name: value})
        yield either_probe(f"fields/{name.replace('_', '-')}", about, request, tier=Tier.EXHAUSTIVE)


def _functions(body: RequestBody) -> Iterator[Probe]:
    """A stream that must call a function by the fields that tools have replaced."""
    if body.has("functions") and body.has("function_call") and body.has("stream"):
        function = TOOL["function"]
        asked = {"functions": [function], "function_call": {"name": function["name"]}, "stream": True}
        request = body.asking("What is the weather in Paris?", tokens=32, **asked)
        about = "a stream with a call of a function, as before tools"
        yield either_probe("fields/functions-streamed", about, request, tier=Tier.EXHAUSTIVE)


def _usual_fields(body: RequestBody, known: Mapping[str, Any]) -> Iterator[Probe]:
    """The fields that official clients have, together; each alone only where all of them break the server."""
    smallest = body.asking("Say hello.", tokens=CHEAP)
    together = smallest
    for name in USUAL:
        wider = {**together, name: known.get(name, False)}
        if body.has(name) and name not in smallest and body.is_spoken(wider) and body.accepts(wider):
            together = wider
    added = [name for name in together if name not in smallest]
    if len(added) < 2:
        return
    parts = tuple(
        either_probe(
            f"{USUAL_FIELDS}/{name.replace('_', '-')}",
            f"a request with `{name}` at a harmless value",
            {**smallest, name: together[name]},
        )
        for name in added
    )
    about = "the optional fields together that official clients have"
    wave = REPEATED if PREFLIGHT_VALUES.keys() >= set(added) else SIDE_BY_SIDE
    yield either_probe(USUAL_FIELDS, about, together, instead=parts, wave=wave)
    if body.has("stream") and body.has("stream_options"):
        kept = {name: value for name, value in together.items() if name != "service_tier"}
        streamed = {**kept, "stream": True, "stream_options": {"include_usage": True}}
        about = "the optional fields together that official clients have, for a stream"
        if body.is_spoken(streamed) and body.accepts(streamed):
            yield either_probe(f"{USUAL_FIELDS}-streamed", about, streamed, tier=Tier.EXHAUSTIVE)
