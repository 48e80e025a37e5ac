"""`chat-conformance certify`: issues a certificate for agreeing runs, renews one, or takes one back."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from conformance.bundle.confinement import USUAL_BOUNDS, Bounds
from conformance.probes.challenge import is_name
from conformance.quoting import log_line
from conformance.terminal.exits import UsageFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from conformance.bundle.challenge import GivenChallenge
    from conformance.bundle.verification import Asked
    from conformance.certificates import Application, Revocations, SignedCertificate, Stands
    from conformance.certificates.application import Runner

CERTIFIED, REFUSED = 0, 1
PAGE = "certificate.html"


@dataclass(frozen=True, slots=True)
class CertifyOptions:
    """What is asked for; `bundle_key` and `challenge_key` are the issuer's own where they are None."""

    bundles: tuple[Path, ...]
    policy: str
    subject: Path | None
    issuer: str
    key: Path
    out: Path
    ran_by: Runner
    bundle_key: Path | None = None
    challenge: Path | None = None
    challenge_key: Path | None = None
    renew: Path | None = None
    revocations: tuple[Path, ...] = ()
    bounds: Bounds = USUAL_BOUNDS


def options_of(bundles: tuple[Path, ...], given: Mapping[str, Any]) -> CertifyOptions:
    """The options of the command line.

    Raises:
        UsageFailure: one is missing, or has no meaning.
    """
    if given["reason"] is not None:
        raise UsageFailure("--reason says why a certificate is taken back; give --revoke CERTIFICATE too.")
    if not bundles:
        raise UsageFailure("certify needs bundles that `run --bundle` wrote, or --revoke CERTIFICATE.")
    for name in ("issuer", "key", "out"):
        if given[name] is None:
            raise UsageFailure(f"--{name} is missing.")
    if not is_name(given["issuer"]):
        raise UsageFailure("--issuer is not a name; give one line that says who certifies.")
    taken = {name: value for name, value in given.items() if name not in {"revoke", "reason", "memory", "seconds"}}
    return CertifyOptions(bundles, bounds=Bounds(given["memory"], given["seconds"]), **taken)


def revoking(bundles: tuple[Path, ...], given: Mapping[str, Any]) -> tuple[Path, Path, str, Path | None]:
    """The certificate to take back, the key, the reason, and where to write.

    Raises:
        UsageFailure: one is missing, or has no meaning.
    """
    if bundles or given["renew"] is not None:
        raise UsageFailure("--revoke takes a certificate back, and needs no bundles and no --renew.")
    for name in ("reason", "key"):
        if given[name] is None:
            raise UsageFailure(f"--revoke needs --{name}.")
    return given["revoke"], given["key"], given["reason"], given["out"]


def issue_certificate(options: CertifyOptions) -> int:
    """Issue a certificate, or print each reason why none is; returns the exit status.

    Raises:
        UsageFailure: a file or an option cannot be used.
        ContractError: policy or subject cannot be used.
    """
    from conformance.bundle import ChallengeError, KeyFileError
    from conformance.certificates import CertificateError, NotCertifiedError

    try:
        return _issued(options)
    except NotCertifiedError as error:
        for refusal in error.refusals:
            click.echo(log_line(f"Not certified: {refusal}"))
        return REFUSED
    except (CertificateError, ChallengeError, KeyFileError) as error:
        raise UsageFailure(str(error)) from error


def revoke_certificate(path: Path, key_file: Path, reason: str, out: Path | None) -> int:
    """Write the revocation of a certificate, and its page and badges anew; returns the exit status.

    Raises:
        UsageFailure: the certificate, the key or the reason cannot be used.
        OSError: a file cannot be written.
    """
    from conformance.bundle import KeyFileError, signing_key
    from conformance.certificates import (
        CertificateError,
        Issuer,
        new_revocation,
        read_certificate,
        standing,
        write_revocation,
    )

    now = datetime.now(UTC)
    try:
        key = signing_key(key_file)
        signed = read_certificate(path, key.public_key())
        certificate = signed.certificate
        issuer = Issuer(certificate.issuer.name, certificate.issuer.key)
        revocation = new_revocation(certificate.id, signed.sha256, issuer, reason, now)
        folder = path.parent if out is None else out
        written = folder / f"revocation-{certificate.id}.json"
        write_revocation(revocation, key, written)
    except (CertificateError, KeyFileError) as error:
        raise UsageFailure(str(error)) from error
    click.echo(log_line(f"{written} revokes the certificate {certificate.id} of {certificate.subject.title}."))
    if (folder / PAGE).exists():
        _write_views(folder, signed, standing(certificate, revocation, now), now)
    click.echo("Publish it where the certificate is: who does not see it takes the certificate for valid.")
    return CERTIFIED


