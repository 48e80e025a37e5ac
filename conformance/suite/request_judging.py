"""Judges keywords of the request: is each honoured at its boundary, and enforced just beyond it?

Both aspects are pure functions of what was observed, so that the outcome of a requirement and the coverage of keywords
rest on the same judgement.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.model import Place, Requirement
from conformance.contract.pointers import split
from conformance.probes import Intent, Probe
from conformance.probes.keyword_cases import is_always_text
from conformance.suite.answer_judging import REFUSALS, REFUSALS_OF_PATH
from conformance.suite.expect import CannotTell, DoesNotApply, Expect, NotSent, NotTestable
from conformance.suite.limits import declared_too_long
from conformance.suite.observations import Answered, Observations, status_of
from conformance.suite.obstacles import Obstacle, declined, given_up, worst
from conformance.suite.outcome import Outcome

NOT_SENT = "this run's tier has no value that decides this keyword"
_NEEDED_FIELD: Mapping[str, str] = {"top_logprobs": "logprobs"}
"""Fields that mean nothing unless the target acts on another one."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One answer, or missing answer, that breaks a keyword."""

    exchange: str | None
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Aspect:
    """What was decided about one aspect of a keyword.

    `outcome` is failed, passed, skipped, inconclusive or untested; the requirement's level decides whether a failure is
    a warning. `reason` says in a sentence why nothing was decided. `exchanges` are those that the outcome rests on.
    """

    outcome: Outcome
    reason: str | None = None
    broken: tuple[Violation, ...] = ()
    exchanges: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    lacks: str | None = None
    """The capability that the target lacks, if that is why the aspect was skipped."""


@dataclass(frozen=True, slots=True)
class KeywordJudgement:
    """Both aspects of one keyword."""

    honoured: Aspect
    enforced: Aspect


def judge_request_keyword(row: Requirement, observations: Observations, expect: Expect) -> None:
    """Judge whether a keyword of the request is honoured at its boundary and enforced just beyond it.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: it cannot be decided, and why.
    """
    assert row.keyword is not None
    if is_always_text(row.keyword):
        raise DoesNotApply("a segment of a URL's path is always a string")
    if not observations.matching([f"{row.id}/*"], parts=True):
        raise observations.none_planned([f"{row.id}/*"], NOT_SENT)
    require_baseline(observations)
    judged = judge_keyword(row, observations)
    for aspect in (judged.enforced, judged.honoured):
        expect.notes.extend(aspect.notes)
        for one in aspect.broken:
            expect(False, one.exchange, expected=one.expected, actual=one.actual)
        for exchange in aspect.exchanges:
            expect.looked_at(exchange)
    if expect.findings:
        return
    aspects = (judged.honoured, judged.enforced)
    skipped = next((aspect for aspect in aspects if aspect.outcome is Outcome.SKIPPED), None)
    if skipped is not None:
        raise DoesNotApply(skipped.reason or NOT_SENT, lacks=skipped.lacks)
    if not expect.judged:
        raise _gravest(aspects)


def judge_keyword(row: Requirement, observations: Observations) -> KeywordJudgement:
    """Both aspects of a keyword of the request, over everything that was sent for it."""
    needed = _missing_support(row, observations)
    if needed is not None:
        skipped = Aspect(Outcome.SKIPPED, needed)
        return KeywordJudgement(skipped, skipped)
    return KeywordJudgement(_honoured(row, observations), _enforced(row, observations))


def require_baseline(observations: Observations) -> None:
    """Require that the smallest valid request is served: otherwise the refusal of another means nothing.

    Raises:
        NotTestable, CannotTell, NotSent, DoesNotApply: it is not, and why.
    """
    baseline = observations.matching(["completion/plain"])
    streamed = any(probe.asks_for_stream for probe in baseline)
    for _ in observations.usable(baseline, observations.stream if streamed else observations.completion):
        return


def _gravest(aspects: Iterable[Aspect]) -> Exception:
    """Why neither aspect was decided, as the exception that says it."""
    undecided = {aspect.outcome: aspect.reason or NOT_SENT for aspect in aspects}
    if Outcome.INCONCLUSIVE in undecided:
        return CannotTell(undecided[Outcome.INCONCLUSIVE])
    return NotSent(undecided.get(Outcome.UNTESTED, NOT_SENT))


# --- enforced ---------------------------------------------------------------------------------------------------------


def _enforced(row: Requirement, observations: Observations) -> Aspect:
    assert row.keyword is not None
    probes = _probes(row, "enforced", Intent.REFUSED, observations)
    refusals = REFUSALS_OF_PATH if row.keyword.place is Place.PATH else REFUSALS
    answered, obstacles = observations.answers(probes)
    due = observations.contract.operation.invalid_status
    broken = [
        Violation(one.id, f"a refusal ({due}) of {one.probe.about}", status_of(one))
        for one in answered
        if not is_refusal(one, observations, refusals)
    ]
    broken += [
        Violation(next(iter(one.exchanges), None), "an answer that refuses the request", str(one))
        for one in obstacles
        if isinstance(one, NotTestable)
    ]
    return _decided(
        broken, [one.id for one in answered], [one for one in obstacles if not isinstance(one, NotTestable)]
    )


def is_refusal(answered: Answered, observations: Observations, refusals: Sequence[int] = REFUSALS) -> bool:
    """Whether an answer refuses the request: by its status, or by a stream that is nothing but an error.

    That an error must not come as a stream is a requirement of its own (`error.streamed-request`).
    """
    if answered.answer.status in refusals:
        return True
    if answered.answer.status != 200 or not answered.probe.asks_for_stream:
        return False
    reading = observations.stream_reading(answered.exchange)
    return bool(reading.errors) and not reading.chunks


