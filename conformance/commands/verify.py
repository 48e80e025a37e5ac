"""`chat-conformance verify`: checks a certification bundle, judges its evidence again, and says what it shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.bundle import BundleError, ChallengeError, KeyFileError, public_key
from conformance.bundle.confinement import USUAL_BOUNDS, Bounds
from conformance.bundle.demands import NOTHING_DEMANDED, Demands
from conformance.bundle.verification import Asked, verified
from conformance.contract.model import Tier
from conformance.moments import day
from conformance.quoting import log_line, one_line
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from conformance.bundle.challenge import GivenChallenge

VALID, NOT_VALID = 0, 1


def verify_bundle(
    path: Path,
    key_file: Path | None,
    demands: Demands = NOTHING_DEMANDED,
    bounds: Bounds = USUAL_BOUNDS,
    challenge: GivenChallenge | None = None,
) -> int:
    """Verify the bundle at a path and print the answer; returns the exit status.

    Raises:
        UsageFailure: there is no such file, or the key cannot be used.
    """
    _public_key(key_file)
    if not path.is_file():
        raise UsageFailure(f"{path}: there is no such file; give a bundle that `run --bundle` wrote.")
    try:
        lines = verified(path, Asked(key_file, demands, challenge, bounds))
    except BundleError as error:
        click.echo(log_line(f"{path} is not valid: {error}"))
        return NOT_VALID
    for line in lines:
        click.echo(log_line(line))
    return VALID


def challenge_of(path: Path | None, key_file: Path | None) -> GivenChallenge | None:
    """The challenge that options name.

    Raises:
        UsageFailure: it or its key cannot be used, or the options do not go together.
    """
    from conformance.bundle.challenge import GivenChallenge
    from conformance.bundle.challenge_file import read_challenge

    if path is None:
        if key_file is not None:
            raise UsageFailure("--challenge-key checks the signature of a challenge; give --challenge FILE too.")
        return None
    try:
        return GivenChallenge(read_challenge(path, _public_key(key_file)), is_signed=key_file is not None)
    except ChallengeError as error:
        raise UsageFailure(str(error)) from error


def _public_key(path: Path | None) -> Ed25519PublicKey | None:
    try:
        return None if path is None else public_key(path)
    except KeyFileError as error:
        raise UsageFailure(str(error)) from error


def demands_of(given: Mapping[str, Any]) -> Demands:
    """The demands that options state.

    Raises:
        UsageFailure: a day is not one.
    """
    days: dict[str, date] = {}
    for name in ("not_before", "not_after"):
        if given[name] is not None:
            read = day(given[name])
            if read is None:
                option = f"--{name.replace('_', '-')}"
                raise UsageFailure(f"{option} {one_line(given[name], 40)} is not a day; give one like 2026-11-29.")
            days[name] = read
    tier = given["require_tier"]
    return Demands(
        tier=None if tier is None else Tier(tier),
        no_waivers=given["no_waivers"],
        require_all=given["require_all"],
        target=given["target"],
        **days,
    )
