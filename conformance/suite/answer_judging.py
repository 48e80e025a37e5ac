"""Judges answers by their first property: was the request served, or refused with a status that is allowed?"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from conformance.probes import Intent, Probe
from conformance.quoting import quoted
from conformance.suite.expect import Expect
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import worst

REFUSALS = (400, 404, 413, 415, 422)
"""Statuses that refuse a request for what it asks; which of them is due, other requirements say."""
REFUSALS_OF_PATH = (400, 401, 403, 404, 422)
"""A malformed path parameter may also be refused like a resource that the caller has no access to."""
CLIENT_ERRORS = range(400, 500)


def expect_served(
    answers: Sequence[Answered], observations: Observations, expect: Expect, expected: str | None = None
) -> list[Answered]:
    """Expect each answer to be a completion; returns those that are.

    `expected` says what is expected where "a completion for" and the probe's words do not.
    """
    for one in answers:
        wording = expected or f"a completion for {one.probe.about}"
        expect(observations.served(one), one.id, expected=wording, actual=status_of(one))
    return [one for one in answers if observations.served(one)]


def judge_served(probes: Sequence[Probe], observations: Observations, expect: Expect, expected: str) -> None:
    """Expect each of these probes to be answered with a completion, unless the target clearly lacks what it asks for.

    Raises:
        CannotTell, DoesNotApply, NotSent: no answer decides it; the gravest reason.
    """
    answered, obstacles = observations.due(probes)
    for one in answered:
        expect(observations.served(one), one.id, expected=expected, actual=status_of(one))
    expect.missing_answers(expected, obstacles)
    if not expect.judged:
        raise worst(obstacles)


def expect_served_or_refused(
    answers: Iterable[Answered], observations: Observations, expect: Expect, refusals: Container[int] = REFUSALS
) -> None:
    """Expect each answer to be a completion, or to have one of the statuses `refusals`."""
    for one in answers:
        expect(
            observations.served(one) or one.answer.status in refusals,
            one.id,
            expected=f"a completion or a refusal for {one.probe.about}",
            actual=status_of(one),
        )


def expect_status(
    answers: Iterable[Answered], statuses: Container[int], expect: Expect, expected: str | None = None
) -> None:
    """Expect each answer to have one of these statuses; `expected` names them, `a refusal of` the probe's words not."""
    for one in answers:
        wording = expected or f"a 4xx refusal of {one.probe.about}"
        expect(one.answer.status in statuses, one.id, expected=wording, actual=status_of(one))


def expect_probes_served(patterns: Sequence[str], observations: Observations, expect: Expect) -> list[Answered]:
    """Expect each of these probes to be served; returns the answers that are completions.

    Raises:
        NotSent: none of them was planned.
    """
    answered, obstacles = observations.answers(planned(patterns, observations))
    served = expect_served(answered, observations, expect)
    expect.missing_answers("a completion", obstacles)
    return served


def expect_probes_served_or_refused(patterns: Sequence[str], observations: Observations, expect: Expect) -> None:
    """Expect a 4xx for each of these probes, or a completion where the contract does not forbid the request.

    Raises:
        NotSent: none of them was planned.
    """
    answered, obstacles = observations.answers(planned(patterns, observations))
    for one in answered:
        may_be_served = one.probe.intent is not Intent.REFUSED
        expect(
            one.answer.status in CLIENT_ERRORS or (may_be_served and observations.served(one)),
            one.id,
            expected=f"a {'completion or a ' if may_be_served else ''}4xx refusal for {one.probe.about}",
            actual=status_of(one),
        )
    expect.missing_answers("an answer", obstacles)


def expect_own_ids(ids: Iterable[tuple[str, str]], expect: Expect) -> None:
    """Expect that no two answers have the same id; `ids` has the exchange and the id of each answer."""
    first: dict[str, str] = {}
    for exchange, given in ids:
        other = first.setdefault(given, exchange)
        actual = f"{quoted(given)}, which {other} has too"
        expect(other == exchange, exchange, expected="an id of its own", actual=actual)


def planned(patterns: Sequence[str], observations: Observations) -> list[Probe]:
    """The planned probes with these names, or what was sent in their place.

    Raises:
        NotSent, DoesNotApply: there is none, in this run's tier or in any.
    """
    found = observations.asked(patterns)
    if not found:
        raise observations.none_planned(patterns, "no probe of this run decides this")
    return found
