"""Probes that break one keyword of the request schema: a deployment that ignores it serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.contract.model import Requirement, Tier
from conformance.contract.pointers import look_up
from conformance.probes.base import base_for, cheap, definitions_of
from conformance.probes.case import Case
from conformance.probes.cost import worst_case_tokens
from conformance.probes.model import Intent, Probe
from conformance.probes.pointer_edits import UnplaceableError, instance_path, with_change
from conformance.probes.probe_names import probe_name, told
from conformance.probes.request_body import CHEAP, REMOVED, Path, RequestBody
from conformance.probes.values import refused

# What the reference takes beyond a narrower document, so that accepting it is no fault (field, name of the case).
_ALSO_TAKEN = {("stop", "string")}
_ABOUT_STREAMS = ("stream", "stream_options")
_STREAMED_SHARE = 4
"""One of so many requests that must be refused asks for a stream."""


def enforcing_probes(rows: Iterable[Requirement], body: RequestBody) -> Iterator[Probe]:
    """One probe for each way to break each keyword; a fixed share asks for a stream, too."""
    yield from _some_streamed([probe for row in rows for probe in _enforced(row, body)], body)


@dataclass(frozen=True, slots=True)
class Breach:
    """One way to break a keyword: where, and how the value there changes.

    `path` leads to the value in a body, `value` is what it becomes, for `REMOVED` it is left out.
    """

    name: str
    path: Path
    value: Any
    tier: Tier
    change: Callable[[Any], Any]


def breaches(row: Requirement, body: RequestBody) -> Iterator[Breach]:
    """Every way to break a keyword that a deployment has to refuse; the cheapest that decide come first."""
    keyword = row.keyword
    assert keyword is not None
    root = body.contract.operation.request_schema
    path = instance_path(keyword.pointer)
    if keyword.name == "required":
        name = str(keyword.value)
        yield Breach("left-out", (*path, name), REMOVED, Tier.SMOKE, _without(name))
        return
    if not isinstance(keyword.schema, Mapping):
        return
    for case in refused(keyword.name, keyword.schema, definitions_of(root)):
        if not _need_not_be_refused(case, path, keyword.pointer, root):
            yield Breach(case.name, path, case.value, case.tier, _replaced_by(case.value))


def _enforced(row: Requirement, body: RequestBody) -> Iterator[Probe]:
    keyword = row.keyword
    assert keyword is not None
    root = body.contract.operation.request_schema
    for breach in breaches(row, body):
        try:
            changed = cheap(with_change(base_for(breach.path, body), root, keyword.pointer, breach.change), body)
        except UnplaceableError:
            return
        if body.accepts(changed):
            continue  # another branch of the schema takes it, so nobody has to refuse it
        yield Probe(
            name=probe_name(row.id, "enforced", breach.name),
            about=told(breach.path, breach.value),
            intent=Intent.REFUSED,
            body=changed,
            completion_tokens=worst_case_tokens(changed),
            tier=max(row.tier, breach.tier, key=list(Tier).index),
        )


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
    can_stream = body.has("stream") and body.accepts({**body.capped(CHEAP), "stream": True})
    for probe in probes:
        if not can_stream or not isinstance(probe.body, dict) or any(name in probe.body for name in _ABOUT_STREAMS):
            yield probe
            continue
        counts[probe.tier] += 1
        streamed = {**probe.body, "stream": True}
        asks = counts[probe.tier] % _STREAMED_SHARE == 0
        yield replace(probe, about=f"{probe.about}, asking for a stream", body=streamed) if asks else probe
