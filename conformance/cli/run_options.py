"""Turns the options of `run`, and a target of conformance.toml, into the settings of a run.

The command line overrides the file, and the file overrides the defaults.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conformance.cli.reach_options import reach_asked_for
from conformance.contract.model import Tier
from conformance.contract.profile import OPERATION_MARK, with_operation
from conformance.probes import Challenge
from conformance.report.console import Detail
from conformance.running.limits import limits_of
from conformance.running.run import RunSettings
from conformance.shipped import DEFAULT_PROFILE
from conformance.targets import NamedTarget, read_target
from conformance.terminal.exits import UsageFailure
from conformance.terminal.run_output import Shown

_FIXED_BY_THE_RUN = ("out", "tier", "only", "exclude", "replay", "release", "generated", "seed", "force", "challenge")
"""Options that define a run; a resumed run has them already."""


def run_settings(options: Mapping[str, Any]) -> RunSettings:
    """The settings that options ask for; an option that was not given is None, or empty.

    Raises:
        UsageFailure: the options do not go together.
        ContractError, TargetError: the configuration or the target in it cannot be used.
    """
    # Not by truth value: a limit of 0 counts as given.
    given = {name: value for name, value in options.items() if value is not None and value is not False and value != ()}
    if options.get("preflight") is False:
        given["preflight"] = False
    _check_resume(given)
    if "config" in given and "target" not in given:
        raise UsageFailure("--config only has a meaning with --target NAME; give both.")
    named = read_target(given["target"], given.get("config")) if "target" in given else None
    asked = {**(named.settings if named else {}), **given}
    profile = with_operation(
        asked.get("profile") or (named and named.profile) or DEFAULT_PROFILE, asked.get("operation")
    )
    base_url = given.get("base_url") or (named.base_url if named and "replay" not in given else None)
    return RunSettings(
        profile=profile,
        base_url=base_url,
        named=named,
        reach=reach_asked_for(given, named, base_url),
        tier=Tier(asked.get("tier", Tier.STANDARD)),
        only=given.get("only", ()),
        out=_directory(given, named, profile),
        limits=limits_of(asked),
        waivers=asked.get("waivers"),
        baseline=asked.get("baseline"),
        retry_findings=asked.get("retry_findings", 0),
        generated=asked.get("generated"),
        seed=asked.get("seed"),
        replay=given.get("replay"),
        release=asked.get("release"),
        bundle=given.get("bundle"),
        sign=given.get("sign"),
        preflight=asked.get("preflight", True),
        without=_without(given, named),
        second_tenant=asked.get("second_tenant"),
        require_all=asked.get("require_all", False) or "bundle" in given,
        resume="resume" in given,
        force="force" in given,
        may_cost_much="yes" in given,
        strict=asked.get("strict", False),
        trust_environment=asked.get("trust_env", False),
        fail_fast=asked.get("fail_fast", False),
        exclude=given.get("exclude", ()),
        challenge=_challenge(given),
        parameters={**(named.settings.get("params", {}) if named else {}), **_parameters(given)},
    )


def shown_as(options: Mapping[str, Any]) -> Shown:
    """How a run is shown.

    Raises:
        UsageFailure: the options do not go together.
    """
    quiet, full = options["quiet"], options["verbose"]
    if quiet and full:
        raise UsageFailure("-q and -v ask for opposite things; give one of them.")
    return Shown(
        detail=Detail.QUIET if quiet else Detail.FULL if full else Detail.USUAL,
        as_json=options["as_json"],
        opens_page=options["opens_page"],
        progress=sys.stderr.isatty() and not quiet,
    )


def _challenge(given: Mapping[str, Any]) -> Challenge | None:
    """The challenge that the run is made for; whose signature is on it, `verify` checks."""
    if "challenge" not in given:
        return None
    if "replay" in given:
        raise UsageFailure("--replay judges a run that was made already; leave --challenge out.")
    if "seed" in given:
        raise UsageFailure("what is drawn at random follows from the challenge; leave --seed out.")
    from conformance.bundle import ChallengeError
    from conformance.bundle.challenge_file import read_challenge

    try:
        return read_challenge(given["challenge"])
    except ChallengeError as error:
        raise UsageFailure(str(error)) from error


def _parameters(given: Mapping[str, Any]) -> dict[str, str]:
    """The values that `--param` gives."""
    pairs = [written.partition("=") for written in given.get("param", ())]
    for name, equals, value in pairs:
        if not (name and equals and value):
            raise UsageFailure(f"--param {name!r} needs NAME=VALUE, such as --param deployment-id=gpt-4o.")
    return {name: value for name, _, value in pairs}


def _without(given: Mapping[str, Any], named: NamedTarget | None) -> tuple[str, ...]:
    """What the target lacks: what conformance.toml declares, and what the command line does."""
    declared = tuple(named.settings.get("unsupported", ())) if named is not None else ()
    listed = (name.strip() for value in given.get("without", ()) for name in value.split(","))
    return tuple(dict.fromkeys((*declared, *filter(None, listed))))


def _check_resume(given: Mapping[str, Any]) -> None:
    if "resume" not in given:
        return
    for name in _FIXED_BY_THE_RUN:
        if name in given:
            raise UsageFailure(f"--resume continues a run as it was started; leave --{name} out.")


def _directory(given: Mapping[str, Any], named: NamedTarget | None, profile: str) -> Path:
    """Where the run writes: a folder that was asked for, or a new one."""
    for name in ("resume", "out"):
        if name in given:
            asked: Path = given[name]
            return asked
    if named is not None and "out" in named.settings:
        folder: Path = named.settings["out"]
        return _new(folder / _now())
    document = profile.partition(OPERATION_MARK)[0]
    is_path = os.sep in document or "." in document
    name = named.name if named else Path(document).name.split(".")[0] if is_path else document
    return _new(Path("reports") / f"{name}-{_now()}")


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S")


def _new(first: Path) -> Path:
    free = (first, *(first.with_name(f"{first.name}-{number}") for number in range(2, 100)))
    return next((one for one in free if not one.exists()), first)
