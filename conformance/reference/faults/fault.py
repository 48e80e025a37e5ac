"""One fault or trap as it shows in one profile: what it does, and every outcome that it changes."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from conformance.contract.model import Contract, Tier
from conformance.reference.faults.actions import Deed, bent_by
from conformance.reference.hooks import Seams

EFFECT_BROKEN = "broken"
"""The outcome `failed` of a MUST, and `warning` of a SHOULD."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A deliberate deviation of the reference deployment, or with `is_trap` an oddity that is allowed.

    `breaks` are the requirements that it must be caught through; `effects` all further outcomes that it changes, by
    the requirement's id, `EFFECT_BROKEN` or the outcome's name; `may` are ids that it changes in some runs.
    """

    id: str
    about: str
    family: int
    seen: tuple[str, ...]
    """Public threads in which it was seen; none where it is our own."""
    deeds: tuple[Deed, ...]
    breaks: tuple[str, ...]
    effects: Mapping[str, str] = field(default_factory=dict, hash=False)
    may: frozenset[str] = frozenset()
    tier: Tier | None = None
    """The tier in which it can be seen, where it is not the one of what it breaks."""
    waits: bool = False
    """Whether a run has to wait for it."""
    is_trap: bool = False
    generated: bool = False
    """Whether it was made from the contract's schemas and is no row of the catalogue."""

    @property
    def seams(self) -> Seams:
        """The deployment with this fault."""
        return bent_by(self.deeds)

    @property
    def when(self) -> str | None:
        """The condition on which it acts, if it has one."""
        return next((deed.when for deed in self.deeds if deed.when is not None), None)


def matching(contract: Contract, patterns: Iterable[str]) -> tuple[str, ...]:
    """The requirements of a contract with these ids or globs, in the contract's order."""
    wanted = tuple(patterns)
    return _matching(_ids(contract), wanted) if wanted else ()


def _ids(contract: Contract) -> tuple[str, ...]:
    return tuple(row.id for row in contract.requirements)


@cache
def _matching(ids: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Cached, because a catalogue's rows repeat the same few globs thousands of times."""
    matched = {name for pattern in patterns for name in fnmatch.filter(ids, pattern)}
    return tuple(name for name in ids if name in matched)


def effects_among(contract: Contract, entries: Iterable[str | Mapping[str, Any]], but: Iterable[str]) -> dict[str, str]:
    """The outcomes that the entries of a row name, by the id of each requirement of a contract, without those of `but`.

    An entry is an id or a glob, which is broken, or says with which outcome its requirements come out.
    """
    ids = _ids(contract)
    effects: dict[str, str] = {}
    for entry in entries:
        for pattern, outcome in entry.items() if isinstance(entry, Mapping) else ((entry, EFFECT_BROKEN),):
            effects.update(dict.fromkeys(_matching(ids, (pattern,)), outcome))
    dropped = set(but)
    return {name: outcome for name, outcome in effects.items() if name not in dropped}
