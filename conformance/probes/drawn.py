"""Requests drawn at random in every run: a handful that must be served, and some that break one keyword somewhere.

They combine what no example combines, so that it takes no exhaustive run to find what only breaks together. They are
drawn from what every deployment takes that has the fields, and cost a token or two each. The same seed draws the same.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from itertools import combinations
from random import Random
from typing import Any, Final

from conformance.contract.model import Level, Requirement, Tier
from conformance.probes.conversations import knows_calls
from conformance.probes.drawn_extras import with_extras, with_room
from conformance.probes.invalid_boundaries import Violation, violations
from conformance.probes.invalid_mutations import broken_by
from conformance.probes.model import Probe, refused_probe, served_probe, worst_case_tokens
from conformance.probes.narrowing import DRAWN
from conformance.probes.random_requests import random_requests
from conformance.probes.request_body import SEED, RequestBody, describe_change
from conformance.probes.waves import DRAWN as DRAWN_WAVE

VALID: Final = f"{DRAWN}valid/"
INVALID: Final = f"{DRAWN}invalid/"
MOST_VALID: Final = 4
"""Those at the boundaries of the schema, which are sent besides, combine valid values, too.

Up to half of them have tools or a form of the answer. Where conversations have calls of tools, so many have one of
these, and a single one has not."""
MOST_INVALID: Final = 20
_CANDIDATES: Final = 8 * MOST_VALID
"""How many are drawn to choose from."""
_MOST_TOKENS: Final = 8
"""What an invalid one may cost where it is served; what costs more is sent once, for its own keyword."""
_TRIES: Final = 6
"""How often it is tried to break a request before one less is sent."""


def drawn_probes(body: RequestBody) -> Iterator[Probe]:
    """A handful of valid requests, and some that differ from one of them in one place that makes them invalid."""
    if not isinstance(body.contract.operation.request_schema, Mapping) or not body.contract.operation.properties:
        return
    chance = Random(body.seed_of("drawn requests", SEED))  # noqa: S311 - no secret hangs on it
    made = [body.spoken(one) for one in random_requests(body, _CANDIDATES, chance, usual=True)]
    plain = [one for one in made if body.is_surely_served(one)]
    met: set[tuple[str, ...]] = set()
    rich = knows_calls(body.contract.operation.properties.get("messages"))
    kinds = with_extras(plain, body, chance)[: MOST_VALID if rich else MOST_VALID // 2]
    valid = _various(plain, max(1, MOST_VALID - len(kinds)), met)
    valid += [chosen for kind in kinds for chosen in _various(kind, 1, met)]
    for number, sent in enumerate(valid):
        yield served_probe(
            f"{VALID}{number}", "a valid request, drawn at random from the schema", with_room(sent), wave=DRAWN_WAVE
        )
    if valid:
        yield from _broken(body, valid, chance)


def _various(requests: list[dict[str, Any]], most: int, met: set[tuple[str, ...]]) -> list[dict[str, Any]]:
    """Those of many requests in which the most traits meet that did not meet before, which are added to `met`."""
    left = [(one, {*_meetings(one), *_values(one)}) for one in requests]
    chosen: list[dict[str, Any]] = []
    while left and len(chosen) < most:
        best = max(left, key=lambda one: len(one[1] - met))
        left.remove(best)
        chosen.append(best[0])
        met |= best[1]
    return chosen


def _meetings(request: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The pairs of traits of a request, in a stream or in a whole answer."""
    how = "streamed" if request.get("stream") is True else "whole"
    return ((*pair, how) for pair in combinations(sorted(_traits(request)), 2))


def _traits(request: Mapping[str, Any]) -> Iterator[str]:
    """What a request has that another one lacks: its fields, and what its conversation is made of."""
    named = ((name, value) for name, value in request.items() if name not in ("messages", "model", "stream"))
    yield from (name for name, value in named if value is not False)
    messages = request["messages"] if isinstance(request.get("messages"), list) else []
    yield from {f"a message of {one['role']}" for one in messages if isinstance(one, Mapping) and "role" in one}
    contents = [one.get("content") for one in messages if isinstance(one, Mapping)]
    if any(isinstance(content, list) for content in contents):
        yield "parts"
    if not all(str(content).isascii() for content in contents):
        yield "other scripts"
    if (request.get("n") or 1) > 1:
        yield "several choices"


def _values(request: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    return ((name, json.dumps(value)) for name, value in request.items() if name != "messages")


def base_of(name: str) -> str:
    """The name of the valid request that an invalid one was drawn from."""
    return f"{VALID}{name.removeprefix(INVALID).split('/')[0]}"


def requirement_of(name: str) -> str:
    """The id of the requirement whose keyword an invalid request breaks."""
    return name.removeprefix(INVALID).split("/")[1]


def _broken(body: RequestBody, valid: list[dict[str, Any]], chance: Random) -> Iterator[Probe]:
    """Valid requests, each broken in one place; the keywords take turns."""
    rows = list(_rows(body))
    chance.shuffle(rows)
    choices = [(row, found) for row in rows if (found := tuple(violations(row, body)))]
    drawn: dict[str, Probe] = {}
    for turn in range(_TRIES * MOST_INVALID if choices else 0):
        row, found = choices[turn % len(choices)]
        number, violation = chance.randrange(len(valid)), chance.choice(found)
        probe = _probe(number, valid[number], row, violation, body, chance)
        if probe is not None:
            drawn.setdefault(probe.name, probe)
        if len(drawn) == MOST_INVALID:
            break
    yield from drawn.values()


def _rows(body: RequestBody) -> Iterator[Requirement]:
    """The keywords of the body that the standard tier judges by a MUST: what every deployment must enforce."""
    for row in body.contract.requirements:
        keyword = row.keyword
        if keyword is None or keyword.location != "request" or keyword.pointer.startswith("/$defs/"):
            continue
        if row.level is Level.MUST and Tier.STANDARD.includes(row.tier):
            yield row


def _probe(
    number: int, base: dict[str, Any], row: Requirement, violation: Violation, body: RequestBody, chance: Random
) -> Probe | None:
    """One of the valid requests with a violation in it; None where the contract may allow it all the same."""
    place = 0
    if violation.path[:2] == ("messages", 0):
        place = chance.randrange(len(base["messages"]))
    broken = _broken_at(place, base, row, violation, body)
    if broken is None or worst_case_tokens(broken) > _MOST_TOKENS:
        return None
    path = (violation.path[0], place, *violation.path[2:]) if place else violation.path
    change = describe_change(path, violation.value).removeprefix("a request ")
    about = f"the valid request of {VALID}{number}, but {change}"
    return refused_probe(f"{INVALID}{number}/{row.id}/{violation.name}", about, broken, wave=DRAWN_WAVE)


def _broken_at(place: int, base: dict[str, Any], row: Requirement, violation: Violation, body: RequestBody) -> Any:
    """The request with a violation in the message at a place, where it is about a message."""
    if place == 0:
        return broken_by(base, row, violation, body)
    messages = base["messages"]
    alone = broken_by({**base, "messages": [messages[place]]}, row, violation, body)
    if not isinstance(alone, dict) or len(alone.get("messages", ())) != 1:
        return None
    broken = {**alone, "messages": [*copy.deepcopy(messages[:place]), *alone["messages"], *messages[place + 1 :]]}
    return broken if body.forbids(broken) else None
