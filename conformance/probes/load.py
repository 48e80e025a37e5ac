"""Probes of the load tier: what may hurt a deployment that others are using, each bounded."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.contract.model import Tier
from conformance.probes.canaries import repeating, word_of
from conformance.probes.client_errors import refused
from conformance.probes.completions import served
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.robustness import LAST_WAVE, each_followed_by_a_plain_one
from conformance.probes.script import Script, in_pieces

BURST = 64
"""Requests at once, as far as the run's concurrency lets them."""
MEGABYTE = 1024 * 1024
PIECE = 64 * 1024
CHOICES = 1_000_000
LOAD_WAVE = LAST_WAVE + 1
"""After all else: what suffers from these is known then."""


def load_probes(body: RequestBody) -> Iterator[Probe]:
    """Large bodies, far too many choices, and a burst; a plain request after each."""
    yield from each_followed_by_a_plain_one(body, _groups(body), LOAD_WAVE, "load", Tier.LOAD)


def _groups(body: RequestBody) -> Iterator[tuple[str, tuple[Probe, ...]]]:
    for megabytes in (3, 8):
        yield f"body-of-{megabytes}-mb", (_large(body, megabytes),)
    if body.has("n") and body.limit_field:
        asked = {**body.capped(1), "n": CHOICES}
        yield "many-choices", (refused("load/many-choices", "a request for a million choices", asked, tier=Tier.LOAD),)
    yield (
        "burst",
        tuple(
            served(
                f"load/burst-{number:02}",
                f"one of {BURST} requests at once, each with a word of its own",
                body.asking(repeating(word_of(1000 + number)), tokens=16),
                tier=Tier.LOAD,
            )
            for number in range(BURST)
        ),
    )


def _large(body: RequestBody, megabytes: int) -> Probe:
    """A valid body of this size: all but the request itself is white space, so that a served one costs no more."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    padded = valid[:-1] + b" " * (megabytes * MEGABYTE - len(valid)) + b"}"
    return Probe(
        name=f"load/body-of-{megabytes}-mb",
        about=f"a body of {megabytes} MB, most of it white space",
        intent=Intent.EITHER,
        body=padded,
        completion_tokens=CHEAP,
        script=Script(in_pieces(len(padded) // PIECE, 0.0)),
        tier=Tier.LOAD,
    )
