"""Judges HTTP messages by what the readers found in them: their heads as they came, and their bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NoReturn

from conformance.probes import Probe
from conformance.quoting import quoted
from conformance.reading import read_head
from conformance.suite.broken_answers import LARGEST_HEAD, breaks_off, has_head, in_words, is_oversized
from conformance.suite.expect import DoesNotApply, Expect
from conformance.suite.observations import Answered, Observations
from conformance.suite.obstacles import worst
from conformance.suite.poisoning import began
from conformance.wire import BY_PROXY, EndKind

_FEWEST_KEPT: Final = 2
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
    heads = [(one.id, read_head(one.head)) for one in observations.in_plan_order if has_head(one)]
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
    for one in observations.in_plan_order:
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
    for one in observations.in_plan_order:
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


def judge_closings(answers: Sequence[Answered], observations: Observations, expect: Expect) -> None:
    """Expect that a target which never keeps a connection says so; one that closes some of them may.

    A body whose end is that of the connection says so, too (RFC 9112 section 6.3).

    Raises:
        DoesNotApply: fewer than two answers had to keep their connection for the next request, or it is the proxy's.
    """
    require_own_connections(observations)
    ordered = sorted(answers, key=lambda one: (began(one.exchange), one.id))
    kept = [(one, ordered[place:]) for place, one in enumerate(ordered[:-1], start=1) if _has_to_keep(one)]
    if len(kept) < _FEWEST_KEPT:
        raise DoesNotApply("fewer than two answers had to keep their connection for the next request")
    closed = [
        one for one, later in kept if all(one.exchange.connection != other.exchange.connection for other in later)
    ]
    for one, _ in kept:
        expect.looked_at(one.id)
    if len(closed) == len(kept):
        expected = "the next request over the same connection, or Connection: close in the answer before it"
        actual = f"neither, after each of {len(kept)} answers, the first of which has " + _promise(closed[0])
        expect(False, closed[0].id, expected=expected, actual=actual)


def require_own_connections(observations: Observations) -> None:
    """Require that the run's connections are the target's: its own proxy decides about those to it.

    With `https` there is a tunnel, so that they are the target's.

    Raises:
        DoesNotApply: they are the proxy's.
    """
    through_proxy = BY_PROXY in observations.unsent.values()
    if through_proxy and any(one.request.url.startswith("http://") for one in observations.exchanges):
        raise DoesNotApply("the run goes through a proxy, to which its connections are")


def _has_to_keep(one: Answered) -> bool:
    """Whether an answer of HTTP/1.1 came to its end and says nothing of an end of its connection."""
    options = (one.answer.header("connection") or "").lower()
    framed = any(one.answer.header(name) is not None for name in ("content-length", "transfer-encoding"))
    whole = one.exchange.ending.kind is EndKind.COMPLETE and one.exchange.connection is not None
    return one.answer.http_version == "HTTP/1.1" and "close" not in options and framed and whole


def _promise(one: Answered) -> str:
    fields = ((name, one.answer.header(name)) for name in ("Connection", "Keep-Alive"))
    return " and ".join(f"{name}: {quoted(value)}" if value is not None else f"no {name}" for name, value in fields)
