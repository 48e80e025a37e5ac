"""Signs a statement or a challenge with an ed25519 key in a DSSE envelope, and verifies one.

Source: https://github.com/secure-systems-lab/dsse, protocol.md and envelope.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle.errors import BundleError, KeyFileError
from conformance.bundle.statement import PAYLOAD_TYPE
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.strict_json import load

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ENVELOPE = "statement.dsse.json"
_LARGEST_KEY = 64 * 1024
_MAKE = "openssl genpkey -algorithm ed25519"
_NOT_INSTALLED = "signatures need further packages; install them with: pip install 'chat-conformance[signing]'."


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file.

    Raises:
        KeyFileError: it cannot be read, is not an ed25519 key, or has a passphrase; or packages are missing.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise KeyFileError(_NOT_INSTALLED) from error
    content = _read(path)
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise KeyFileError(f"{path}: the key has a passphrase; give one without ({_MAKE}).") from error
    except ValueError as error:
        raise KeyFileError(f"{path}: this is not a private key in PEM; make one with: {_MAKE}.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{path}: this is not an ed25519 key; make one with: {_MAKE}.")
    return key


def public_key(path: Path) -> Ed25519PublicKey:
    """The public key in a PEM file (`openssl pkey -in KEY -pubout`).

    Raises:
        KeyFileError: it cannot be read, or is not an ed25519 public key; or packages are missing.
    """
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import load_pem_public_key
    except ImportError as error:
        raise KeyFileError(_NOT_INSTALLED) from error
    content = _read(path)
    try:
        key = load_pem_public_key(content)
    except (ValueError, UnsupportedAlgorithm) as error:
        message = "this is not a public key in PEM; derive it from the private key with: openssl pkey -in KEY -pubout"
        raise KeyFileError(f"{path}: {message}.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFileError(f"{path}: this is not an ed25519 key.")
    return key


def fingerprint(key: Ed25519PublicKey) -> str:
    """The sha256 of a public key in DER, hexadecimal, as `openssl pkey -pubin -outform DER | sha256sum` gives it."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def _read(path: Path) -> bytes:
    try:
        return read_regular_file(path, _LARGEST_KEY)
    except (FileNotFoundError, UnreadableError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error
        raise KeyFileError(f"{path}: the key cannot be read because {reason}.") from error


def check_signed_by(
    key: Ed25519PublicKey | None, path: Path, text: str, payload_type: str, failure: type[Exception]
) -> None:
    """Check that a key signed the envelope in a file; without a key, nothing is checked.

    Raises:
        Exception: `failure`, where another key signed it, or it was changed.
    """
    if key is None:
        return
    try:
        verified_payload(text, key, payload_type)
    except BundleError as error:
        raise failure(
            f"{path} is not signed by the given key: another key signed it, or it was changed afterwards."
        ) from error


def signed(payload: str, key: Ed25519PrivateKey, payload_type: str = PAYLOAD_TYPE) -> str:
    """The envelope of a statement, or of another payload, as JSON text.

    The same payload and key give the same envelope (RFC 8032).
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined] # not in its __all__

    envelope = Envelope(payload.encode(), payload_type, {})
    envelope.sign(CryptoSigner(key))
    return json.dumps(envelope.to_dict(), indent=1) + "\n"


def verified_payload(text: str, key: Ed25519PublicKey | None, payload_type: str = PAYLOAD_TYPE) -> str:
    """The statement in an envelope, or another payload, once its signature is verified; without a key, unverified.

    Raises:
        BundleError: the envelope is broken, contains another kind of payload, or has no signature by this key.
    """
    try:
        loaded = load(text)
        found_type, payload = _parts(loaded)
    except (ValueError, KeyError, TypeError) as error:
        raise BundleError(f"{ENVELOPE} is not a DSSE envelope.") from error
    if found_type != payload_type:
        raise BundleError(f"{ENVELOPE} contains another kind of payload than {payload_type}.")
    if key is not None:
        _verify(loaded, key)
    return payload


def _parts(loaded: dict[str, str]) -> tuple[str, str]:
    return loaded["payloadType"], base64.b64decode(loaded["payload"], validate=True).decode("utf-8")


def _verify(loaded: dict[str, object], key: Ed25519PublicKey) -> None:
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, VerificationError
    from securesystemslib.signer import Key, SSlibKey  # type: ignore[attr-defined] # as above

    try:
        envelope = Envelope.from_dict(loaded)
        # A key id is only a hint (DSSE, protocol.md), so each signature is checked with this key, whatever id it names.
        keys: list[Key] = [SSlibKey.from_crypto(key, keyid=key_id) for key_id in envelope.signatures]
        if not keys:
            raise BundleError(f"{ENVELOPE} has no signature.")
        envelope.verify(keys, 1)
    except VerificationError as error:
        raise BundleError(
            "the signature is not by this key: the bundle was signed with another, or changed after it was signed."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError, FormatError) as error:
        raise BundleError(f"{ENVELOPE} is not a DSSE envelope.") from error
