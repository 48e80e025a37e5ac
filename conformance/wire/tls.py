"""TLS as a target needs it: whom the client trusts, and by which certificate it says who it is."""

from __future__ import annotations

import ssl
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from conformance.contract.regular_files import LARGEST_CERTIFICATES, UnreadableError, read_regular_file
from conformance.targets.errors import TargetError
from conformance.targets.model import Target
from conformance.targets.reach import CLIENT_KEY_PASSWORD

_FOR_THE_CERTIFICATE = {
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it demands a client certificate",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it refused the handshake, perhaps for want of a client certificate",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not trust the client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept the client certificate",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept the client certificate",
}
_IN_WORDS = {"WRONG_VERSION_NUMBER": "it does not speak TLS", **_FOR_THE_CERTIFICATE}
LARGEST_CHAIN = 32 * 1024
"""Bytes of a peer's certificates that are kept, its own first; a usual chain has less than 10,000."""
_DER = 2
"""What the private class of certificates calls the encoding DER."""
_PRIVATE_KEY = "PRIVATE KEY-----"
_ENCRYPTED = ("BEGIN ENCRYPTED PRIVATE KEY", "Proc-Type: 4,ENCRYPTED")


def tls_context(target: Target) -> ssl.SSLContext:
    """The context for connections to a target, and to a proxy in front of it.

    Raises:
        TargetError: a file of certificates or of a key cannot be used.
    """
    reach = target.reach
    password = target.reach_values.get(reach.client_key_password_env or "")
    parts = (reach.ca_file, reach.client_cert, reach.client_key, password)
    # What the environment names may change; files that are named are read once.
    return _context(*parts, trust=True) if target.trust_environment else _known_context(*parts)


def check_certificates(target: Target) -> None:
    """Read the files of certificates that a target names, if it names any.

    Raises:
        TargetError: one cannot be used.
    """
    if target.reach.ca_file or target.reach.client_cert:
        tls_context(target)


def tls_reason(error: ssl.SSLError) -> str:
    """Why there is no TLS session, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    reason = error.reason or str(error)
    known = _IN_WORDS.get(reason)
    return f"{known}: {reason}" if known else reason


def for_the_certificate(error: ssl.SSLError) -> bool:
    """Whether the server refused the client for its certificate, or because it has none.

    With TLS 1.3 the client learns that only when it reads: for the client, the handshake was over before.
    """
    return error.reason in _FOR_THE_CERTIFICATE


def peer_certificates(session: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates that a peer sent, as DER and its own first: whole ones, as many as the bound allows.

    Where Python does not give the others (before 3.13 there is no public way), its own alone.
    """
    kept, size = [], 0
    for certificate in _chain(session):
        size += len(certificate)
        if size > LARGEST_CHAIN:
            break
        kept.append(certificate)
    return tuple(kept)


def _chain(session: ssl.SSLObject) -> list[bytes]:
    public = getattr(session, "get_unverified_chain", None)
    if public is not None:
        return list(public() or ())
    private = getattr(getattr(session, "_sslobj", None), "get_unverified_chain", None)
    if private is not None:
        with suppress(AttributeError, TypeError, ValueError):
            return [one.public_bytes(_DER) for one in private() or ()]
    own = session.getpeercert(binary_form=True)
    return [] if own is None else [own]


@lru_cache(maxsize=8)  # making one takes 20 ms, and every connection of its own has a transport
def _known_context(
    ca_file: str | None, certificate: str | None, key: str | None, password: str | None
) -> ssl.SSLContext:
    return _context(ca_file, certificate, key, password, trust=False)


def _context(
    ca_file: str | None, certificate: str | None, key: str | None, password: str | None, *, trust: bool
) -> ssl.SSLContext:
    if ca_file is None:
        import httpx  # noqa: PLC0415 - costs 60 ms that a plan or a replay does not need

        context = httpx.create_ssl_context(trust_env=trust)
    else:
        context = _trusting(ca_file)
    if certificate is not None:
        _load_client_certificate(context, certificate, key, password)
    return context


def _trusting(ca_file: str) -> ssl.SSLContext:
    _read(ca_file, "CA file")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError:
        raise TargetError(f"{ca_file} has no certificate in it that can be read; give a CA file in PEM.") from None
    # As Python 3.11 has it, for a company's own CA is seldom as strict as 3.13 wants one; and whoever is named is
    # trusted, also where it is the server's own certificate.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _load_client_certificate(context: ssl.SSLContext, certificate: str, key: str | None, password: str | None) -> None:
    written = _read(certificate, "client certificate")
    holder = certificate if key is None else key
    secret = written if key is None else _read(key, "client key")
    if "BEGIN CERTIFICATE" not in written:
        raise TargetError(f"{certificate} has no certificate in it; give the client certificate in PEM.")
    if _PRIVATE_KEY not in secret:
        raise TargetError(
            f"{holder} has no private key in it; give the client certificate's key in PEM with --client-key"
            " (client_key in conformance.toml)."
        )
    encrypted = any(mark in secret for mark in _ENCRYPTED)
    if encrypted and not password:
        raise TargetError(f"{holder} is encrypted; set its password in {CLIENT_KEY_PASSWORD}.")
    try:
        # Without a password OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=password or "")
    except ssl.SSLError as error:
        raise TargetError(_unusable(error, certificate, holder, encrypted=encrypted)) from None


def _unusable(error: ssl.SSLError, certificate: str, holder: str, *, encrypted: bool) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return (
            f"the key in {holder} is not that of the client certificate {certificate}; give two that belong together."
        )
    if encrypted:
        return f"{holder} cannot be decrypted with the password that is set for it; check the password."
    return f"{certificate} and its key cannot be used ({error.reason or error}); give both in PEM."


def _read(path: str, what: str) -> str:
    """The text of a file, once it is known to be one that OpenSSL can read to its end."""
    try:
        return read_regular_file(Path(path), LARGEST_CERTIFICATES).decode("latin-1")
    except (FileNotFoundError, UnreadableError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error
        raise TargetError(f"the {what} {path} cannot be read because {reason}; check the path.") from error
