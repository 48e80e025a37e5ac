"""Probes for what a deployment must survive: hostile requests, vanishing clients, many at once."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.probes.canaries import WORD_OF_THE_VANISHED
from conformance.probes.completions import served
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, RequestBody
from conformance.probes.streams import ONE_CONNECTION

DEPTH = 5_000
CONCURRENT = 4
VANISHING = f"Repeat this word thirty times, separated by single spaces: {WORD_OF_THE_VANISHED}"
"""What the client asks for that will not stay to read it."""


def robustness_probes(body: RequestBody) -> Iterator[Probe]:
    """Hostile requests in the first wave, plain ones in the second: the target must still be well."""
    valid = json.dumps(body.capped(CHEAP)).encode()
    nested = valid[:-1] + b', "x_chat_conformance_nested": ' + b"[" * DEPTH + b"]" * DEPTH + b"}"
    yield Probe(
        name="robustness/deep-nesting",
        about="a body with arrays nested very deep",
        intent=Intent.EITHER,
        body=nested,
        completion_tokens=CHEAP,
    )
    yield Probe(
        name="robustness/huge-number",
        about="a number with a thousand digits where a small one is due",
        intent=Intent.EITHER,
        body=valid[:-1] + b', "temperature": ' + b"9" * 1000 + b"}",
        completion_tokens=CHEAP,
    )
    if body.has("stream"):
        yield Probe(
            name="robustness/hang-up",
            about="a client that hangs up in the middle of a stream",
            intent=Intent.EITHER,
            body=body.asking(VANISHING, tokens=64, stream=True),
            completion_tokens=64,
            disconnect_after=1,
        )
    for turn in ("first", "second"):
        yield served(
            f"robustness/{turn}-on-connection",
            f"the {turn} of two requests on one connection",
            body.capped(CHEAP),
            connection=ONE_CONNECTION,
        )
    for number in range(CONCURRENT):
        yield served(
            f"robustness/at-once-{number}",
            "one of several requests at once, after the hostile ones",
            body.asking(f"Say the number {number}.", tokens=2),
            wave=1,
        )
