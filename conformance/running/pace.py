"""How many requests a run has under way at once: as many as its settings say, fewer where the target is slow.

A server that answers one request after another would let the last of many wait for all others; what it then gives is a
timeout of our making and not of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from conformance.targets import Limits
from conformance.wire import Exchange

_OF_THE_DEADLINE = 1 / 3
"""The part of a request's time limit that all requests under way may take, one after another."""


def paced(limits: Limits, known: Iterable[Exchange]) -> Limits:
    """The limits of a run whose first answers took as long as those of the preflight, `known`.

    What the user asked for is left as it is: then `limits.gentle` is None.
    """
    if limits.gentle is None or limits.gentle >= limits.concurrency:
        return limits
    slowest = max((one.ending.at for one in known if one.answer is not None and one.answer.status == 200), default=0.0)
    bearable = int(limits.deadline * _OF_THE_DEADLINE / slowest) if slowest else limits.concurrency
    return replace(limits, concurrency=min(limits.concurrency, max(limits.gentle, bearable)))
