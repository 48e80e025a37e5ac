"""Fingerprints a target by the answers that a run gets anyway, and notices when it changed during the run.

Only answers of one kind are compared: completions of one model that are not streamed. An error may come from a proxy in
front, and a stream may take another path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.suite.observations import Answered, Observations
from conformance.suite.poisoning import began
from conformance.wire import Exchange

_FIELDS = ("server", "via", "x-powered-by", "x-served-by")
_VERSION = "-version"
_IN_BODY = ("model", "system_fingerprint")
_FEWEST = 4
"""How many answers must agree on either side of a change; with fewer, two instances may merely have taken turns."""
_OVERLAP = 8
"""How many answers around a change may belong to either side: concurrent requests are answered in any order."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class TargetTraits:
    """Traits by name, at the start and at the end of a run; `changes` names those that changed for good in between."""

    start: Mapping[str, str] = field(default_factory=dict, hash=False)
    end: Mapping[str, str] = field(default_factory=dict, hash=False)
    changes: tuple[str, ...] = ()


def target_traits(observations: Observations) -> TargetTraits:
    """The traits of the target behind a run's exchanges; empty where nothing comparable was served."""
    seen = [_traits(answered, observations) for answered in _comparable(observations)]
    if not seen:
        return TargetTraits()
    names = dict.fromkeys(name for traits in seen for name in traits)
    changed = (name for name in names if _changed([traits.get(name) for traits in seen]))
    return TargetTraits(seen[0], seen[-1], tuple(changed))


def _comparable(observations: Observations) -> Sequence[Answered]:
    """The answers to compare, in the order in which they came: requests at once are served in any order."""
    probes = observations.probes
    answered = [
        Answered(probes[exchange.probe], exchange, exchange.answer)
        for exchange in sorted(observations.exchanges, key=_answered_at)
        if exchange.answer is not None and exchange.answer.status == 200 and exchange.probe in probes
    ]
    plain = [one for one in answered if one.requested("stream") is not True and _is_completion(one, observations)]
    models = Counter(str(one.requested("model")) for one in plain)
    usual = models.most_common(1)[0][0] if models else ""
    return [one for one in plain if str(one.requested("model")) == usual]


def _answered_at(exchange: Exchange) -> float:
    """When the answer began, in seconds since 1970; without an answer, when the exchange ended."""
    after = exchange.ending.at if exchange.answer is None else exchange.answer.headers_at
    return began(exchange) + after


def _is_completion(answered: Answered, observations: Observations) -> bool:
    return isinstance(observations.completion_reading(answered.exchange).object.get("choices"), list)


def _traits(answered: Answered, observations: Observations) -> dict[str, str]:
    return {name: value[:_LONGEST] for name, value in _found(answered, observations)}


def _found(answered: Answered, observations: Observations) -> Iterator[tuple[str, str]]:
    answer, exchange = answered.answer, answered.exchange
    yield "http", answer.http_version
    if exchange.tls is not None:
        yield "tls", exchange.tls
    for name in dict.fromkeys(name.lower() for name, _ in answer.headers):
        if name in _FIELDS or name.endswith(_VERSION):
            yield name, answer.header(name) or ""
    body = observations.completion_reading(exchange).object
    for name in _IN_BODY:
        if isinstance(body.get(name), str):
            yield name, str(body[name])


def _changed(values: Sequence[str | None]) -> bool:
    """Whether a trait had one value up to a point, and another one from there on.

    Around that point the two may be mixed, because requests overlap. Values that alternate come from several instances.
    """
    first, last = values[0], values[-1]
    if first == last or len(values) < 2 * _FEWEST:
        return False
    begin = next(place for place, value in enumerate(values) if value != first)
    end = next(place for place in range(len(values), 0, -1) if values[place - 1] != last)
    return begin >= _FEWEST and len(values) - end >= _FEWEST and end - begin <= _OVERLAP
