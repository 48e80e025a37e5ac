"""Judges HTTP messages by what the readers found in them: their heads as they came, and their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from conformance.probes import Probe
from conformance.quoting import quoted
from conformance.reading import read_head
from conformance.suite.broken_answers import LARGEST_HEAD, breaks_off, has_head, in_words, is_oversized
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Answered, Observations
from conformance.suite.obstacles import worst

_NOTHING_TO_JUDGE = "no answer of this run shows what this requirement is about"


def judge_heads(
    observations: Observations, expect: Expect, probes: Sequence[Probe] = (), *, only_deviations: bool = False
) -> None:
    """Expect that no answer whose head could break the requirement does; no parser has to have understood it.

    With `only_deviations`, an answer without a deviation does not count as judged: its body decides as well.

    Raises:
        NotTestable, CannotTell, NotSent: no probe was answered; the gravest reason.
        DoesNotApply: no answer shows what the requirement is about, or the evidence has no raw heads.
    """
    requirement = expect.requirement.id
    heads = [(one.id, read_head(one.head)) for one in observations.exchanges if has_head(one)]
    for exchange, reading in heads:
        deviations = [one for one in reading.deviations if one.requirement == requirement]
        if requirement in reading.applicable and (deviations or not only_deviations):
            expect.looked_at(exchange)
            expect.deviations(exchange, deviations)
    if expect.judged or only_deviations:
        return
    _raise_no_heads(probes, observations, any_heads=bool(heads))


def _raise_no_heads(probes: Sequence[Probe], observations: Observations, *, any_heads: bool = False) -> NoReturn:
    answered, obstacles = observations.answers(probes)
    if not answered:
        raise worst(obstacles)
    if not any_heads:
        raise DoesNotApply("the evidence has no raw heads: an earlier version recorded it")
    raise DoesNotApply(_NOTHING_TO_JUDGE)


def judge_ends(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect that every answer of these probes comes to its end, in its head and in its body.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: no answer shows that; the gravest reason.
    """
    for one in observations.exchanges:
        if breaks_off(one):
            expect(False, one.id, expected="an answer that ends as its framing says", actual=in_words(one))
    judge_answers(probes, observations, expect)


def judge_lengths(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect that every Content-Length is one number, and the length of what came.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: no answer shows that; the gravest reason.
    """
    judge_heads(observations, expect, only_deviations=True)
    judge_answers(probes, observations, expect)


def judge_answers(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """`judge_bodies` of the answers to these probes; a missing answer becomes a note.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: no answer shows what the requirement is about.
    """
    answered, obstacles = observations.answers(probes)
    for obstacle in obstacles:
        expect.note(obstacle)
    if not answered:
        raise worst(obstacles)
    judge_bodies(answered, observations, expect)


def judge_head_sizes(probes: Sequence[Probe], observations: Observations, expect: Expect) -> None:
    """Expect that no head, with the interim answers before it, is larger than a client reads.

    Raises:
        NotTestable, CannotTell, NotSent: no probe was answered; the gravest reason.
        DoesNotApply: the evidence has no raw heads.
    """
    for one in observations.exchanges:
        if has_head(one):
            actual = f"more than {LARGEST_HEAD} bytes, beginning {quoted(one.head)}"
            expect(not is_oversized(one), one.id, expected=f"a head of at most {LARGEST_HEAD} bytes", actual=actual)
    if not expect.judged:
        _raise_no_heads(probes, observations)


def judge_bodies(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    """Expect that no answer that could break the requirement by its body, or by how the body is framed, does.

    Raises:
        DoesNotApply: no answer shows what the requirement is about.
    """
    requirement = expect.requirement.id
    for one in answers:
        streamed = one.requested("stream") is True and one.answer.status == 200
        reading = (
            observations.stream_reading(one.exchange) if streamed else observations.completion_reading(one.exchange)
        )
        if requirement in reading.applicable:
            expect.looked_at(one.id)
            expect.deviations(one.id, reading.broke(requirement))
    if not expect.judged:
        raise DoesNotApply(_NOTHING_TO_JUDGE)
