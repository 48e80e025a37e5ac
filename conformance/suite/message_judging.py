"""How what the heads of answers show becomes expectations: also of answers that no parser could read."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.probes import Probe
from conformance.reading import read_head
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Observations
from conformance.suite.obstacles import worst


def judge_heads(
    requirement_id: str,
    observations: Observations,
    expect: Expect,
    probes: Sequence[Probe] = (),
    *,
    only_deviations: bool = False,
) -> None:
    """Expect of the head of each answer that could break a requirement that it did not.

    With `only_deviations`, an answer that deviates in nothing is not counted: another judges it as well.

    Raises:
        NotTestable, CannotTell, NotSent: nothing came for any of the probes; the gravest reason.
        DoesNotApply: no answer came to what the requirement is about, or the evidence has no heads.
    """
    heads = [(one.id, read_head(one.head)) for one in observations.exchanges if one.head]
    for exchange, reading in heads:
        deviations = [one for one in reading.deviations if one.requirement == requirement_id]
        if requirement_id in reading.decided and (deviations or not only_deviations):
            expect.looked_at(exchange)
            expect.deviations(exchange, deviations)
    if expect.judged or only_deviations:
        return
    answered, obstacles = observations.answers(probes)
    if not answered:
        raise worst(obstacles)
    if not heads:
        raise DoesNotApply("the evidence has no raw heads: an earlier version recorded it")
    raise DoesNotApply("no answer of this run came to what this is about")