def completion_within(body: Mapping[str, Any]) -> str | None:
    """Which part of a completion an error's body carries, in words: choices, or counted completion tokens."""
    if body.get("choices"):
        return "choices"
    usage = body.get("usage")
    tokens = usage.get("completion_tokens") if isinstance(usage, Mapping) else None
    counted = isinstance(tokens, int | float) and not isinstance(tokens, bool) and tokens > 0
    return f"usage of {tokens} completion tokens" if counted else None


# --- honoured ---------------------------------------------------------------------------------------------------------


def _honoured(row: Requirement, observations: Observations) -> Aspect:
    broken: list[Violation] = []
    looked_at: list[str] = []
    obstacles: list[Obstacle] = []
    too_long: list[Obstacle] = []
    for probe in _probes(row, "honoured", Intent.SERVED, observations):
        found = observations.outcome_of(observations.covered_by(probe))
        if isinstance(found, NotTestable):
            shown = next(iter(found.exchanges), None)
            broken.append(Violation(shown, f"a completion for {probe.about}", str(found)))
        elif not isinstance(found, Answered):
            obstacles.append(found)
        elif observations.served(found):
            looked_at.append(found.id)
        else:
            excuse = _declined(found) or _given_up(found)
            if excuse is not None:
                is_long = declared_too_long(found.sent, found.answer.status, found.answer.body)
                (too_long if is_long else obstacles).append(excuse)
            else:
                broken.append(Violation(found.id, f"a completion for {found.probe.about}", status_of(found)))
    # That one value is too long for the model decides nothing where others were served.
    return _decided(broken, looked_at, obstacles if looked_at or broken else [*obstacles, *too_long])


def _declined(found: Answered) -> DoesNotApply | None:
    """Whether a refusal says that the target lacks what the request asks for, or has a limit of its own."""
    lacking = declined(found.sent, found.answer.status, found.answer.body)
    return None if lacking is None else DoesNotApply(f"{found.id}: {lacking}", lacks=lacking.lacks)


def _given_up(found: Answered) -> CannotTell | None:
    why = given_up(found.sent, found.answer.status, found.answer.headers_at)
    return None if why is None else CannotTell(f"{found.id}: {why}")


def field_of(row: Requirement) -> str | None:
    """The top-level field that a keyword of the body is about."""
    assert row.keyword is not None
    steps = split(row.keyword.pointer)
    return steps[1] if len(steps) > 2 and steps[0] == "properties" else None


def _missing_support(row: Requirement, observations: Observations) -> str | None:
    """Why a keyword cannot be judged: the target does not act on the field that it depends on.

    A target that refuses that field, or ignores it, shows nothing about what depends on it.
    """
    needed = _NEEDED_FIELD.get(field_of(row) or "")
    if needed is None:
        return None
    pattern = f"request.{field_of(row)}.*/honoured/*"
    probes = [*observations.matching([pattern], parts=True), *observations.matching([f"completion/{needed}"])]
    covering = {probe.name: probe for probe in map(observations.covered_by, probes)}
    found = [one for one in map(observations.outcome_of, covering.values()) if isinstance(one, Answered)]
    served = [one for one in found if observations.served(one) and one.requested(needed) is True]
    if any(_acts_on(needed, one, observations) for one in served):
        return None
    if served:
        return f"{served[0].id}: the target accepts `{needed}` but ignores it, so what depends on it cannot be judged"
    refused = [one for one in found if declined(one.sent, one.answer.status, one.answer.body)]
    return f"{refused[0].id}: the target says that it does not support `{needed}`" if refused else None


def _acts_on(field: str, answered: Answered, observations: Observations) -> bool:
    """Whether any choice of an answer has the field that was asked for."""
    if answered.requested("stream") is True:
        return f'"{field}":{{'.encode() in answered.answer.body.replace(b" ", b"")
    body = observations.completion_reading(answered.exchange).object
    choices = body.get("choices")
    return isinstance(choices, list) and any(isinstance(one, Mapping) and one.get(field) is not None for one in choices)


# --- both -------------------------------------------------------------------------------------------------------------


def _probes(row: Requirement, aspect: str, intent: Intent, observations: Observations) -> list[Probe]:
    probes = observations.matching([f"{row.id}/{aspect}/*"], parts=True)
    return [probe for probe in probes if probe.intent is intent]


def _decided(broken: Sequence[Violation], exchanges: Sequence[str], obstacles: Sequence[Any]) -> Aspect:
    notes = tuple(str(one) for one in obstacles)
    decided = Aspect(Outcome.PASSED, None, tuple(broken), tuple(exchanges), notes)
    if broken:
        return replace(decided, outcome=Outcome.FAILED)
    lacking = next((one for one in obstacles if isinstance(one, DoesNotApply)), None)
    if lacking is not None:
        return replace(decided, outcome=Outcome.SKIPPED, reason=str(lacking), lacks=lacking.lacks)
    if exchanges:
        return decided
    if not obstacles:
        return replace(decided, outcome=Outcome.UNTESTED, reason=NOT_SENT)
    gravest = worst(list(obstacles))
    outcome = Outcome.UNTESTED if isinstance(gravest, NotSent) else Outcome.INCONCLUSIVE
    return replace(decided, outcome=outcome, reason=str(gravest))
