"""`chat-conformance verify`: checks a bundle, or a certificate, and says what it shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.bundle import BundleError, ChallengeError, KeyFileError, public_key
from conformance.bundle.confinement import USUAL_BOUNDS, Bounds
from conformance.bundle.demands import NOTHING_DEMANDED, Demands
from conformance.bundle.verification import Asked, verified
from conformance.contract.model import Tier
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.moments import day
from conformance.quoting import log_line, one_line
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from conformance.bundle.challenge import GivenChallenge

VALID, NOT_VALID = 0, 1
_LARGEST = 8 * 1024 * 1024


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


def is_certificate(path: Path) -> bool:
    """Whether a file is meant to be a certificate: it is JSON by its first byte, and no archive."""
    try:
        return read_regular_file(path, _LARGEST)[:1] == b"{"
    except (FileNotFoundError, UnreadableError):
        return False


def verify_certificate(path: Path, key_file: Path | None, revocations: Sequence[Path] = ()) -> int:
    """Check a certificate and print the answer; returns the exit status.

    It is looked for revocations beside it, and in the folders and files that `revocations` names.

    Raises:
        UsageFailure: the key, or a folder of revocations, cannot be used.
    """
    from conformance.certificates import CertificateError, Standing, read_certificate, revocations_in, standing
    from conformance.certificates.answer import certificate_answer

    key = _public_key(key_file)
    missing = next((place for place in revocations if not place.exists()), None)
    if missing is not None:
        raise UsageFailure(f"--revocations {missing}: there is no such folder or file.")
    places = (path.parent, *revocations)
    try:
        signed = read_certificate(path, key)
    except CertificateError as error:
        click.echo(log_line(f"{path} is not valid: {error}"))
        return NOT_VALID
    known = revocations_in(places, key)
    stands = standing(signed.certificate, known.of(signed), datetime.now(UTC))
    if stands.standing is not Standing.VALID:
        click.echo(log_line(f"{path} is not valid: the certificate {stands.sentence.rstrip('.')}."))
        return NOT_VALID
    for line in certificate_answer(str(path), signed, stands, [str(place) for place in places], known.unusable):
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
