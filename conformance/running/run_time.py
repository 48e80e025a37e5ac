"""Plans how long a run may take: by its plan, so that no target is cut that answers in time, however slow it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from conformance.contract.model import Tier
from conformance.probes import Plan, Probe
from conformance.running.run import Run
from conformance.targets import Limits
from conformance.wire import RunTime
from conformance.wire.schedule import chains, waves

_MAY_LOSE = {Tier.SMOKE: 90.0, Tier.STANDARD: 200.0, Tier.EXHAUSTIVE: 900.0, Tier.LOAD: 900.0}
"""Seconds that a run may lose to answers that come to nothing.

In the standard tier, so much that a deployment is judged to the end whose only mistake is that no stream ends (30 s
each), and that a run against one that answers nothing stays below five minutes."""
_USUAL_TIMEOUT = Limits().deadline
_MOST_PREFLIGHT = 6
"""Requests of the preflight that go one after another, at most, those that go at the same time counted once."""


def run_time(run: Run, planned: Plan) -> RunTime:
    """The time of a run, which begins now.

    With a deadline of the user's, only that counts. Otherwise it ends when every request of its plan could have taken
    its whole time limit, and before that, when it has lost too much time to answers that come to nothing: that bound is
    a constant of the tier, and grows with a longer time limit of requests.
    """
    limits = run.settings.limits
    if limits.run_deadline is not None:
        return RunTime(limits.run_deadline)
    patience = max(limits.deadline / _USUAL_TIMEOUT, 1.0)
    return RunTime(longest(planned.probes, limits), _MAY_LOSE[run.tier] * patience)


def longest(probes: Sequence[Probe], limits: Limits) -> float:
    """Seconds that a plan takes where each of its requests takes the whole time limit, in whole minutes."""
    at_once = min(limits.concurrency, limits.least_concurrency)
    turns = _MOST_PREFLIGHT
    for wave in waves(probes):
        requests = sum(1 + len(probe.instead) for probe in wave)
        turns += max(math.ceil(requests / at_once), *(len(chain) for chain in chains(wave)))
    seconds = turns * limits.deadline
    if limits.rate is not None:
        seconds += sum(1 + len(probe.instead) for probe in probes) / limits.rate
    return math.ceil(seconds / 60) * 60.0
