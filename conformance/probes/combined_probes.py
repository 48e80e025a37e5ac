"""Packs values that must be served into few requests, each field once a request.

Only when such a packed request is not served are its parts sent one by one (`Probe.instead`), so that the refusal can
be laid at one keyword's door.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from conformance.probes.base import asks_for_many
from conformance.probes.cost import LIMIT_FIELDS, worst_case_tokens
from conformance.probes.model import Intent, Probe
from conformance.probes.request_body import CHEAP, REMOVED, RequestBody


@dataclass(frozen=True, slots=True)
class Served:
    """One allowed value on its way into a packed request: the top-level fields that it sets."""

    probe: Probe
    fields: Mapping[str, Any]
    in_message: bool = False
    """Whether it is about one message, so that several of its kind fit into one conversation."""
    reverses: bool = False
    """Whether it is about the order of the body's members, which any request can have."""
    alone: bool = False
    """Whether it is about what a request does not have, so that nothing may be added."""

    def fits(self, others: Mapping[str, Any]) -> bool:
        """Whether its fields go together with those of others."""
        both = {**others, **self.fields}
        if both.get("stream") is True and asks_for_many(both):
            return False  # a stream of so many choices would cost more than it decides
        return all(self._same(others.get(name, value), value, name) for name, value in self.fields.items())

    def merged(self, others: Mapping[str, Any]) -> dict[str, Any]:
        """Its fields and those of others."""
        merged = {**others, **{name: value for name, value in self.fields.items() if value is not REMOVED}}
        merged.update({name: REMOVED for name, value in self.fields.items() if value is REMOVED and name not in others})
        if self.in_message and "messages" in others:
            merged["messages"] = [*others["messages"], *self.fields["messages"]]
        return merged

    def _same(self, known: Any, value: Any, name: str) -> bool:
        if self.in_message and name == "messages":
            return True
        if name in LIMIT_FIELDS and known is None and value is REMOVED:
            return True  # null is as good as left out
        return type(known) is type(value) and bool(known == value)


@dataclass(slots=True)
class _Pack:
    fields: dict[str, Any]
    parts: list[Served]

    def takes(self, one: Served, body: RequestBody) -> bool:
        """Take a value in, where it fits and the contract accepts all of them together."""
        first = self.parts[0]
        if not one.fits(self.fields) or one.probe.tier is not first.probe.tier or one.alone != first.alone:
            return False
        merged = one.merged(self.fields)
        if not body.accepts(_with(merged, body)):
            return False  # too many messages in one conversation, or fields that exclude one another
        self.fields = merged
        self.parts.append(one)
        return True


def packed(served: Iterable[Served], body: RequestBody) -> Iterator[Probe]:
    """The packed requests, in the order in which their first values come; what no request holds is left out."""
    packs: list[_Pack] = []
    for one in served:
        if not body.accepts(one.probe.body):
            continue  # no small request holds this value without breaking another keyword
        if not any(pack.takes(one, body) for pack in packs):
            packs.append(_Pack(dict(one.fields), [one]))
    for number, pack in enumerate(packs):
        merged = _with(pack.fields, body)
        if any(part.reverses for part in pack.parts):
            merged = dict(reversed(merged.items()))
        yield Probe(
            name=f"request/at-the-edge/{number}",
            about="valid values at the edge of what the request schema allows, each field once",
            intent=Intent.SERVED,
            body=merged,
            completion_tokens=worst_case_tokens(merged),
            tier=pack.parts[0].probe.tier,
            instead=tuple(part.probe for part in pack.parts),
        )


def _with(fields: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    return {name: value for name, value in {**body.capped(CHEAP), **fields}.items() if value is not REMOVED}
