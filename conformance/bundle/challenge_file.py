"""The file of a challenge: a signed nonce that a certifier makes, and that a run and `verify` read."""

from __future__ import annotations

import json
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from conformance.bundle.errors import BundleError, ChallengeError
from conformance.bundle.signature import check_signed_by, signed, verified_payload
from conformance.probes import Challenge
from conformance.probes.challenge import LONGEST_NAME, NONCE_BYTES, challenge_from, is_name
from conformance.strict_json import load

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PAYLOAD_TYPE: Final = "application/vnd.chat-conformance.challenge+json"
LONGEST_VALIDITY: Final = timedelta(days=366)
_LARGEST: Final = 64 * 1024


def new_challenge(issued_for: str, valid: timedelta, now: datetime) -> Challenge:
    """A challenge with a new nonce for a name, from now on and for so long.

    Raises:
        ChallengeError: the name or the time cannot be used.
    """
    if not is_name(issued_for):
        raise ChallengeError(
            f"--for is not a name; give one line of at most {LONGEST_NAME} characters that says who is to be certified."
        )
    if not timedelta(0) < valid <= LONGEST_VALIDITY:
        raise ChallengeError(f"--valid must be more than nothing and at most {LONGEST_VALIDITY.days} days.")
    issued = now.replace(microsecond=0)
    expires = issued + valid
    return Challenge(issued_for, secrets.token_hex(NONCE_BYTES), issued.isoformat(), expires.isoformat())


def write_challenge(challenge: Challenge, key: Ed25519PrivateKey, path: Path) -> None:
    """Write a challenge to a new file, in a DSSE envelope.

    Raises:
        ChallengeError: the file is there already, or cannot be written.
    """
    envelope = signed(json.dumps(challenge.data(), indent=1) + "\n", key, PAYLOAD_TYPE)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(envelope)
    except FileExistsError:
        raise ChallengeError(f"{path} exists, and a challenge cannot be made again; choose another --out.") from None
    except OSError as error:
        raise ChallengeError(f"{path} cannot be written ({error.strerror}); choose another --out.") from error


def read_challenge(path: Path, key: Ed25519PublicKey | None = None) -> Challenge:
    """The challenge in a file, once its signature is verified; without a key, unverified.

    Raises:
        ChallengeError: the file cannot be read, is not a challenge, or is not signed by this key.
    """
    text = _text(path)
    try:
        payload = verified_payload(text, None, PAYLOAD_TYPE)
        challenge = challenge_from(load(payload))
    except (BundleError, ValueError) as error:
        reason = "" if isinstance(error, BundleError) else f" ({error})"
        raise ChallengeError(
            f"{path} is not a challenge{reason}; give the file that `chat-conformance challenge` wrote."
        ) from error
    check_signed_by(key, path, text, PAYLOAD_TYPE, ChallengeError)
    return challenge


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ChallengeError(f"the challenge {path} cannot be read ({error.strerror}); check the path.") from error
    if len(content) > _LARGEST:
        raise ChallengeError(f"{path} is larger than any challenge can be.")
    return content.decode("utf-8", "replace")
