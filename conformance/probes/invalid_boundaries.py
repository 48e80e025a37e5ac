"""Probes that break one keyword of the request schema: a deployment that ignores it serves them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.model import Requirement, Tier
from conformance.contract.pointers import look_up
from conformance.probes.keyword_cases import Case, probe_name
from conformance.probes.keyword_values import violating_cases
from conformance.probes.model import Intent, Probe, worst_case_tokens
from conformance.probes.pointer_edits import UnplaceableError, path_of, with_change
from conformance.probes.request_body import CHEAP, REMOVED, Path, RequestBody, describe_change
from conformance.probes.violating_values import COERCED

# What the OpenAI reference accepts beyond a narrower document, so that it need not be refused (field, case).
_ALSO_TAKEN = {("stop", "string")}
_FIRST_MESSAGE = ("messages", 0)
_ABOUT_STREAMS = ("stream", "stream_options", "audio", "modalities")
"""Fields whose requests are not changed into ones for a stream: sound is streamed in other formats, or not at all."""
_MOST_WITHIN = 2
"""Ways to break a keyword within a field that only the exhaustive tier judges; a field's own keywords have them all."""
_STREAMED_SHARE = 4
"""One in so many requests that must be refused asks for a stream."""


_AS_THEY_ARE = tuple(f".type/enforced/{name}" for name in COERCED)
"""Probes that never ask for a stream, so that it does not hang on them which others do."""


def invalid_boundary_probes(rows: Iterable[Requirement], body: RequestBody) -> Iterator[Probe]:
    """One probe for each way to break each keyword; a fixed share of them asks for a stream."""
    yield from _some_streamed([probe for row in rows for probe in _enforced(row, body)], body)


@dataclass(frozen=True, slots=True)
class Violation:
    """One way to break a keyword: where, and how the value there changes.

    `path` leads to the value in a body, `value` is what it becomes, for `REMOVED` it is left out.
    """

    name: str
    path: Path
    value: Any
    tier: Tier
    change: Callable[[Any], Any]


def violations(row: Requirement, body: RequestBody) -> Iterator[Violation]:
    """Every way to break a keyword that a deployment must refuse; the cheapest come first."""
    keyword = row.keyword
    assert keyword is not None
    root = body.contract.operation.request_schema
    path = path_of(keyword.pointer)
    if keyword.name == "required":
        name = str(keyword.value)
        yield Violation("left-out", (*path, name), REMOVED, Tier.SMOKE, _without(name))
        return
    if not isinstance(keyword.schema, Mapping):
        return
    for case in violating_cases(keyword.name, keyword.schema, body.definitions):
        if not _need_not_be_refused(case, path, keyword.pointer, root):
            yield Violation(case.name, path, case.value, case.tier, _replaced_by(case.value))


def _enforced(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    keyword = row.keyword
    assert keyword is not None
    root = body.contract.operation.request_schema
    most = _MOST_WITHIN if row.tier is Tier.EXHAUSTIVE and keyword.pointer.count("/properties/") > 1 else None
    for violation in itertools.islice(violations(row, body), most):
        try:
            changed = body.cheapest(with_change(body.around(violation.path), root, keyword.pointer, violation.change))
        except UnplaceableError:
            return
        changed, before = body.in_context(changed) if violation.path[:2] == _FIRST_MESSAGE else (changed, 0)
        if not body.forbids(changed):
            continue  # another branch of the schema allows it, so it need not be refused
        yield Probe(
            name=probe_name(row.id, "enforced", violation.name),
            about=describe_change(_moved(violation.path, before), violation.value),
            intent=Intent.REFUSED,
            body=changed,
            completion_tokens=worst_case_tokens(changed),
            tier=max(row.tier, violation.tier, key=list(Tier).index),
        )


def _moved(path: Path, before: int) -> Path:
    """The path to what is in the first message, once so many messages stand before it."""
    return (path[0], before, *path[2:]) if before else path


def _without(name: str) -> Callable[[Any], Any]:
    return lambda held: {one: value for one, value in held.items() if one != name} if isinstance(held, dict) else {}


def _replaced_by(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def _need_not_be_refused(case: Case, path: Path, pointer: str, root: Any) -> bool:
    if path and (str(path[0]), case.name) in _ALSO_TAKEN:
        return True
    # Null for an optional member often means that it is left out.
    return case.name == "null" and bool(path) and not _is_required(path, pointer, root)


def _is_required(path: Path, pointer: str, root: Any) -> bool:
    """Whether the member that a keyword judges must be there."""
    steps = pointer.rsplit("/", 3)  # …, properties, NAME, keyword
    if len(steps) < 4 or steps[1] != "properties":
        return False
    try:
        holder = look_up(root, steps[0])
    except KeyError:
        return False
    return isinstance(holder, Mapping) and path[-1] in holder.get("required", ())


def _some_streamed(probes: Iterable[Probe], body: RequestBody) -> Iterator[Probe]:
    counts = dict.fromkeys(Tier, 0)
    streamed = {**body.capped(CHEAP), "stream": True}
    can_stream = body.has("stream") and body.is_spoken(streamed) and body.accepts(streamed)
    for probe in probes:
        if not can_stream or not isinstance(probe.body, dict) or any(name in probe.body for name in _ABOUT_STREAMS):
            yield probe
            continue
        if probe.tier is Tier.STANDARD and probe.name.endswith(_AS_THEY_ARE):
            counts[Tier.EXHAUSTIVE] += 1
            yield probe
            continue
        counts[probe.tier] += 1
        streamed = {**probe.body, "stream": True}
        asks = counts[probe.tier] % _STREAMED_SHARE == 0
        yield replace(probe, about=f"{probe.about}, asking for a stream", body=streamed) if asks else probe
