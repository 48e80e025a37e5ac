"""Probes of the load tier: each is bounded, and may still harm a deployment that others use."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.contract.model import Tier
from conformance.probes import waves
from conformance.probes.canaries import repeating, word_of
from conformance.probes.model import Intent, Probe, refused_probe, served_probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.robustness import each_followed_by_a_plain_one
from conformance.probes.script import Script, in_pieces

BURST = 64
"""Requests at once, within the run's concurrency."""
MEGABYTE = 1024 * 1024
PIECE = 64 * 1024
CHOICES = 1_000_000


def load_probes(body: RequestBody) -> Iterator[Probe]:
    """Large bodies, far too many choices, and a burst; a plain request after each."""
    yield from each_followed_by_a_plain_one(body, _groups(body), waves.LOAD, "load", Tier.LOAD)


def _groups(body: RequestBody) -> Iterator[tuple[str, tuple[Probe, ...]]]:
    for megabytes in (3, 8):
        yield f"body-of-{megabytes}-mb", (_large(body, megabytes),)
    if body.has("n") and body.limit_field:
        request = {**body.capped(1), "n": CHOICES}
        yield (
            "many-choices",
            (refused_probe("load/many-choices", "a request for a million choices", request, tier=Tier.LOAD),),
        )
    yield (
        "burst",
        tuple(
            served_probe(
                f"load/burst-{number:02}",
                f"one of {BURST} requests at once, each with a word of its own",
                body.asking(repeating(word_of(1000 + number)), tokens=16),
                tier=Tier.LOAD,
            )
            for number in range(BURST)
        ),
    )


def _large(body: RequestBody, megabytes: int) -> Probe:
    """A valid body of this size, padded with white space so that serving it costs no more."""
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
