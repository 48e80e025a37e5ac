"""Combines values that must be served in few requests, with each field once in a request.

Only when a combined request is not served are its parts sent one by one (`Probe.instead`), to find the keyword that was
refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from conformance.contract.effort import spend
from conformance.contract.model import Tier
from conformance.probes.model import LIMIT_FIELDS, Intent, Probe, worst_case_tokens
from conformance.probes.request_body import CHEAP, REMOVED, RequestBody, wants_many

AT_THE_EDGE: Final = "request/at-the-edge/"
"""What the names of combined requests begin with."""
MOST_COMBINED: Final = 50
"""Combined requests below the exhaustive tier; the shipped contracts need a fifth of them."""
_MOST_TRIED: Final = 50


@dataclass(frozen=True, slots=True)
class Combinable:
    """One valid value that can be combined with others: its own probe, and the top-level fields that it sets."""

    probe: Probe
    fields: Mapping[str, Any]
    in_message: bool = False
    """Whether it is about one message, so that several of its kind fit into one conversation."""
    reverses: bool = False
    """Whether it is about the order of the body's members, which any request can have."""
    alone: bool = False
    """Whether it is about what a request lacks, so that nothing may be added."""

    def fits(self, others: Mapping[str, Any]) -> bool:
        """Whether its fields go together with those of others."""
        both = {**others, **self.fields}
        if both.get("stream") is True and wants_many(both):
            return False  # a stream of so many choices would cost too much
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
            return True  # null is the same as left out
        return type(known) is type(value) and bool(known == value)


@dataclass(slots=True)
class _Combination:
    fields: dict[str, Any]
    parts: list[Combinable]

    def takes(self, one: Combinable, body: RequestBody) -> bool:
        """Take a value in where it fits and the contract accepts all of them together."""
        first = self.parts[0]
        spend(1)
        if not one.fits(self.fields) or one.probe.tier is not first.probe.tier or one.alone != first.alone:
            return False
        merged = one.merged(self.fields)
        if not body.is_spoken(_with(merged, body)) or not body.is_surely_served(_with(merged, body)):
            return False  # too many messages in one conversation, or fields that exclude one another
        self.fields = merged
        self.parts.append(one)
        return True


def fit_a_request(values: Iterable[Combinable], body: RequestBody) -> Iterator[Combinable]:
    """Those values that stand in a small request that everybody serves."""
    return (one for one in values if body.is_surely_served(one.probe.body))


def combined(values: Iterable[Combinable], body: RequestBody) -> Iterator[Probe]:
    """The combined requests, in the order of their first values; values that no request can hold are left out."""
    combinations: list[_Combination] = []
    for one in fit_a_request(values, body):
        if not body.is_spoken(one.probe.body):
            yield one.probe  # the target is known to refuse it: with others, it would have them refused as well
            continue
        if not any(combination.takes(one, body) for combination in combinations[-_MOST_TRIED:]):
            combinations.append(_Combination(dict(one.fields), [one]))
    for number, combination in enumerate(combinations):
        merged = _with(combination.fields, body)
        if any(part.reverses for part in combination.parts):
            merged = dict(reversed(merged.items()))
        yield Probe(
            name=f"{AT_THE_EDGE}{number}",
            about="valid values at the boundaries of the request schema, each field once",
            intent=Intent.SERVED,
            body=merged,
            completion_tokens=worst_case_tokens(merged),
            tier=combination.parts[0].probe.tier if number < MOST_COMBINED else Tier.EXHAUSTIVE,
            instead=tuple(part.probe for part in combination.parts),
        )


def _with(fields: Mapping[str, Any], body: RequestBody) -> dict[str, Any]:
    return {name: value for name, value in {**body.capped(CHEAP), **fields}.items() if value is not REMOVED}
