"""Certificates: what a programme demands, whom it certifies for what and until when, and what it takes back."""

from conformance.certificates.application import Application, Issuer, ShownRun
from conformance.certificates.certificate import Certificate
from conformance.certificates.files import (
    CERTIFICATE,
    REVOCATION,
    Revocations,
    SignedCertificate,
    read_certificate,
    revocations_in,
    write_certificate,
    write_revocation,
)
from conformance.certificates.policy import Policy, load_policy
from conformance.certificates.refusals import CertificateError, NotCertifiedError, Reason, Refusal
from conformance.certificates.revocation import Revocation, new_revocation
from conformance.certificates.standing import Standing, Stands, standing
from conformance.certificates.subject import Subject, load_subject

__all__ = [
    "CERTIFICATE",
    "REVOCATION",
    "Application",
    "Certificate",
    "CertificateError",
    "Issuer",
    "NotCertifiedError",
    "Policy",
    "Reason",
    "Refusal",
    "Revocation",
    "Revocations",
    "ShownRun",
    "SignedCertificate",
    "Standing",
    "Stands",
    "Subject",
    "load_policy",
    "load_subject",
    "new_revocation",
    "read_certificate",
    "revocations_in",
    "standing",
    "write_certificate",
    "write_revocation",
]
