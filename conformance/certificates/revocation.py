"""A revocation as a value: takes one certificate back, from a moment on and for a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conformance.certificates.application import Issuer
from conformance.certificates.refusals import CertificateError
from conformance.moments import moment

FORMAT = 1
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Revocation:
    """Names a certificate by its id and the sha256 of its payload; specs/revocation.schema.json describes it."""

    certificate_id: str
    certificate_sha256: str
    issuer: Issuer
    reason: str
    revoked: str

    def data(self) -> dict[str, Any]:
        """The revocation as plain data."""
        return {
            "format": FORMAT,
            "certificate": {"id": self.certificate_id, "sha256": self.certificate_sha256},
            "issuer": {"name": self.issuer.name, "key": self.issuer.key},
            "reason": self.reason,
            "revoked": self.revoked,
        }

    def text(self) -> str:
        """The payload that is signed."""
        return json.dumps(self.data(), indent=1, ensure_ascii=False) + "\n"

    @property
    def revoked_at(self) -> datetime:
        """From when on the certificate does not hold."""
        return datetime.fromisoformat(self.revoked)


def new_revocation(certificate_id: str, sha256: str, issuer: Issuer, reason: str, now: datetime) -> Revocation:
    """The revocation of a certificate from now on.

    Raises:
        CertificateError: the reason cannot be used.
    """
    if not reason.strip() or not reason.isprintable() or len(reason) > LONGEST_REASON:
        raise CertificateError(
            f"--reason cannot be used; give one line of at most {LONGEST_REASON} characters that says why."
        )
    revoked = now.astimezone(UTC).replace(microsecond=0).isoformat()
    return Revocation(certificate_id, sha256, issuer, reason, revoked)


def revocation_from(data: Mapping[str, Any]) -> Revocation:
    """The revocation that plain data describes, which keeps to the schema.

    Raises:
        ValueError: its time is none.
    """
    if moment(data["revoked"]) is None:
        raise ValueError("its `revoked` is not a time")
    named = data["certificate"]
    return Revocation(named["id"], named["sha256"], Issuer(**data["issuer"]), data["reason"], data["revoked"])
