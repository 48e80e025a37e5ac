"""Whether a certificate holds at a moment: it is in its time, and nobody took it back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from conformance.certificates.certificate import Certificate
from conformance.certificates.revocation import Revocation
from conformance.quoting import one_line


class Standing(StrEnum):
    """What a certificate is worth at a moment."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"
    NOT_YET = "not yet valid"


@dataclass(frozen=True, slots=True)
class Stands:
    """The standing of a certificate, with what took it back where something did."""

    standing: Standing
    certificate: Certificate
    revocation: Revocation | None = None

    @property
    def sentence(self) -> str:
        """The standing in words, as the end of "the certificate …"."""
        if self.revocation is not None and self.standing is Standing.REVOKED:
            return f"was revoked at {self.revocation.revoked}, because: {one_line(self.revocation.reason, 500)}"
        return {
            Standing.VALID: f"holds until {self.certificate.last_day}",
            Standing.EXPIRED: f"expired at {self.certificate.expires}",
            Standing.NOT_YET: f"holds only from {self.certificate.issued} on",
        }[self.standing]


def standing(certificate: Certificate, revocation: Revocation | None, now: datetime) -> Stands:
    """What a certificate is worth now; a revocation counts for more than an expiry."""
    if revocation is not None and now >= revocation.revoked_at:
        return Stands(Standing.REVOKED, certificate, revocation)
    if now < certificate.issued_at:
        return Stands(Standing.NOT_YET, certificate, revocation)
    return Stands(Standing.EXPIRED if now >= certificate.expires_at else Standing.VALID, certificate, revocation)
