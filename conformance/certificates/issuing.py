"""From bundles to a certificate: verifies each, holds them to the policy, and makes what can be signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.bundle import BundleError
from conformance.bundle.manifest import file_digest
from conformance.bundle.verification import Asked, shown_by
from conformance.certificates.admission import refusals
from conformance.certificates.application import Application, ShownRun
from conformance.certificates.certificate import Certificate, issued
from conformance.certificates.refusals import CertificateError, NotCertifiedError, Reason, Refusal
from conformance.certificates.renewal import renewal_refusals

if TYPE_CHECKING:
    from conformance.certificates.files import Revocations, SignedCertificate


def shown_runs(bundles: Sequence[Path], asked: Asked) -> tuple[ShownRun, ...]:
    """The runs that bundles show, in the order in which they started.

    Raises:
        NotCertifiedError: one does not hold; the others are checked nevertheless.
        CertificateError: there is no such file.
    """
    missing = next((path for path in bundles if not path.is_file()), None)
    if missing is not None:
        raise CertificateError(f"{missing}: there is no such file; give a bundle that `run --bundle` wrote.")
    runs, broken = [], []
    for path in bundles:
        try:
            runs.append(ShownRun(str(path), file_digest(path), shown_by(path, asked)))
        except BundleError as error:
            broken.append(Refusal(Reason.BUNDLE_NOT_VALID, f"{path}: {error}"))
    if broken:
        raise NotCertifiedError(broken)
    return tuple(sorted(runs, key=lambda run: run.started_at))


def certificate_for(
    asked: Application, renews: SignedCertificate | None = None, revocations: Revocations | None = None
) -> Certificate:
    """The certificate for what is asked; `revocations` are those that are known of the one that it renews.

    Raises:
        NotCertifiedError: something speaks against it.
    """
    asked = replace(asked, runs=tuple(sorted(asked.runs, key=lambda run: run.started_at)))
    found = list(refusals(asked))
    follows: Mapping[str, str] | None = None
    if renews is not None:
        revocation = None if revocations is None else revocations.of(renews)
        found += renewal_refusals(asked, renews.certificate, revocation)
        follows = {"id": renews.certificate.id, "sha256": renews.sha256}
    if found:
        raise NotCertifiedError(found)
    return issued(asked, follows)
