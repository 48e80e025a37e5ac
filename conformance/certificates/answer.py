"""What `verify` answers of a certificate: whether it holds, what it says, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from conformance.bundle.answer import NOT_PROVEN
from conformance.certificates.files import SignedCertificate
from conformance.certificates.standing import Stands
from conformance.quoting import one_line
from conformance.report.quantities import counted

_LONGEST = 200
_ELSEWHERE = "that its issuer has not revoked it in a place that was not looked at"


def certificate_answer(
    name: str, signed: SignedCertificate, stands: Stands, looked_at: Sequence[str], unusable: Sequence[str]
) -> Iterator[str]:
    """The lines of the answer for a certificate that holds; `looked_at` are the places of revocations."""
    certificate = signed.certificate
    subject, scope = certificate.subject, certificate.scope
    places = " or ".join(looked_at)
    yield f"{name} is a valid certificate: it {stands.sentence}, and no revocation of it is in {places}."
    yield f"Certified: {one_line(subject.title, _LONGEST)}, at {one_line(subject.target, _LONGEST)}."
    yield f"Conformant: {one_line(scope.about, 500)}."
    must = ", ".join(f"{count} {word}" for word, count in certificate.verdict["must"].items())
    yield f"MUST requirements: {must}; {counted(len(certificate.verdict['waivers']), 'waiver')}."
    seal = "signed by the given key" if signed.is_checked else "without --public-key the signature was not checked"
    yield f"Issuer: {one_line(certificate.issuer.name, _LONGEST)}, key sha256 {certificate.issuer.key}; {seal}."
    policy = f"{one_line(certificate.policy['name'], 80)} (sha256 {certificate.policy['sha256']})"
    yield f"Policy: {policy}. The runs were made by the {certificate.ran_by}."
    yield f"Certificate: {certificate.id}, issued {certificate.issued}, expires {certificate.expires}."
    for run in certificate.runs:
        yield f"Rests on: the run of {run.started}, bundle sha256 {run.bundle}."
    yield from (f"Note: {one_line(sentence, 500)}" for sentence in unusable)
    yield f"Not proven: {'; '.join((_ELSEWHERE, *NOT_PROVEN))}."
