"""One fault or allowed variation as it is in one profile: what it does, and every outcome that it changes."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from conformance.contract.model import Contract, Tier
from conformance.reference.faults.actions import FaultAction
from conformance.reference.faults.registry import hooks_with
from conformance.reference.hooks import Hooks

EFFECT_BROKEN = "broken"
"""The outcome `failed` of a MUST, and `warning` of a SHOULD."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A deliberate deviation of the reference deployment, or with `is_variation` one that the contract allows.

    `breaks` are the requirements that it must be caught through; `effects` all further outcomes that it changes, by
    the requirement's id, as `EFFECT_BROKEN` or the outcome's name; `may` are ids that it changes in some runs.
    """

    id: str
    about: str
    family: int
    seen: tuple[str, ...]
    """Public threads in which it was seen; none where it is our own."""
    actions: tuple[FaultAction, ...]
    breaks: tuple[str, ...]
    effects: Mapping[str, str] = field(default_factory=dict, hash=False)
    may: frozenset[str] = frozenset()
    tier: Tier | None = None
    """The tier in which it can be seen, where that is not the tier of what it breaks."""
    waits: bool = False
    """Whether a run has to wait for it."""
    unsupported: tuple[str, ...] = ()
    """Capabilities that the operator declares the deployment to lack."""
    one_tenant: bool = False
    """Whether the operator declares that there is no second tenant."""
    is_variation: bool = False
    generated: bool = False
    """Whether it was made from the contract's schemas, and is not a row of the catalogue."""

    @property
    def hooks(self) -> Hooks:
        """The hooks of a shipped profile's deployment with this fault."""
        return hooks_with(self.actions)

    def hooks_over(self, hooks: Hooks) -> Hooks:
        """The hooks of another deployment with this fault."""
        return hooks_with(self.actions, hooks)

    @property
    def when(self) -> str | None:
        """The condition under which it applies, if it has one."""
        return next((action.when for action in self.actions if action.when is not None), None)


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


def effects_among(
    contract: Contract, entries: Iterable[str | Mapping[str, Any]], without: Iterable[str]
) -> dict[str, str]:
    """The effects that the entries of a row name, as outcomes by requirement id, except for the ids in `without`.

    An entry is an id or a glob, whose requirements are broken, or maps one to the outcome of its requirements.
    """
    ids = _ids(contract)
    effects: dict[str, str] = {}
    for entry in entries:
        for pattern, outcome in entry.items() if isinstance(entry, Mapping) else ((entry, EFFECT_BROKEN),):
            effects.update(dict.fromkeys(_matching(ids, (pattern,)), outcome))
    dropped = set(without)
    return {name: outcome for name, outcome in effects.items() if name not in dropped}
