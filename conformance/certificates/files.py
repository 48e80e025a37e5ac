"""The files of certificates and revocations: signed envelopes, read without trusting anything in them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from conformance.bundle import BundleError, check_signed_by, fingerprint, signed, verified_payload
from conformance.certificates.certificate import Certificate, certificate_from
from conformance.certificates.refusals import CertificateError
from conformance.certificates.revocation import Revocation, revocation_from
from conformance.certificates.subject import SCHEMA as SUBJECT_SCHEMA
from conformance.contract import schema_errors
from conformance.contract.regular_files import UnreadableError, read_regular_file
from conformance.quoting import one_line
from conformance.strict_json import JsonError, load

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CERTIFICATE: Final = "certificate.json"
REVOCATION: Final = "revocation.json"
REVOCATIONS: Final = "revocation*.json"
"""The names that are looked at in a folder."""
_CERTIFICATE_TYPE: Final = "application/vnd.chat-conformance.certificate+json"
_REVOCATION_TYPE: Final = "application/vnd.chat-conformance.revocation+json"
_LARGEST: Final = 8 * 1024 * 1024
_MOST_REVOCATIONS: Final = 10_000


@dataclass(frozen=True, slots=True)
class SignedCertificate:
    """A certificate, the sha256 of its payload, and whether its signature was checked."""

    certificate: Certificate
    sha256: str
    is_checked: bool


def write_certificate(certificate: Certificate, key: Ed25519PrivateKey, path: Path) -> None:
    """Write a certificate to a new file.

    Raises:
        CertificateError: the file is there already, or cannot be written.
    """
    _write_new(path, signed(certificate.text(), key, _CERTIFICATE_TYPE))


def write_revocation(revocation: Revocation, key: Ed25519PrivateKey, path: Path) -> None:
    """Write a revocation to a new file.

    Raises:
        CertificateError: the file is there already, or cannot be written.
    """
    _write_new(path, signed(revocation.text(), key, _REVOCATION_TYPE))


def read_certificate(path: Path, key: Ed25519PublicKey | None = None) -> SignedCertificate:
    """The certificate in a file; with a key, its signature is checked.

    Raises:
        CertificateError: it cannot be read, is not a certificate, or is not signed by this key.
    """
    text, data = _payload(path, _CERTIFICATE_TYPE, "certificate", key)
    _check_schema(path, data, "certificate.schema.json", "certificate")
    _check_schema(path, data["subject"], SUBJECT_SCHEMA, "certificate")
    try:
        certificate = certificate_from(data)
    except (ValueError, RecursionError) as error:
        raise CertificateError(f"{path} is not a certificate that can be used: {error}.") from error
    if key is not None and certificate.issuer.key != fingerprint(key):
        raise CertificateError(f"{path} names another key of its issuer than the one that signed it.")
    return SignedCertificate(certificate, hashlib.sha256(text.encode()).hexdigest(), is_checked=key is not None)


def read_revocation(path: Path, key: Ed25519PublicKey | None = None) -> Revocation:
    """The revocation in a file; with a key, its signature is checked.

    Raises:
        CertificateError: it cannot be read, is not a revocation, or is not signed by this key.
    """
    _, data = _payload(path, _REVOCATION_TYPE, "revocation", key)
    _check_schema(path, data, "revocation.schema.json", "revocation")
    try:
        return revocation_from(data)
    except ValueError as error:
        raise CertificateError(f"{path} is not a revocation that can be used: {error}.") from error


@dataclass(frozen=True, slots=True)
class Revocations:
    """What some folders hold: the revocations, and a sentence on each file that is called one and cannot be used."""

    found: tuple[Revocation, ...] = ()
    unusable: tuple[str, ...] = ()

    def of(self, certificate: SignedCertificate) -> Revocation | None:
        """The first revocation of a certificate."""
        about = (certificate.certificate.id, certificate.sha256)
        matching = [one for one in self.found if (one.certificate_id, one.certificate_sha256) == about]
        return min(matching, key=lambda one: one.revoked_at, default=None)


def revocations_in(folders: Iterable[Path], key: Ed25519PublicKey | None = None) -> Revocations:
    """The revocations in folders, or in files that are named themselves.

    With a key, only those that it signed count: anyone can lay a file beside a certificate. Without one, all do, so
    that a certificate is rather taken for revoked than for valid.
    """
    found, unusable = [], []
    for path in _paths(folders):
        try:
            found.append(read_revocation(path, key))
        except CertificateError as error:
            unusable.append(str(error))
    return Revocations(tuple(found), tuple(unusable))


def _paths(folders: Iterable[Path]) -> Iterator[Path]:
    for folder in folders:
        paths = sorted(folder.glob(REVOCATIONS)) if folder.is_dir() else [folder]
        yield from paths[:_MOST_REVOCATIONS]


def _payload(path: Path, payload_type: str, what: str, key: Ed25519PublicKey | None) -> tuple[str, Any]:
    try:
        text = read_regular_file(path, _LARGEST).decode("utf-8", "replace")
    except FileNotFoundError as error:
        raise CertificateError(f"{path}: there is no such file; check the path.") from error
    except UnreadableError as error:
        raise CertificateError(f"{path}: the {what} cannot be read because {error}.") from error
    try:
        payload = verified_payload(text, None, payload_type)
        data = load(payload)
    except (BundleError, JsonError) as error:
        raise CertificateError(f"{path} is not a {what}; give a file that `chat-conformance certify` wrote.") from error
    check_signed_by(key, path, text, payload_type, CertificateError)
    return payload, data


def _check_schema(path: Path, data: Any, schema: str, what: str) -> None:
    errors = schema_errors(data, schema)
    if errors:
        place = "/".join(map(str, errors[0].instance_path)) or "its members"
        said = one_line(f"{place}: {errors[0].message}", 200)
        raise CertificateError(f"{path} is not a {what} that can be used: {said} (see specs/{schema}).")


def _write_new(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CertificateError(f"{path} exists, and is never replaced; choose another --out.") from None
    except OSError as error:
        raise CertificateError(f"{path} cannot be written ({error.strerror}); choose another --out.") from error
