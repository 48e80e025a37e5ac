"""Hostile requests: no client should send them, and every deployment must survive them. They are sent one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from conformance.contract.model import Tier
from conformance.probes.canaries import LINE_BREAKS
from conformance.probes.model import Intent, Probe, either_probe, refused_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.script import Script, cut_after

DEPTH: Final = 5_000
PATIENCE: Final = 10.0
"""Seconds to wait for an answer to a request that breaks off or has two lengths."""

_EXTREMES: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("temperature", "a temperature of 999999", {"temperature": 999_999}),
    ("top-p", "a top_p of -1", {"top_p": -1}),
    ("top-logprobs", "top_logprobs of a million", {"logprobs": True, "top_logprobs": 1_000_000}),
    ("max-tokens", "max_tokens of 0", {"max_tokens": 0}),
    ("penalty", "a frequency_penalty of 1e308", {"frequency_penalty": 1e308}),
    ("seed", "a seed that no 64 bits hold", {"seed": 10**30}),
    ("stop", "ten thousand stop sequences", {"stop": [f"stop {number}" for number in range(10_000)]}),
    ("top-k", "a top_k of 9999999, which only some deployments support", {"top_k": 9_999_999}),
    ("top-k-fraction", "a top_k of 0.01, which only some deployments support", {"top_k": 0.01}),
)
_FOREIGN: Final = frozenset({"top_k"})
"""Fields that no contract has but many deployments read."""


def hostile_probes(body: RequestBody) -> Iterator[Probe]:
    """The hostile requests, in the order in which they are sent; the standard tier has the most decisive."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    nested = valid[:-1] + b', "x_chat_conformance_nested": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    yield _raw("deep-nesting", "a body with arrays nested very deep", nested, Tier.STANDARD)
    yield Probe(
        name="robustness/cut-upload",
        about="a body that breaks off, with the client's side of the connection closed",
        intent=Intent.REFUSED,
        body=body.capped(CHEAP),
        completion_tokens=CHEAP,
        script=Script(cut_after(0.5), patience=PATIENCE),
    )
    digits = valid[:-1] + b', "temperature": ' + b"9" * 1000 + b"}"
    yield _raw("huge-number", "a number with a thousand digits instead of a small one", digits)
    schema = b'{"type":"object","properties":{"a":' * DEPTH + b"true" + b"}}" * DEPTH
    format_ = b'{"type":"json_schema","json_schema":{"name":"deep","schema":' + schema + b"}}"
    about = "a schema for the answer that is nested very deep"
    yield _raw("nested-response-format", about, valid[:-1] + b', "response_format": ' + format_ + b"}")
    yield Probe(
        name="robustness/two-lengths",
        about="a request with two different lengths of its body",
        intent=Intent.REFUSED,
        body=body.capped(CHEAP),
        completion_tokens=CHEAP,
        script=Script(fields=(("Content-Length", "4"),), patience=PATIENCE),
        tier=Tier.EXHAUSTIVE,
    )
    if body.has("model"):
        about = "a model with line breaks in its name"
        named = {**body.capped(CHEAP), "model": LINE_BREAKS}
        yield either_probe("robustness/line-break-in-model", about, named, tier=Tier.EXHAUSTIVE)
    yield from _extremes(body)


def _raw(name: str, about: str, raw: bytes, tier: Tier = Tier.EXHAUSTIVE) -> Probe:
    return Probe(f"robustness/{name}", about, Intent.EITHER, raw, completion_tokens=CHEAP, tier=tier)


def _extremes(body: RequestBody) -> Iterator[Probe]:
    """Sampling parameters far out of any range."""
    for name, about, fields in _EXTREMES:
        if not all(field in _FOREIGN or body.has(field) for field in fields):
            continue
        request = {**body.capped(CHEAP), **fields}
        # The published bounds of a seed have lost their precision, so that nobody is judged by them.
        make = either_probe if "seed" in fields or body.accepts(request) else refused_probe
        yield make(f"robustness/extreme-{name}", about, request, tier=Tier.EXHAUSTIVE)
