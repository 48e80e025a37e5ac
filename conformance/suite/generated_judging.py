"""Judges generated requests: a property must hold for all; the smallest request that breaks it is what is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from conformance.probes import Probe
from conformance.probes.narrowing import DRAWN
from conformance.probes.shrinking import SHRUNK
from conformance.quoting import quoted
from conformance.suite.answer_judging import REFUSALS
from conformance.suite.drawn_judging import Elsewhere, judge_drawn_invalid, judge_drawn_valid
from conformance.suite.expect import Expect, NotSent, NotTestable
from conformance.suite.observations import Answered, Completion, Observations, status_of
from conformance.suite.obstacles import Obstacle, declined, worst
from conformance.suite.request_judging import is_refusal

MOST_REPORTED = 10
"""How many findings of one property are reported one by one; a single broken keyword breaks many requests."""
MOST_NAMED = 20
"""How many exchanges without a finding the record names."""
_MISSING = 0.05
"""The share of the requests that may lack an answer if all others keep the property."""

Problem = Callable[[Answered], str | None]
"""Says what is wrong with an answer, in words that follow "got"; None if nothing is."""


def judge_valid(observations: Observations, expect: Expect) -> None:
    """Valid requests in, completions out; of the many of the exhaustive tier, completions that conform.

    Raises:
        NotTestable, CannotTell, NotSent: too many of them have no answer to judge.
    """
    usual = _usual_deviations(observations)

    def wrong(answered: Answered) -> str | None:
        if not observations.served(answered):
            return status_of(answered)
        completion = observations.completion(answered)
        if answered.requested("stream") is True or not isinstance(completion, Completion):
            return None
        found = [one for one in _deviations(completion.body, observations) if one.split(" at ")[0] not in usual]
        return f"a completion that does not conform: {found[0]}" if found else None

    _require(("valid",), observations)
    told = judge_drawn_valid(observations, expect)
    _judge("valid", "a completion that conforms to the contract", wrong, observations, expect)
    _require_own_finding(told, expect)


def judge_invalid(observations: Observations, expect: Expect) -> None:
    """Requests that break the schema in, refusals out.

    Raises:
        NotTestable, CannotTell, NotSent: too many of them have no answer to judge.
    """

    def wrong(answered: Answered) -> str | None:
        return None if is_refusal(answered, observations, REFUSALS) else status_of(answered)

    _require(("invalid", "mutated"), observations)
    told = judge_drawn_invalid(observations, expect)
    for kind in ("invalid", "mutated"):
        _judge(kind, "a refusal", wrong, observations, expect)
    _require_own_finding(told, expect)


def _require_own_finding(told: Elsewhere | None, expect: Expect) -> None:
    """Require that something was decided here: what is told elsewhere blocks the rest."""
    if told is not None and not expect.judged:
        raise NotTestable(told.why, told.exchange)


def _require(kinds: Sequence[str], observations: Observations) -> None:
    if not observations.matching([f"{origin}{kind}/*" for kind in kinds for origin in ("generated/", DRAWN)]):
        raise NotSent("no request could be generated from the contract's schema")


def _judge(kind: str, expected: str, wrong: Problem, observations: Observations, expect: Expect) -> None:
    probes = [probe for probe in observations.matching([f"generated/{kind}/*"]) if SHRUNK not in probe.name]
    answered, obstacles = observations.answers(probes)
    broken: list[tuple[Answered, str]] = []
    idle: list[Answered] = []
    for one in answered:
        problem = wrong(one)
        if not _can_decide(one.probe, observations) or (problem is not None and _is_declined(one)):
            idle.append(one)
        elif problem is None:
            _note_kept(one, expect)
        else:
            broken.append((one, problem))
    if idle:
        expect.notes.append(
            f"{len(idle)} of {len(probes)} {kind} requests decide nothing, such as {idle[0].id}: the target declines"
            " one of their fields, their combination or their length, or does not serve the valid request that they"
            " were derived from"
        )
    for one, problem in broken[:MOST_REPORTED]:
        _report(one, problem, expected, wrong, observations, expect)
    if len(broken) > MOST_REPORTED:
        expect.notes.append(
            f"{len(broken) - MOST_REPORTED} more of {len(probes)} requests break this requirement as well"
        )
    expect.missing_answers(f"{expected} for a generated request", obstacles[:MOST_REPORTED])
    missing: list[Obstacle] = [one for one in obstacles if not isinstance(one, NotTestable)]
    if missing and not expect.findings and len(missing) > _MISSING * len(probes):
        gravest = worst(missing)
        gravest.args = (f"{len(missing)} of {len(probes)} requests have no answer to judge: {gravest}",)
        raise gravest


def _note_kept(answered: Answered, expect: Expect) -> None:
    expect(True, answered.id if len(expect.exchanges) < MOST_NAMED else None, expected="", actual="")


def _report(
    answered: Answered, problem: str, expected: str, wrong: Problem, observations: Observations, expect: Expect
) -> None:
    """Report a finding by the smallest request that shows it; its exchange is the one to look at."""
    smaller = observations.matching([f"{answered.probe.name}{SHRUNK}*"])
    found = [(one, wrong(one)) for one in observations.answers(smaller)[0]]
    smallest = min(
        ((one, text) for one, text in found if text is not None),
        key=lambda pair: len(pair[0].exchange.request.body or b""),
        default=None,
    )
    if smallest is None:
        expect(False, answered.id, expected=f"{expected} for {answered.probe.about}", actual=problem)
        return
    one, text = smallest
    body = (one.exchange.request.body or b"").decode("utf-8", "replace")
    expect(
        False,
        one.id,
        expected=f"{expected} for {quoted(body)}, shrunk from {answered.id} ({answered.probe.about})",
        actual=text,
    )


def _is_declined(answered: Answered) -> bool:
    """Whether the target says that it lacks what the request asks for, or takes less of it."""
    return declined(answered.sent, answered.answer.status, answered.answer.body) is not None


def _can_decide(probe: Probe, observations: Observations) -> bool:
    """Whether a mutated request decides anything: the target must serve the valid one that it was derived from."""
    kind, _, number = probe.name.removeprefix("generated/").partition("/")
    if kind != "mutated":
        return True
    valid = observations.matching([f"generated/valid/{number}"])
    found = observations.answers(valid)[0]
    return not found or observations.served(found[0])


def _usual_deviations(observations: Observations) -> frozenset[str]:
    """What is wrong even with the plainest completion; other requirements report that."""
    plain = observations.answers(observations.matching(["completion/plain"]))[0]
    bodies = [observations.completion(one) for one in plain]
    found = [one for body in bodies if isinstance(body, Completion) for one in _deviations(body.body, observations)]
    return frozenset(one.split(" at ")[0] for one in found)


def _deviations(body: Any, observations: Observations) -> Sequence[str]:
    readers = observations.readers
    judge = readers.schema("completion")
    if judge.conforms(body):
        return ()
    found = [one for one in judge.deviations(body) if readers.binds("completion", one.key)]
    return [f"{one.expected} (got {one.actual}) at {one.instance_path or 'the root'}" for one in found]
