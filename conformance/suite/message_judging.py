"""How what answers show as HTTP messages becomes expectations: their heads as they came, and their bodies."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.probes import Probe
from conformance.reading import read_head
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Answered, Observations
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
        if requirement_id in reading.applicable and (deviations or not only_deviations):
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


def judge_messages(
    requirement_id: str, answers: Sequence[Answered], observations: Observations, expect: Expect
) -> None:
    """Expect of each answer that could break a requirement on HTTP messages that it did not.

    Raises:
        DoesNotApply: no answer came to what the requirement is about.
    """
    for one in answers:
        streamed = one.asked("stream") is True and one.answer.status == 200
        reading = (
            observations.stream_reading(one.exchange) if streamed else observations.completion_reading(one.exchange)
        )
        if requirement_id in reading.applicable:
            expect.looked_at(one.id)
            expect.deviations(one.id, reading.broke(requirement_id))
    if not expect.judged:
        raise DoesNotApply("no answer of this run came to what this is about")
