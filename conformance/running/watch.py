"""Who is told of a run while it sends, and may end it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from conformance.probes import Plan
from conformance.running.observed import Observed
from conformance.wire.observe import Progress


def _not_told(_: Plan) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Watch:
    """What is called while a run sends.

    `planned` is called once, with what would be sent to a deployment that takes all that its contract allows, before
    the first request. `progress` is called after each probe. Where `broken` is given, the run ends as soon as it names
    a requirement that is certain to be broken by what was seen so far.
    """

    planned: Callable[[Plan], None] = _not_told
    progress: Progress | None = None
    broken: Callable[[Observed], str | None] | None = None


UNWATCHED = Watch()
