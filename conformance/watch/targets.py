"""Reads which targets a watch is about, and within which budget, from the configuration that `run` and `fleet` take."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conformance.contract.model import Tier
from conformance.fleet.planning import read_fleet
from conformance.fleet.task import Task
from conformance.targets import TargetError
from conformance.targets.configuration import read_configuration
from conformance.watch.tracker import Rules
from conformance.watch.turns import NO_BUDGET, Budget

RETRIES = 5
"""How often a finding is tried again, where its target does not say: a constant one is confirmed on its first day."""
_LARGEST_FIRST = (Tier.EXHAUSTIVE, Tier.STANDARD, Tier.SMOKE)


@dataclass(frozen=True, slots=True)
class Watched:
    """The targets of a watch, each with the tier that is wanted of it, and what holds for all of them."""

    tasks: tuple[Task, ...]
    budget: Budget
    rules: Rules


def read_watch(
    file: Path, names: Sequence[str] = (), budget: Budget = NO_BUDGET, *, tier: Tier | None = None, costly: bool = False
) -> Watched:
    """What a file says of a watch. `names`, `budget` and `tier` come from the command line, and override it.

    Raises:
        TargetError, ContractError: the file, or what it names, cannot be used; the message says where and why.
    """
    document = read_configuration(file)
    table: Mapping[str, Any] = document.data.get("watch", {})
    wanted = tuple(names) or tuple(table.get("targets", ("*",)))
    known = tuple(document.data["targets"])
    for name in wanted:
        if not fnmatch.filter(known, name):
            raise document.error(
                f"{name!r} is none of the targets; they are {', '.join(known[:10])}.", "/watch/targets"
            )
    tasks = (task for task in read_fleet(file, may_cost_much=costly).tasks if _is_named(task.target, wanted))
    return Watched(
        tuple(_largest(tasks, tier)),
        Budget(
            budget.requests or table.get("max_requests"),
            budget.tokens or table.get("max_tokens"),
        ),
        Rules(**{name: float(table[name]) for name in ("years", "tolerance") if name in table}),
    )


def _is_named(target: str, names: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(target, name) for name in names)


def _largest(tasks: Iterable[Task], tier: Tier | None) -> Iterable[Task]:
    """One task for each target and contract: that of the largest tier which the file asks for."""
    chosen: dict[tuple[str, str], Task] = {}
    for task in tasks:
        if task.tier is Tier.LOAD:
            raise TargetError(
                f"{task.name}: the load tier may disturb a deployment in use, and is not watched; choose another tier."
            )
        known = chosen.get((task.target, task.profile))
        if known is None or _LARGEST_FIRST.index(task.tier) < _LARGEST_FIRST.index(known.tier):
            chosen[task.target, task.profile] = task
    for task in sorted(chosen.values(), key=lambda one: (one.target, one.profile)):
        settings = replace(task.settings, baseline=None, retry_findings=_retries(task))
        yield replace(task, settings=settings if tier is None else replace(settings, tier=tier))


def _retries(task: Task) -> int:
    named = task.settings.named
    given = named is not None and "retry_findings" in named.settings
    return task.settings.retry_findings if given else RETRIES


def folder_of(place: Path, task: Task) -> Path:
    """The folder of a target's history."""
    return place / task.target / task.profile
