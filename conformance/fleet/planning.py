"""Makes the tasks of a fleet from its file: targets, profiles and tiers, each combination a run."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.bundle import is_plain
from conformance.contract import (
    Contract,
    ContractError,
    Document,
    declared_rows,
    document_path,
    load_contract,
    release_path,
)
from conformance.contract.model import Tier
from conformance.contract.pointers import join
from conformance.contract.profile import with_operation
from conformance.contract.regular_files import LARGEST_DOCUMENT, UnreadableError, read_regular_file
from conformance.fleet.task import Task
from conformance.running.limits import limits_of
from conformance.running.run import RunSettings
from conformance.shipped import DEFAULT_PROFILE, program_digest, shipped_profiles
from conformance.targets import NamedTarget, TargetError
from conformance.targets.configuration import read_configuration, target_of

_OTHER = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = {Tier.SMOKE: 1800.0, Tier.STANDARD: 3600.0, Tier.EXHAUSTIVE: 6 * 3600.0, Tier.LOAD: 6 * 3600.0}
"""Seconds after which a worker is given up: what it does then is no run any more, since each has a deadline."""
_ORDER = (Tier.EXHAUSTIVE, Tier.LOAD, Tier.STANDARD, Tier.SMOKE)


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """All the runs of a fleet, the longest first, and how they are distributed."""

    tasks: tuple[Task, ...]
    tries: int = 3
    """How often a run is begun at most, where its workers die."""
    longest: Mapping[Tier, float] = field(default_factory=lambda: _LONGEST, hash=False)


def read_fleet(file: Path, *, may_cost_much: bool = False) -> FleetPlan:
    """The plan of the fleet in a file.

    Raises:
        TargetError, ContractError: the file, or what it names, cannot be used; the message says where and why.
    """
    document = read_configuration(file)
    table = document.data.get("fleet", {})
    profiles = [_path_or_name(name, document) for name in table.get("profiles", (DEFAULT_PROFILE,))]
    tiers = table.get("tiers", (Tier.STANDARD.value,))
    tasks = [
        _task(target, profile, Tier(tier), table.get("key_folder"), may_cost_much=may_cost_much)
        for target in _targets(document, table)
        for profile in ([target.profile] if target.profile is not None else profiles)
        for tier in ([target.settings["tier"]] if "tier" in target.settings else tiers)
    ]
    _require_different(tasks, document)
    tasks.sort(key=lambda task: _ORDER.index(task.tier))
    longest = table.get("longest_run")
    return FleetPlan(
        tuple(tasks), table.get("tries", 3), _LONGEST if longest is None else dict.fromkeys(Tier, float(longest))
    )


def _targets(document: Document, table: Mapping[str, Any]) -> Iterator[NamedTarget]:
    names: Sequence[str] = list(document.data["targets"])
    chosen: list[str] = []
    for glob in table.get("targets", ("*",)):
        found = [name for name in names if fnmatch.fnmatchcase(name, glob)]
        if not found:
            raise document.error(f"{glob!r} is none of the targets; they are {_some(names)}.", "/fleet/targets")
        chosen += found
    for name in dict.fromkeys(chosen):
        yield target_of(document, name)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _path_or_name(profile: str, document: Document) -> str:
    if "/" in profile or "." in profile:
        return str(document.path.parent / profile)
    if profile not in shipped_profiles():
        known = ", ".join(shipped_profiles())
        raise document.error(
            f"profile {profile!r} is not known; it is {known}, or the path of a document.", "/fleet/profiles"
        )
    return profile


def _task(target: NamedTarget, profile: str, tier: Tier, key_folder: str | None, *, may_cost_much: bool) -> Task:
    settings = target.settings
    asked = with_operation(profile, settings.get("operation"))
    contract = _contract(asked)
    files = {**contract_files(contract, settings.get("release")), **_further_files(target)}
    run = RunSettings(
        profile=with_operation(Path(document_path(contract)).name, settings.get("operation"))
        if contract.is_own
        else asked,
        base_url=target.base_url,
        named=replace(target, settings={**settings, **{key: Path(key) for key in _FILES if key in settings}}),
        reach=target.reach,
        tier=tier,
        limits=limits_of({**settings, "tier": tier}),
        waivers=Path("waivers") if "waivers" in settings else None,
        baseline=Path("baseline") if "baseline" in settings else None,
        retry_findings=settings.get("retry_findings", 0),
        generated=settings.get("generated"),
        seed=settings.get("seed"),
        release=settings.get("release"),
        without=tuple(settings.get("unsupported", ())),
        second_tenant=settings.get("second_tenant"),
        require_all=settings.get("require_all", False),
        strict=settings.get("strict", False),
        trust_environment=settings.get("trust_env", False),
        parameters=settings.get("params", {}),
        may_cost_much=may_cost_much,
    )
    return Task(
        target=target.name,
        profile=_OTHER.sub("-", contract.profile.name),
        version=_OTHER.sub("-", run.release or contract.profile.version),
        settings=run,
        asked_profile=asked,
        files=files,
        key_folder=key_folder,
        program=program_digest(),
    )


_FILES = ("waivers", "baseline")


@cache
def _contract(profile: str) -> Contract:
    return load_contract(profile)


def contract_files(contract: Contract, release: str | None) -> dict[str, bytes]:
    """The files of a user's own contract by their names beside its document; a worker has the shipped ones."""
    if not contract.is_own:
        return {}
    document, rows = document_path(contract), declared_rows(contract)
    paths = [document, *([rows] if rows is not None else [])]
    paths += [release_path(contract, release)] if release is not None else []
    files = {}
    for path in paths:
        try:
            name = path.relative_to(document.parent).as_posix()
        except ValueError:
            name = path.as_posix()
        if not is_plain(name):
            raise ContractError(
                f"{name!r} cannot be sent to a worker; keep the contract's files in one folder, under names of letters,"
                " digits, dots, hyphens and underscores."
            )
        files[name] = _content(path)
    return files


def _further_files(target: NamedTarget) -> dict[str, bytes]:
    return {key: _content(target.settings[key], target.place_of(key)) for key in _FILES if key in target.settings}


def _content(path: Path, place: str = "") -> bytes:
    try:
        return read_regular_file(path, LARGEST_DOCUMENT)
    except (FileNotFoundError, UnreadableError) as error:
        reason = "it does not exist" if isinstance(error, FileNotFoundError) else error
        raise TargetError(f"{f'{place}: ' if place else ''}{path} cannot be read because {reason}.") from error


def _require_different(tasks: Sequence[Task], document: Document) -> None:
    """Refuse two runs whose results would have the same place.

    Raises:
        ContractError: there are such runs.
    """
    seen: set[str] = set()
    for task in tasks:
        if task.name.lower() in seen:
            raise document.error(
                f"two runs are the same: {task.name}; give their documents different names in x-conformance.",
                join("/targets", task.target),
            )
        seen.add(task.name.lower())
