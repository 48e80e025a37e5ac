"""Why a certificate is refused: each reason has a name, by which a vendor and a programme can talk about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The names of the reasons; docs/certification.md explains each."""

    BUNDLE_NOT_VALID = "bundle-not-valid"
    """A bundle does not hold by `verify`: changed, incomplete, signed by another key, not made for the challenge."""
    NOT_CONFORMANT = "not-conformant"
    PROFILE_NOT_ACCEPTED = "profile-not-accepted"
    NO_RELEASE = "no-release"
    """A run was not scored by a frozen release."""
    RELEASE_NOT_ACCEPTED = "release-not-accepted"
    TIER_TOO_SMALL = "tier-too-small"
    PART_LEFT_OUT = "part-left-out"
    WAIVER_NOT_ALLOWED = "waiver-not-allowed"
    WAIVER_EXPIRED = "waiver-expired"
    NOT_SIGNED = "not-signed"
    NOT_CHALLENGED = "not-challenged"
    CHALLENGE_FOR_ANOTHER = "challenge-for-another"
    WRONG_RUNNER = "wrong-runner"
    """Not made by whom the policy wants, or not signed by whom is said to have made them."""
    REFERENCE_DEPLOYMENT = "reference-deployment"
    WITHOUT_TLS = "without-tls"
    OTHER_TARGET = "other-target"
    """Evidence of another deployment than the subject."""
    SUBJECT_INCOMPLETE = "subject-incomplete"
    TOO_FEW_RUNS = "too-few-runs"
    ONE_RUN_TWICE = "one-run-twice"
    RUNS_DISAGREE = "runs-disagree"
    RUNS_TOO_CLOSE = "runs-too-close"
    RUN_TOO_OLD = "run-too-old"
    RENEWAL_OF_ANOTHER = "renewal-of-another"
    RENEWAL_OF_REVOKED = "renewal-of-revoked"
    RENEWAL_WITHOUT_NEW_RUNS = "renewal-without-new-runs"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why no certificate is issued, and what exactly is the matter, in one sentence."""

    reason: Reason
    sentence: str

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.sentence}"


class NotCertifiedError(Exception):
    """What is demanded is not met, for these reasons."""

    def __init__(self, refusals: Iterable[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(map(str, self.refusals)))


class CertificateError(Exception):
    """A certificate, a revocation, a policy or a subject cannot be used.

    The message is one sentence: the file, what is wrong, and what to do.
    """
