"""Whether a challenge holds at a time: a run outside of it is not what the certifier asked for, so nothing is sent."""

from __future__ import annotations

from datetime import datetime

from conformance.probes import Challenge
from conformance.targets import TargetError


def require_in_time(challenge: Challenge, now: datetime, subject: str) -> None:
    """Refuse a challenge that does not hold now; `subject` names it at the beginning of the sentence.

    Raises:
        TargetError: it has expired, or is not valid yet.
    """
    if now >= challenge.expires_at:
        raise TargetError(f"{subject} expired at {challenge.expires}; ask the certifier for a new one.")
    if now < challenge.issued_at:
        raise TargetError(f"{subject} holds only from {challenge.issued} on; check the clock of this machine.")
