"""Finds what in a request brings its answer about: delta debugging by halves over its fields, by sending further ones.

A combined request that is refused, or that breaks the server, although each of its parts is served, is brought down to
the pair of fields that cannot stand together; a drawn one to the fields without which its answer is another. Like
`shrinking`, it knows nothing about the wire, and its steps follow from the answers alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Any, Final

from conformance.probes.model import LIMIT_FIELDS, REFUSED_FOR_LOAD, Intent, Probe, worst_case_tokens
from conformance.probes.request_body import CHEAP, COMPANIONS, REMOVED, RequestBody
from conformance.probes.shrinking import SHRUNK, Shrinking, broken_keywords, origin_of, smaller_than

DRAWN: Final = "drawn/"
"""What the names of requests begin with that are drawn at random in every run."""
MOST_NARROWED: Final = 1
"""How many requests of each kind, and failure, are brought down to what matters: others mostly have the same cause."""
MOST_STEPS: Final = 8
"""How many further requests are sent for each: enough for a pair among a dozen fields."""

_Fields = tuple[str, ...]
_Search = Generator[_Fields, bool, None]
"""Asks of some fields whether they bring the same answer, and ends when nothing can be left out."""


class Failure(Enum):
    """How an answer differs from what is due."""

    SERVED = auto()
    REFUSED = auto()
    CRASHED = auto()


def failure_of(intent: Intent, status: int | None) -> Failure | None:
    """How the answer to a request differs from what its intent demands; None where it does not, or says nothing."""
    if status is None or status in REFUSED_FOR_LOAD:
        return None
    if status >= 500:
        return Failure.CRASHED
    if intent is Intent.SERVED and not 200 <= status < 300:
        return Failure.REFUSED
    return Failure.SERVED if intent is Intent.REFUSED and status < 300 else None


@dataclass(slots=True)
class _Apart:
    """A combined request with what is known of its parts."""

    whole: Probe
    failure: Failure
    left: set[str]
    all_served: bool = True


@dataclass(slots=True)
class _Narrowed:
    """One request on its way to the fields that matter."""

    origin: Probe
    failure: Failure
    search: _Search
    broken: frozenset[str]
    steps: int = 0
    known: dict[str, bool] = field(default_factory=dict)
    """Whether a body, as text, brings the same answer."""
    asked: str = ""


class Narrowing:
    """Gives the requests to send next. Call it once for each probe that is finished."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body
        self._runs: dict[str, _Narrowed] = {}
        self._apart: dict[str, _Apart] = {}
        """By the name of each part."""
        self._begun: dict[str, int] = {}

    def __call__(self, probe: Probe, status: int | None) -> list[Probe]:
        """The next request with fewer fields, or none; `status` is that of the answer, None where none came."""
        run = self._runs.get(origin_of(probe.name))
        if run is not None and SHRUNK in probe.name:
            same = failure_of(run.origin.intent, status) is run.failure
            run.known[run.asked] = same
            return self._next(run, answer=same)
        if probe.name in self._apart:
            return self._note_part(self._apart.pop(probe.name), probe, status)
        failure = failure_of(probe.intent, status)
        if failure is None or SHRUNK in probe.name or not isinstance(probe.body, dict):
            return []
        if len(probe.instead) > 1:
            apart = _Apart(probe, failure, {part.name for part in probe.instead})
            self._apart.update(dict.fromkeys(apart.left, apart))
        elif probe.name.startswith(DRAWN):
            kind = "/".join(probe.name.split("/")[:2])
            return self._begin(kind, probe, failure, alone_known=False)
        return []

    def _note_part(self, apart: _Apart, part: Probe, status: int | None) -> list[Probe]:
        apart.left.discard(part.name)
        apart.all_served = apart.all_served and status is not None and 200 <= status < 300
        if apart.left or not apart.all_served:
            return []
        return self._begin("combined", apart.whole, apart.failure, alone_known=True)

    def _begin(self, kind: str, origin: Probe, failure: Failure, *, alone_known: bool) -> list[Probe]:
        items = _items(origin.body, self._body.capped(CHEAP))
        kind = f"{kind} {failure.name}"
        if self._begun.get(kind, 0) >= MOST_NARROWED or not items:
            return []
        self._begun[kind] = self._begun.get(kind, 0) + 1
        broken = broken_keywords(self._body, origin.body)
        run = _Narrowed(origin, failure, _smallest(items, alone_known=alone_known), broken)
        run.known[_text(self._with(origin.body, items))] = True
        self._runs[origin.name] = run
        return self._next(run, answer=None)

    def _next(self, run: _Narrowed, *, answer: bool | None) -> list[Probe]:
        try:
            wanted = next(run.search) if answer is None else run.search.send(answer)
            while True:
                body = self._with(run.origin.body, wanted)
                run.asked = _text(body)
                known = run.known.get(run.asked)
                if known is None and self._is_alike(body, run):
                    break
                wanted = run.search.send(bool(known))
        except StopIteration:
            return []
        if run.steps >= MOST_STEPS:
            return []
        run.steps += 1
        return [_smaller(run, body)]

    def _is_alike(self, body: dict[str, Any], run: _Narrowed) -> bool:
        """Whether a body is due the answer that the first one was: valid like it, or broken in the same way."""
        if run.origin.intent is Intent.REFUSED:
            return broken_keywords(self._body, body) == run.broken
        may = self._body.is_surely_served if run.origin.intent is Intent.SERVED else self._body.may_be_served
        return may(body) and self._body.is_spoken(body)

    def _with(self, whole: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
        """The smallest request with these fields of a larger one, and what they need beside them."""
        chosen = dict.fromkeys(names)
        made = self._body.capped(CHEAP)
        if any(name in LIMIT_FIELDS for name in chosen):
            made = {name: value for name, value in made.items() if name not in LIMIT_FIELDS}
        for name in chosen:
            for companion, value in COMPANIONS.get(name, {}).items():
                if value is REMOVED:
                    made.pop(companion, None)
                elif companion in whole:
                    made[companion] = whole[companion]
            made[name] = whole[name]
        made = {name: made[name] for name in (*(one for one in whole if one in made), *made)}
        cheapest: dict[str, Any] = self._body.cheapest(made)
        return cheapest


def follow_ups(body: RequestBody) -> Callable[[Probe, int | None], list[Probe]]:
    """What gives the smaller requests that follow from answers, whatever kind of request was answered."""
    shrinking, narrowing = Shrinking(body), Narrowing(body)
    return lambda probe, status: [*shrinking(probe, status), *narrowing(probe, status)]


def fields_beside(sent: Any, usual: Any) -> list[str]:
    """The fields of a request that a usual one does not have, or has with another value."""
    if not isinstance(sent, dict) or not isinstance(usual, dict):
        return []
    return [name for name, value in sent.items() if name not in usual or usual[name] != value]


def _items(whole: dict[str, Any], usual: dict[str, Any]) -> _Fields:
    """The fields of a request that may matter: those that others bring along come first: they may be enough."""
    names = fields_beside(whole, usual)
    brought = {one for name in names for one in COMPANIONS.get(name, ())}
    return tuple(sorted(names, key=lambda name: name not in brought))


def _smallest(items: _Fields, *, alone_known: bool) -> _Search:
    """Ask for fewer and fewer fields; that all of them bring the answer is known, and maybe that none does alone.

    The shortest beginning of the list that brings the answer ends with a field that matters. That field is kept, and
    the next is looked for among those before it.
    """
    needed: _Fields = ()
    ahead = items
    while ahead:
        if needed and not (alone_known and len(needed) == 1) and (yield needed):
            return
        low, high = 0, len(ahead)
        while high - low > 1:
            middle = (low + high) // 2
            if (yield (*ahead[:middle], *needed)):
                high = middle
            else:
                low = middle
        needed = (ahead[high - 1], *needed)
        ahead = ahead[: high - 1]


def _smaller(run: _Narrowed, body: dict[str, Any]) -> Probe:
    return replace(
        run.origin,
        name=f"{run.origin.name}{SHRUNK}{run.steps}",
        about=smaller_than(run.origin.name),
        body=body,
        completion_tokens=worst_case_tokens(body),
        instead=(),
    )


def _text(body: Any) -> str:
    return json.dumps(body, sort_keys=True)
