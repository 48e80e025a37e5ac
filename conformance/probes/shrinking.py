"""Makes a generated request that broke its property smaller while it still breaks it, by sending further requests.

It takes the status that each request got and gives the next request to send, so that it knows nothing about the wire.
Its steps follow from the answers alone: an interrupted run that is resumed takes the same ones.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from conformance.contract.model import Schema
from conformance.probes.model import LIMIT_FIELDS, REFUSED_FOR_LOAD, Intent, Probe, worst_case_tokens
from conformance.probes.request_body import CHEAP, COMPANIONS, REMOVED, RequestBody

SHRUNK = "/shrunk/"
"""Stands in the name of a smaller request, after the name of its origin."""
MOST_SHRUNK = 3
"""How many requests of each kind are made smaller: one broken keyword breaks many."""
MOST_STEPS = 30
"""How many smaller ones are tried for each."""


def origin_of(name: str) -> str:
    """The name of the generated request that a smaller one was made from; the name itself for any other probe."""
    return name.partition(SHRUNK)[0]


@dataclass(slots=True)
class _Run:
    """One request on its way to a smaller one."""

    origin: Probe
    status: int
    body: dict[str, Any]
    broken: frozenset[str]
    steps: int = 0
    ahead: Iterator[Any] = field(default_factory=lambda: iter(()))


class Shrinking:
    """Gives the requests to send next. Call it once for each probe that is finished."""

    def __init__(self, body: RequestBody) -> None:
        self._body = body
        self._runs: dict[str, _Run] = {}
        self._started: dict[str, int] = {}

    def __call__(self, probe: Probe, status: int | None) -> list[Probe]:
        """The next smaller request, or none; `status` is that of the answer, None where none came."""
        run = self._runs.get(origin_of(probe.name))
        if run is not None and SHRUNK in probe.name:
            if status == run.status and isinstance(probe.body, dict):
                run.body = probe.body
                run.ahead = self._smaller(run.body)
            return self._next(run)
        if not isinstance(probe.body, dict) or status is None or not breaks_its_property(probe.intent, status):
            return []
        kind = probe.name.rsplit("/", 1)[0]
        if not kind.startswith("generated/") or self._started.get(kind, 0) >= MOST_SHRUNK:
            return []
        self._started[kind] = self._started.get(kind, 0) + 1
        run = _Run(probe, status, probe.body, broken_keywords(self._body, probe.body))
        run.ahead = self._smaller(run.body)
        self._runs[probe.name] = run
        return self._next(run)

    def _next(self, run: _Run) -> list[Probe]:
        if run.steps >= MOST_STEPS:
            return []
        for body in run.ahead:
            if _size(body) < _size(run.body) and broken_keywords(self._body, body) == run.broken:
                run.steps += 1
                return [
                    replace(
                        run.origin,
                        name=f"{run.origin.name}{SHRUNK}{run.steps}",
                        about=smaller_than(run.origin.name),
                        body=body,
                        completion_tokens=worst_case_tokens(body),
                    )
                ]
        return []

    def _smaller(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Smaller bodies, the most informative first: one field of it alone, one field less, simpler values."""
        usual = self._body.capped(CHEAP)
        for name, value in body.items():
            if name not in usual or value != usual[name]:
                yield self._with(usual, body, name)
        required = _required(self._body.contract.operation.request_schema)
        for name in body:
            if name not in required and name not in LIMIT_FIELDS:
                yield {one: value for one, value in body.items() if one != name}
        for name, value in body.items():
            if name in usual and value != usual[name]:
                yield {**body, name: usual[name]}
        for name, value in body.items():
            if name not in LIMIT_FIELDS and name != "model":
                yield from ({**body, name: one} for one in _simpler(value))

    @staticmethod
    def _with(usual: dict[str, Any], body: dict[str, Any], name: str) -> dict[str, Any]:
        alone = {**usual, name: body[name]}
        for one, value in COMPANIONS.get(name, {}).items():
            if value is REMOVED:
                alone.pop(one, None)
            else:
                alone[one] = body.get(one, value)
        return alone


def broken_keywords(body: RequestBody, sent: Any) -> frozenset[str]:
    """The keywords that a body breaks, by their pointers in the schema: a smaller one must break the same."""
    if body.accepts(sent):
        return frozenset()
    from jsonschema_rs import Draft202012Validator  # noqa: PLC0415 - takes 50 ms

    schema: Any = body.contract.operation.request_schema
    errors = Draft202012Validator(schema, validate_formats=True).iter_errors(sent)
    return frozenset("/".join(map(str, error.schema_path)) for error in errors)


def smaller_than(origin: str) -> str:
    """What a smaller request is, in words."""
    return f"a request made smaller from that of {origin}"


def breaks_its_property(intent: Intent, status: int) -> bool:
    """Whether a status is not what a generated request must get; a busy target's status says nothing."""
    if status in REFUSED_FOR_LOAD:
        return False
    success = 200 <= status < 300
    return not success if intent is Intent.SERVED else success or status >= 500


def _required(schema: Schema) -> frozenset[str]:
    return frozenset() if isinstance(schema, bool) else frozenset(schema.get("required", ()))


def _size(body: Any) -> tuple[int, int]:
    text = json.dumps(body, ensure_ascii=True)
    return len(text), sum(map(ord, text))


def _simpler(value: Any) -> Iterator[Any]:
    """Simpler values of the same type, the simplest first."""
    if isinstance(value, str):
        half = len(value) // 2
        yield from ("a", value[:half], value[half:], value.replace(" ", ""), value.strip())
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield from (0, 1, int(value))
    elif isinstance(value, list):
        yield from ([one] for one in value)
        yield from (value[:number] + value[number + 1 :] for number in range(len(value)))
        for number, one in enumerate(value):
            yield from ([*value[:number], simple, *value[number + 1 :]] for simple in _simpler(one))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield {other: inner for other, inner in copy.copy(value).items() if other != name}
            yield from ({**value, name: simple} for simple in _simpler(one))