def _issued(options: CertifyOptions) -> int:
    from conformance.bundle import signing_key
    from conformance.certificates import CERTIFICATE, CertificateError, read_certificate, standing, write_certificate
    from conformance.certificates.issuing import certificate_for

    path = options.out / CERTIFICATE
    if path.exists():
        raise CertificateError(f"{path} exists, and is never replaced; choose another --out.")
    key = signing_key(options.key)
    old = None if options.renew is None else read_certificate(options.renew, key.public_key())
    now = datetime.now(UTC)
    certificate = certificate_for(_application(options, key, old, now), old, _known_revocations(options, key))
    write_certificate(certificate, key, path)
    signed = read_certificate(path, key.public_key())
    stands = standing(certificate, None, now)
    click.echo(log_line(f"Certified: {certificate.subject.title}, {certificate.scope.about}; it {stands.sentence}."))
    click.echo(str(path))
    _write_views(options.out, signed, stands, now)
    return CERTIFIED


def _application(
    options: CertifyOptions, key: Ed25519PrivateKey, old: SignedCertificate | None, now: datetime
) -> Application:
    from conformance.bundle import fingerprint
    from conformance.certificates import Application, Issuer, load_policy, load_subject
    from conformance.certificates.issuing import shown_runs

    policy = load_policy(options.policy)
    if options.subject is not None:
        subject = load_subject(options.subject)
    elif old is not None:
        subject = old.certificate.subject
    else:
        raise UsageFailure("--subject is missing; give the file that says who is certified.")
    challenge = _challenge(options, key)
    with _asked(options, key, challenge) as asked:
        runs = shown_runs(options.bundles, asked)
    return Application(
        policy=policy,
        subject=subject,
        issuer=Issuer(options.issuer, fingerprint(key.public_key())),
        ran_by=options.ran_by,
        runs=runs,
        challenge=None if challenge is None else challenge.challenge,
        now=now,
    )


def _challenge(options: CertifyOptions, key: Ed25519PrivateKey) -> GivenChallenge | None:
    from conformance.bundle import public_key
    from conformance.bundle.challenge import GivenChallenge
    from conformance.bundle.challenge_file import read_challenge

    if options.challenge is None:
        if options.challenge_key is not None:
            raise UsageFailure("--challenge-key checks the signature of a challenge; give --challenge FILE too.")
        return None
    by = key.public_key() if options.challenge_key is None else public_key(options.challenge_key)
    return GivenChallenge(read_challenge(options.challenge, by), is_signed=True)


@contextlib.contextmanager
def _asked(options: CertifyOptions, key: Ed25519PrivateKey, challenge: GivenChallenge | None) -> Iterator[Asked]:
    """What each bundle is held to; the issuer's public key becomes a file, for processes without the private one."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from conformance.bundle import public_key
    from conformance.bundle.verification import Asked

    with tempfile.TemporaryDirectory(prefix="chat-conformance-") as folder:
        key_file = options.bundle_key
        if key_file is None and options.ran_by == "certifier":
            key_file = Path(folder) / "issuer.pub.pem"
            key_file.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        if key_file is not None:
            public_key(key_file)
        yield Asked(key_file=key_file, challenge=challenge, bounds=options.bounds)


def _known_revocations(options: CertifyOptions, key: Ed25519PrivateKey) -> Revocations:
    from conformance.certificates import revocations_in

    beside = () if options.renew is None else (options.renew.parent,)
    return revocations_in((*beside, *options.revocations), key.public_key())


def _write_views(folder: Path, signed: SignedCertificate, stands: Stands, now: datetime) -> None:
    from conformance.certificates.badge import badge_files
    from conformance.certificates.page import certificate_page
    from conformance.report import write_atomically

    for name, text in {PAGE: certificate_page(stands, signed.sha256), **badge_files(stands, now)}.items():
        write_atomically(folder / name, text)
        click.echo(str(folder / name))
