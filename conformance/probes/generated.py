"""Probes that are generated from the request schema: valid requests, and requests that break it.

Some hundred of each are drawn by Schemathesis, which is good at odd values and slow; the others are made by `making`
and `mutating`. All of it is seeded, so that a plan is the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from conformance.contract.model import Tier
from conformance.probes.cost import worst_case_tokens
from conformance.probes.invalid_mutations import Mutation, mutations
from conformance.probes.model import Intent, Probe
from conformance.probes.random_requests import made_requests
from conformance.probes.request_body import RequestBody
from conformance.probes.schemathesis_requests import CHEAP_TOKENS, drawn_invalid, drawn_valid

__all__ = ["CHEAP_TOKENS", "GENERATED", "KINDS", "MOST", "generated_probes"]

GENERATED = "generated/"
KINDS = ("valid", "invalid", "mutated")
MOST = 1000
"""How many valid requests, and how many that are not, the exhaustive tier sends at most where nothing else is said."""
_DRAWN = 100
"""How many of each Schemathesis draws at most: each costs 20 to 28 ms of time to make."""
_WAVE = 90
"""They come after all else: what they cost must not keep the cases from being sent that decide more."""
_SEED = 20261127


def generated_probes(body: RequestBody, tier: Tier, count: int | None = None) -> Iterator[Probe]:
    """At most `count` valid requests and as many that are not; as many as the tier allows where it is not given."""
    if count is None:
        count = MOST if tier.includes(Tier.EXHAUSTIVE) else 0
    if not count or not isinstance(body.contract.operation.request_schema, Mapping):
        return
    drawn = drawn_valid(body, min(count, _DRAWN))
    described = bool(body.contract.operation.properties)
    made = made_requests(body, count - len(drawn), Random(_SEED)) if described else []  # noqa: S311 - no secret
    valid = [*drawn, *made]
    invalid = drawn_invalid(body, min(count, _DRAWN))
    for number, sent in enumerate(valid):
        yield _probe("valid", number, "a valid request, generated from the schema", sent, Intent.SERVED)
    for number, sent in enumerate(invalid):
        yield _probe("invalid", number, "an invalid request, generated from the schema", sent, Intent.REFUSED)
    broken = mutations(body, valid, count - len(invalid), Random(_SEED))  # noqa: S311 - no secret hangs on it
    for mutation in broken:
        yield _mutated(mutation)


def _mutated(mutation: Mutation) -> Probe:
    about = f"the valid request of {GENERATED}valid/{mutation.number}, but {mutation.about}"
    return _probe("mutated", mutation.number, about, mutation.body, Intent.REFUSED)


def _probe(kind: str, number: int, about: str, sent: Any, intent: Intent) -> Probe:
    return Probe(
        name=f"{GENERATED}{kind}/{number}",
        about=about,
        intent=intent,
        body=sent,
        completion_tokens=worst_case_tokens(sent),
        tier=Tier.EXHAUSTIVE,
        wave=_WAVE,
        generated=True,
    )
