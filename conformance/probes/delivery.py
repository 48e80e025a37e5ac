"""Probes that tell a stream from a burst where a target generates quickly: a longer stream, and its first token alone.

They are sent only where the shorter streams before them do not decide it: `NOT_NEEDED` has the reasons why not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from conformance.probes.long_answers import LONGER_TOKENS, SAME_TEXT, repeating
from conformance.probes.model import Probe, served_probe
from conformance.probes.request_body import RequestBody
from conformance.probes.waves import REPEATED

DELIVERY: Final = "delivery/"
"""What the names of these probes begin with."""
START, LONGER = f"{DELIVERY}first-token", f"{DELIVERY}longer"
ALREADY_SEEN: Final = "shorter streams show how they are delivered"
NO_STREAM: Final = "no stream came whose delivery a longer one could show"
TOO_QUICK: Final = "the target generates too quickly for a longer stream to show how they are delivered"
STOPPED: Final = "the same stop sequences ended another answer"
SAME_FIELDS: Final = "the preflight had the same fields served"
NOT_NEEDED: Final = frozenset({ALREADY_SEEN, NO_STREAM, TOO_QUICK, SAME_TEXT, STOPPED, SAME_FIELDS})
"""Why a probe is not sent whose answer would decide nothing."""


def delivery_probes(body: RequestBody) -> Iterator[Probe]:
    """The first token of a longer stream, then the stream itself, one after the other over one connection.

    The first token comes first: what the target keeps of a prompt may then make the longer stream earlier, not later.
    """
    if not body.has("stream") or body.limit_field is None:
        return
    for name, tokens, about in (
        (START, 1, "the first token of a longer stream, if shorter ones do not show how streams are delivered"),
        (LONGER, LONGER_TOKENS, "a longer stream, if shorter ones do not show how streams are delivered"),
    ):
        request = body.asking(repeating(200), tokens=tokens, stream=True)
        yield served_probe(name, about, request, connection="delivery", wave=REPEATED)
