"""What a shell offers for a half-typed word: profiles, requirement ids, targets, releases, faults and clients.

Whatever goes wrong here offers nothing: a shell is no place for a message. Everything is loaded only when it is asked
for, since these functions are named wherever an option is declared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from conformance.shipped import DEFAULT_PROFILE, shipped_profiles

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _quiet(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    """Those of the names that begin like the word."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            return [CompletionItem(name) for name in names(context) if name.startswith(incomplete)]
        except Exception:  # noqa: BLE001 - see above
            return []

    return complete


def _profile(context: click.Context) -> str:
    """The profile that the command line has so far: by its name, or by its target."""
    given = context.params
    profile = given.get("profile") or next(iter(given.get("profiles") or ()), None)
    if profile is None and given.get("target"):
        from conformance.targets import read_target

        profile = read_target(given["target"], given.get("config")).profile
    return profile or DEFAULT_PROFILE


def _requirement_ids(profiles: Iterable[str]) -> list[str]:
    from conformance.contract import load_contract

    return sorted({row.id for profile in profiles for row in load_contract(profile).requirements})


def _targets(context: click.Context) -> Iterable[str]:
    from conformance.targets import target_names

    config = context.params.get("config")
    return target_names(None if config is None else Path(config))


def _releases(context: click.Context) -> Iterable[str]:
    from conformance.shipped import releases_directory

    return sorted(path.stem for path in releases_directory(_profile(context)).iterdir() if path.suffix == ".json")


def _faults(context: click.Context) -> Iterable[str]:
    from conformance.contract import load_contract
    from conformance.reference.faults import every_fault

    return sorted({fault.id for fault in every_fault(load_contract(_profile(context)))})


def _clients(_: click.Context) -> Iterable[str]:
    from conformance.clients.catalogue import shipped_clients

    return [client.name for client in shipped_clients()]


profiles = _quiet(lambda _: shipped_profiles())
requirement_ids = _quiet(lambda context: _requirement_ids([_profile(context)]))
"""The ids of the profile that is named before."""
every_requirement_id = _quiet(lambda _: _requirement_ids(shipped_profiles()))
targets = _quiet(_targets)
releases = _quiet(_releases)
faults = _quiet(_faults)
clients = _quiet(_clients)
