"""Makes the badge of a certificate, which says until when it holds, or that it does not."""

from __future__ import annotations

from datetime import UTC, datetime

from conformance.certificates.standing import Standing, Stands
from conformance.quoting import one_line
from conformance.report.badge import GREEN, GREY, RED, Badge, drawn_badge, shields_badge

_LONGEST_LABEL = 100
_DAY = 24 * 3600
_SHORTEST_CACHE = 300


def certificate_badge(stands: Stands, now: datetime) -> Badge:
    """What the badge of a certificate says now.

    It names the last day, so that an old picture claims nothing beyond it; services ask again each day, and at the
    latest when the certificate ends.
    """
    label = one_line(f"certified: {stands.certificate.scope.about}", _LONGEST_LABEL)
    if stands.standing is Standing.VALID:
        left = int((stands.certificate.expires_at - now).total_seconds())
        cached = max(min(left, _DAY), _SHORTEST_CACHE)
        return Badge(label, f"until {stands.certificate.last_day}", GREEN, cache_seconds=cached)
    if stands.standing is Standing.REVOKED and stands.revocation is not None:
        day = stands.revocation.revoked_at.astimezone(UTC).date().isoformat()
        return Badge(label, f"revoked {day}", RED, is_error=True, cache_seconds=_DAY)
    ended = stands.standing is Standing.EXPIRED
    message = f"expired {stands.certificate.last_day}" if ended else "not yet valid"
    return Badge(label, message, GREY, is_error=True, cache_seconds=_DAY)


def badge_files(stands: Stands, now: datetime) -> dict[str, str]:
    """The texts of the badge's files by their names."""
    badge = certificate_badge(stands, now)
    return {"badge.json": shields_badge(badge), "badge.svg": drawn_badge(badge)}
