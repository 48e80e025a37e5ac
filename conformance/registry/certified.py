"""The certificates of a registry: who was certified, how each stands today, and which runs it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from conformance.bundle import KeyFileError, public_key
from conformance.certificates import (
    Certificate,
    CertificateError,
    Revocations,
    SignedCertificate,
    Standing,
    Stands,
    read_certificate,
    revocations_in,
    standing,
)
from conformance.quoting import one_line
from conformance.registry.layout import Layout, Refused, shown_place
from conformance.registry.run import Run
from conformance.registry.subjects import Subject


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate that an issuer of the registry signed, as it stands, and the runs that it rests on."""

    signed: SignedCertificate
    stands: Stands
    path: Path
    runs: tuple[Run, ...]

    @property
    def certificate(self) -> Certificate:
        """The certificate itself."""
        return self.signed.certificate

    @property
    def is_valid(self) -> bool:
        """Whether it holds."""
        return self.stands.standing is Standing.VALID


def certified(
    layout: Layout, folder: Path, runs: Iterable[Run], now: datetime
) -> tuple[tuple[Certified, ...], tuple[Refused, ...]]:
    """The certificates that hold together with the keys in the folder, the newest first, and what cannot be used."""
    by_bundle = {run.sha256: run for run in runs}
    found: dict[str, Certified] = {}
    refused: list[Refused] = []
    for path in layout.certificates:
        try:
            one = _read(path, layout, by_bundle, now)
        except (CertificateError, KeyFileError) as error:
            said = str(error).replace(f"{folder}/", "")
            refused.append(Refused(shown_place(path, folder), one_line(said, 400)))
        else:
            found.setdefault(one.certificate.id, one)
    newest = sorted(found.values(), key=lambda one: (one.certificate.issued, one.certificate.id), reverse=True)
    return tuple(newest), tuple(refused)


def certificate_of(subject: Subject, known: Sequence[Certified]) -> Certified | None:
    """The certificate that tells of a subject: the newest one that holds, or else the newest of all."""
    of = {run.sha256 for run in subject.runs}
    own = [one for one in known if any(run.sha256 in of for run in one.runs)]
    return next((one for one in own if one.is_valid), own[0] if own else None)


def _read(path: Path, layout: Layout, by_bundle: dict[str, Run], now: datetime) -> Certified:
    if not layout.issuers:
        raise CertificateError(f"{path}: no key of an issuer stands in issuers/; lay it there as a .pem file.")
    problem: CertificateError | None = None
    for file in layout.issuers:
        key = public_key(file)
        try:
            signed = read_certificate(path, key)
        except CertificateError as error:
            problem = error
            continue
        known: Revocations = revocations_in(layout.revocations, key)
        stands = standing(signed.certificate, known.of(signed), now)
        rests = tuple(by_bundle[run.bundle] for run in signed.certificate.runs if run.bundle in by_bundle)
        return Certified(signed, stands, path, rests)
    assert problem is not None
    raise problem
