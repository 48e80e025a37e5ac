"""Holds a renewal to the certificate that it follows: the same subject, judged anew since."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.certificates.application import Application
from conformance.certificates.certificate import Certificate
from conformance.certificates.refusals import Reason, Refusal
from conformance.certificates.revocation import Revocation
from conformance.quoting import one_line


def renewal_refusals(asked: Application, old: Certificate, revocation: Revocation | None) -> Iterator[Refusal]:
    """Each reason why what is asked for does not renew a certificate; an expired one can be renewed."""
    if revocation is not None:
        reason = one_line(revocation.reason, 200)
        yield Refusal(Reason.RENEWAL_OF_REVOKED, f"the old one was revoked at {revocation.revoked}, because: {reason}")
    for what, before, now in _compared(asked, old):
        if before != now:
            was, is_now = one_line(before or "none", 200), one_line(now or "none", 200)
            yield Refusal(
                Reason.RENEWAL_OF_ANOTHER, f"the {what} of the old certificate is {was}, and now it is {is_now}."
            )
    known = {run.evidence for run in old.runs}
    for run in asked.runs:
        if run.facts.evidence_sha256 in known or run.started_at <= old.issued_at:
            yield Refusal(
                Reason.RENEWAL_WITHOUT_NEW_RUNS,
                f"{one_line(run.name, 200)}: the run started at {run.facts.started}, before the old certificate was"
                f" issued ({old.issued}).",
            )


def _compared(asked: Application, old: Certificate) -> Iterator[tuple[str, str | None, str | None]]:
    before, now = old.subject, asked.subject
    yield "vendor", before.vendor, now.vendor
    yield "product", before.product, now.product
    yield "target", before.target, now.target
    yield "model", before.model, now.model
    for run in asked.runs[:1]:
        yield "profile", old.scope.profile.name, run.facts.profile
