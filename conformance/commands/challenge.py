"""`chat-conformance challenge`: writes a signed nonce that a vendor's run must be made for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from conformance.bundle import ChallengeError, KeyFileError, signing_key
from conformance.bundle.challenge_file import new_challenge, write_challenge
from conformance.moments import span
from conformance.terminal.exits import UsageFailure


def make_challenge(issued_for: str, valid: str, key_file: Path, out: Path) -> int:
    """Write a new challenge; returns the exit status.

    Raises:
        UsageFailure: the name, the time, the key or the file cannot be used.
    """
    try:
        challenge = new_challenge(issued_for, duration(valid), datetime.now(UTC))
        write_challenge(challenge, signing_key(key_file), out)
    except (ChallengeError, KeyFileError) as error:
        raise UsageFailure(str(error)) from error
    click.echo(f"{out} is a challenge for {challenge.issued_for}. It holds until {challenge.expires}.")
    click.echo("Keep it: `verify --challenge` needs this file, and no one can make it again.")
    return 0


def duration(text: str) -> timedelta:
    """A number and its unit as a time: `90m`, `48h`, `7d`.

    Raises:
        ChallengeError: it is not one.
    """
    read = span(text)
    if read is None:
        raise ChallengeError(
            f"--valid {text!a:.40} is not a time; give a number with its unit, such as 90m, 48h or 7d."
        )
    return read
