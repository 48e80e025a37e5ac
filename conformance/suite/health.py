"""Judges a target's health after hostile requests: what it still serves, how fast, and since when it does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from conformance.probes import Intent
from conformance.probes.completions import SMALLEST
from conformance.probes.model import LIMIT_FIELDS
from conformance.probes.script import HALF_CLOSE
from conformance.suite.expect import CannotTell, Expect, NotSent, NotTestable
from conformance.suite.observations import Answered, Completion, Observations, status_of
from conformance.suite.obstacles import TOO_SLOW, worst
from conformance.suite.poisoning import began, ended, prompt_of
from conformance.wire import EndKind, Exchange

PLAINEST = SMALLEST
"""Shows that the target answers at all, so that silence on another request is about that request."""
_CONNECTION_BROKE = frozenset({EndKind.CLOSED, EndKind.RESET, EndKind.TRUNCATED})
"""How an exchange ends when its connection breaks."""
RESOLUTION = 0.005
"""How precisely the times of two exchanges can be compared, in seconds."""
_HANGS_UP = "robustness/hang-up"
"""A client that leaves; unlike hostile requests, it is there beside the first plain ones."""
_SILENCE = 3
"""How many unanswered requests in a row are no coincidence."""
_NAMED = 8
"""How many exchanges a message names."""


def sent_exchange(name: str, observations: Observations) -> Exchange:
    """The last exchange of a probe, whatever came of it.

    Raises:
        NotSent, CannotTell, DoesNotApply: there is none, and why.
    """
    exchange = observations.exchange_of(name)
    if exchange is not None:
        return exchange
    found = (observations.outcome_of(probe) for probe in observations.matching([name]))
    raise worst([*(one for one in found if not isinstance(one, Answered)), NotSent(f"{name} was not sent")])


def hangs(exchange: Exchange, observations: Observations) -> bool:
    """Whether the target answered in time every request that it must serve, but not this one."""
    plain = observations.exchange_of(PLAINEST)
    was_well = plain is not None and plain.answer is not None
    # Other requests that are sent in steps may go unanswered for the same reason as this one.
    others = [one for one in _plain(observations) if one is not exchange and not one.request.steps]
    is_slow = any(one.answer is None and one.ending.kind in TOO_SLOW for one in others)
    return exchange.answer is None and exchange.ending.kind in TOO_SLOW and was_well and not is_slow


def ids_in_bodies(served: Iterable[Answered], observations: Observations) -> Iterator[tuple[str, str]]:
    """The exchange and the id of each of these completions that has one, an empty one included."""
    for one in served:
        given = observations.completion_reading(one.exchange).object.get("id")
        if isinstance(given, str):
            yield one.id, given


def judge_health(patterns: Sequence[str], hostile: Sequence[str], observations: Observations, expect: Expect) -> None:
    """Expect plain requests to be served; if one was not, name the hostile request since which.

    `hostile` are the names of the probes that may have harmed the target.

    Raises:
        CannotTell: the target refused for load or is too slow, or answered nothing at all.
        NotTestable: it served plain requests no better before anything hostile was sent.
    """
    unwell: NotTestable | None = None
    for probe in observations.matching(patterns):
        exchange = observations.exchange_of(probe.name)
        if exchange is None:
            continue
        found = observations.outcome_of(probe)
        if isinstance(found, CannotTell) and not _went_silent(exchange, observations):
            expect.notes.append(str(found))
            continue
        well = isinstance(found, Answered) and observations.served(found)
        got = status_of(found) if isinstance(found, Answered) else f"no answer ({exchange.ending.kind.value})"
        before = None if well else _same_before(exchange, hostile, observations)
        if before is not None:
            why = f"{exchange.id}: {got}, as {before.id} got before anything hostile was sent"
            unwell = unwell or NotTestable(why, exchange.id, before.id)
            continue
        blamed = None if well else suspects(observations, exchange, hostile)
        if exchange.answer is None and blamed is None:
            expect.notes.append(f"{exchange.id}: {got}, and no earlier request that may be the cause")
            continue
        actual = f"{got}; {blamed}" if blamed else got
        if not expect(well, exchange.id, expected=f"a completion for {probe.about}", actual=actual):
            return  # what follows says nothing new
    if not expect.judged and unwell is not None:
        raise unwell
    if not expect.judged and expect.notes:
        raise CannotTell(expect.notes[0])


def _same_before(unwell: Exchange, hostile: Sequence[str], observations: Observations) -> Exchange | None:
    """An exchange from before all hostile requests that asked the same and was refused in the same way."""
    status = _status(unwell)
    if not 400 <= status < 500:
        return None  # a target that was harmed fails, and does not refuse
    suspected = (one for one in observations.exchanges if one.probe in hostile and one.probe != _HANGS_UP)
    first = min(map(began, suspected), default=began(unwell))
    before = (one for one in observations.exchanges if ended(one) <= first and _status(one) == status)
    return next((one for one in before if prompt_of(one) == prompt_of(unwell)), None)


def _status(exchange: Exchange) -> int:
    return 0 if exchange.answer is None else exchange.answer.status


def _went_silent(exchange: Exchange, observations: Observations) -> bool:
    """Whether a target that had answered plain requests no longer does, and is not merely slow."""
    if exchange.answer is not None:
        return False
    plain = [one for one in _plain(observations) if began(one) < began(exchange)]
    is_slow = exchange.ending.kind in TOO_SLOW and any(
        one.answer is None and one.ending.kind in TOO_SLOW for one in plain
    )
    return (not is_slow or _answers_nobody(observations)) and any(one.answer is not None for one in plain)


def _answers_nobody(observations: Observations) -> bool:
    """Whether the target answers nothing any more, not even requests that it refuses without asking a model."""
    last_answered = max((ended(one) for one in observations.exchanges if one.answer is not None), default=0.0)
    since = [one for one in observations.exchanges if began(one) > last_answered]
    return len(since) >= _SILENCE and any(_is_refused_at_once(one, observations) for one in since)


def _is_refused_at_once(exchange: Exchange, observations: Observations) -> bool:
    probe = observations.probes.get(exchange.probe)
    return probe is not None and probe.intent is Intent.REFUSED


def _plain(observations: Observations) -> Iterator[Exchange]:
    """The exchanges of probes that must be served."""
    for name, probe in observations.probes.items():
        exchange = observations.exchange_of(name)
        if probe.intent is Intent.SERVED and exchange is not None:
            yield exchange


def suspects(observations: Observations, unwell: Exchange, hostile: Sequence[str]) -> str | None:
    """The request since which a target has not served a plain one, in words, as far as order and times show it.

    None if no request can be suspected. Every attempt counts: the first may show a broken connection where the last
    finds nobody listening.
    """
    before = [one for one in observations.exchanges if began(one) <= began(unwell) and one is not unwell]
    # A target that fell silent may still have served what was under way: then the beginning of a request decides.
    when = began if unwell.answer is None else ended
    served = [when(one) for one in _plain(observations) if one in before and one.answer and one.answer.status == 200]
    last_served = max(served, default=0.0)
    since = sorted((one for one in before if ended(one) >= last_served), key=began)
    suspected = [one for one in since if one.probe in hostile or not _must_be_served(one, observations)]
    broken = min((one for one in since if _broke(one)), key=ended, default=None)
    if broken is not None:
        under_way = [one.id for one in suspected if began(one) <= ended(broken) <= ended(one) + RESOLUTION]
        culprit = f"the connection of {broken.id} was the first to break ({broken.ending.kind.value})"
        others = [one for one in under_way if one != broken.id]
        return f"{culprit}; also under way: {_listed(others)}" if others else culprit
    if not suspected:
        return None
    if len(suspected) == 1:
        return f"the only hostile request since a plain one was served is {suspected[0].id}"
    silent = [one.id for one in suspected if one.answer is None and one.ending.kind is not EndKind.HUNG_UP]
    text = f"{len(suspected)} hostile requests came after a plain one was last served: "
    text += _listed([one.id for one in suspected])
    text += f"; the first without an answer is {silent[0]}" if silent else ""
    left = [one.id for one in suspected if one.ending.kind is EndKind.HUNG_UP]
    return text + (f"; clients hung up in {_listed(left)}" if left else "")


def _broke(exchange: Exchange) -> bool:
    """Whether a connection broke on which an answer was due."""
    return (
        exchange.answer is None
        and exchange.ending.kind in _CONNECTION_BROKE
        and HALF_CLOSE not in exchange.request.steps
    )


def _must_be_served(exchange: Exchange, observations: Observations) -> bool:
    probe = observations.probes.get(exchange.probe)
    return probe is not None and probe.intent is Intent.SERVED


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def elapsed_and_usual(
    exchange: Exchange, patterns: Sequence[str], observations: Observations
) -> tuple[float, float | None]:
    """How long an exchange took, and the longest that plain ones of these probes took before it, in seconds.

    The second is None where none was answered before it.
    """
    others = (observations.exchange_of(probe.name) for probe in observations.matching(patterns))
    before = [one for one in others if one is not None and one.answer is not None and ended(one) <= began(exchange)]
    return exchange.ending.at, max((one.ending.at for one in before), default=None)


def lost_tokens(patterns: Sequence[str], observations: Observations) -> Iterator[tuple[Answered, int]]:
    """How many tokens short of its limit each answer with one choice is that the limit cut."""
    answered, _ = observations.answers(observations.matching(patterns))
    for one in answered:
        found = observations.completion(one)
        limit = next((value for name in LIMIT_FIELDS if (value := one.requested(name)) is not None), None)
        if not isinstance(found, Completion) or not isinstance(limit, int) or len(found.choices) != 1:
            continue
        used = found.usage("completion_tokens")
        if found.choices[0].get("finish_reason") == "length" and used is not None:
            yield one, limit - int(used)
