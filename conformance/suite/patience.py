"""Whether a stream that fell silent was given less time than answers without streaming took meanwhile.

An engine that compiles a grammar, or loads its model, holds everybody up. An answer without streaming has no byte until
it is complete, and the whole deadline for that; a stream whose header is there at once has only the silence that is
allowed within a body. Where all answers are that late, the silence says nothing about the stream.
"""

from __future__ import annotations

from collections.abc import Iterable

from conformance.suite.poisoning import began, ended
from conformance.wire.exchange import Exchange


def outlasting(silent: Exchange, others: Iterable[Exchange | None]) -> str | None:
    """What took longer to begin than this silence, of the whole answers that were waited for at the same time."""
    if silent.answer is None:
        return None
    heard = max([silent.answer.headers_at, *(read.at for read in silent.answer.reads)])
    since, until = began(silent) + heard, ended(silent)
    for one in others:
        late = 0.0 if one is None or one.answer is None else one.answer.headers_at
        if one is not None and late > until - since and began(one) < until and began(one) + late > since:
            return f"an answer without streaming took {late:.3g} s at the same time ({one.id})"
    return None
