"""Probes that are generated from the request schema: valid requests, and requests that break it.

Some hundred of each come from Schemathesis, which is good at odd values and slow; the others are `random_requests` and
`invalid_mutations` of them. Seeds are fixed, or follow from a challenge, so that a plan is the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from conformance.contract.model import Tier
from conformance.probes import waves
from conformance.probes.invalid_mutations import MutatedRequest, mutated_requests
from conformance.probes.model import Intent, Probe, worst_case_tokens
from conformance.probes.random_requests import random_requests
from conformance.probes.request_body import RequestBody
from conformance.probes.schemathesis_requests import CHEAP_TOKENS, invalid_from_schemathesis, valid_from_schemathesis

__all__ = ["CHEAP_TOKENS", "GENERATED", "KINDS", "MOST", "generated_probes"]

GENERATED = "generated/"
KINDS = ("valid", "invalid", "mutated")
MOST = 1000
"""How many valid requests, and how many invalid ones, the exhaustive tier sends at most by default."""
_FROM_SCHEMATHESIS = 50
"""How many of each come from Schemathesis at most: each takes 20 to 40 ms."""
_SEED = 20261127


def generated_probes(body: RequestBody, tier: Tier, count: int | None = None) -> Iterator[Probe]:
    """At most `count` valid requests and as many invalid ones; without `count`, as many as the tier allows."""
    if count is None:
        count = MOST if tier.includes(Tier.EXHAUSTIVE) else 0
    if not count or not isinstance(body.contract.operation.request_schema, Mapping):
        return
    seed = body.seed_of("generated requests", _SEED)
    found = valid_from_schemathesis(body, min(count, _FROM_SCHEMATHESIS))
    described = bool(body.contract.operation.properties)
    made = random_requests(body, count - len(found), Random(seed)) if described else []  # noqa: S311 - no secret
    valid = [body.spoken(one) if isinstance(one, Mapping) else one for one in (*found, *made)]
    invalid = invalid_from_schemathesis(body, min(count, _FROM_SCHEMATHESIS))
    for number, sent in enumerate(valid):
        yield _probe("valid", number, "a valid request, generated from the schema", sent, Intent.SERVED)
    for number, sent in enumerate(invalid):
        yield _probe("invalid", number, "an invalid request, generated from the schema", sent, Intent.REFUSED)
    broken = mutated_requests(body, valid, count - len(invalid), Random(seed))  # noqa: S311 - no secret hangs on it
    for mutated in broken:
        yield _mutated(mutated)


def _mutated(request: MutatedRequest) -> Probe:
    about = f"the valid request of {GENERATED}valid/{request.number}, but {request.about}"
    return _probe("mutated", request.number, about, request.body, Intent.REFUSED)


def _probe(kind: str, number: int, about: str, sent: Any, intent: Intent) -> Probe:
    return Probe(
        name=f"{GENERATED}{kind}/{number}",
        about=about,
        intent=intent,
        body=sent,
        completion_tokens=worst_case_tokens(sent),
        tier=Tier.EXHAUSTIVE,
        wave=waves.GENERATED,
        generated=True,
    )
